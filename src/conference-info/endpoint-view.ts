/** RFC 4575 5.7, 5.8: what is shown of a person's way into a conference: a call that stands or has ended, or an occupant of the room. */
import type { DepartureFact } from './departure.ts';
import type { LegFact } from './leg.ts';
import type { OccupantFact } from './occupant.ts';
import { occupantUri } from './occupant-uri.ts';
import type { Call } from './person.ts';
import { isTelephone, tellsNumber } from './telephone.ts';
import type { Direction, Endpoint, EndpointStatus, Execution, Medium, Showing } from './user.ts';
import { longestLine, longestName, readableLine, uriText } from './xml-text.ts';

/** What else decides how persons are written. */
export interface Circumstances {
  readonly room: string;
  readonly nonAnonymous: boolean;
  readonly moderated: boolean;
  /** True when this call is the one in the conference whose entity is its contact. */
  ownsContact(leg: LegFact): boolean;
}

/** A number, or what a number can be told from, is in this leg. */
const onTelephone = ({ aor, contact }: LegFact): boolean =>
  (aor !== null && isTelephone(aor)) || (contact !== null && isTelephone(contact));

/** Made from an entity that tells nothing, so it lasts as long and is the same in every document. */
export function inventedName(entity: string): string {
  const letters = entity.replace(/^sips?:/, '').replace(/@.*$/, '');
  const part = letters.replace(/[^A-Za-z0-9]/g, '').slice(-4);
  return part === '' ? 'Caller' : `Caller ${part.toUpperCase()}`;
}

/** What the caller is called; where that is not to be shown, or nothing, a name made from the entity. */
export function callerName(leg: LegFact, entity: string, hideNumbers: boolean): string {
  const label = readableLine(leg.label, longestName);
  if (label === null || (hideNumbers && tellsNumber(label, onTelephone(leg)))) return inventedName(entity);
  return label;
}

/** The name of somebody in the room. */
export const nickName = (occupant: OccupantFact): string => readableLine(occupant.nick, longestName) ?? 'Unnamed';

/** The one medium of an endpoint. */
const medium = (type: Medium['type'], status: Direction, sourceId: string | null = null): Medium => ({
  id: '1',
  displayText: null,
  type,
  label: type === 'message' ? 'chat' : type,
  sourceId,
  status,
});

/** Where it calls from tells a number, or the gateway of a peer that is trusted: not for everybody. */
const tellsTooMuch = (leg: LegFact): boolean => leg.proof === 'trusted-peer' || onTelephone(leg);

/** The caller's Contact, unless it tells more than this viewer may know. */
function contactOf(leg: LegFact, around: Circumstances, showing: Showing): string | null {
  if (leg.contact === null || leg.contact === '') return null;
  if (showing === 'ordinary' && tellsTooMuch(leg)) return null;
  return around.ownsContact(leg) ? leg.contact : `${leg.contact};leg=${leg.leg}`;
}

/** Another focus is shown under its conference URI to whom the caller's address may be shown. */
export function cascadedFocusOf(leg: LegFact, showing: Showing): string | null {
  if (leg.cascadedFocus === undefined || (showing === 'ordinary' && tellsTooMuch(leg))) return null;
  return uriText(leg.cascadedFocus);
}

/**
 * By whom something was done. Everybody may see nicks in the room; addresses only who moderates, who it was done to, and everybody
 * where the room shows them.
 */
function doer(by: string | null, around: Circumstances, showing: Showing): string | null {
  if (by === null) return null;
  const uri = uriText(by);
  const nick = uri.startsWith(occupantUri(around.room, ''));
  if (showing !== 'ordinary' || nick || (around.nonAnonymous && !isTelephone(uri))) return uri;
  return null;
}

type Told = { readonly when: string | null; readonly reason: string | null; readonly by: string | null };

function execution(told: Told | undefined, around: Circumstances, showing: Showing): Execution | null {
  if (!told) return null;
  const reason = readableLine(told.reason, longestLine);
  const by = doer(told.by, around, showing);
  return told.when === null && reason === null && by === null ? null : { when: told.when, reason, by };
}

/** Statuses in which there are media. */
const talking: ReadonlySet<LegFact['status']> = new Set(['connected', 'on-hold']);
const notYetIn: ReadonlySet<LegFact['status']> = new Set(['pending', 'dialing-in', 'dialing-out', 'alerting']);

function statusOf({ status, muted, mutes }: LegFact): EndpointStatus {
  if (status !== 'connected') return status;
  const byFocus = muted && !(mutes.length > 0 && mutes.every((reason) => reason === 'self'));
  return byFocus ? 'muted-via-focus' : 'connected';
}

/** 5.8.5: what the caller wants to send and hear, less what the focus does not take. */
function directionOf({ status, direction, muted }: LegFact): Direction {
  if (!talking.has(status)) return 'inactive';
  const wanted = direction ?? (status === 'on-hold' ? 'inactive' : 'sendrecv');
  if (!muted) return wanted;
  return wanted === 'sendrecv' || wanted === 'recvonly' ? 'recvonly' : 'inactive';
}

/** The dialog, when all that names it is known. */
function callInfo(leg: LegFact): Endpoint['callInfo'] {
  const written = (text: string | undefined): string | null => readableLine(text ?? null, longestLine);
  const [callId, fromTag, toTag] = [written(leg.callId), written(leg.fromTag), written(leg.toTag)];
  return callId === null || fromTag === null || toTag === null ? null : { displayText: null, callId, fromTag, toTag };
}

function ending(departure: DepartureFact, around: Circumstances, showing: Showing) {
  return {
    status: 'disconnected' as const,
    disconnectionMethod: departure.method,
    disconnectionInfo: execution(departure, around, showing),
    media: [],
  };
}

/** A call. `opaque`: nothing in it may lead to the person. */
export function callEndpoint(
  { leg, departure }: Call,
  around: Circumstances,
  showing: Showing,
  opaque: boolean,
): Endpoint {
  const contact = opaque ? null : contactOf(leg, around, showing);
  const joined = { when: notYetIn.has(leg.status) ? null : leg.joinedAt, reason: null, by: null, ...leg.joining };
  return {
    entity: contact ?? `sip:${leg.leg}@anonymous.invalid`,
    displayText: null,
    referred: execution(leg.referred, around, showing),
    status: statusOf(leg),
    joiningMethod: leg.method,
    joiningInfo: execution(joined, around, showing),
    disconnectionMethod: null,
    disconnectionInfo: null,
    media: leg.status === 'disconnected' ? [] : [medium('audio', directionOf(leg), leg.sourceId ?? null)],
    callInfo: showing === 'ordinary' || opaque ? null : callInfo(leg),
    ...(departure === null ? {} : ending(departure, around, showing)),
  };
}

/** An occupant of the room. `name`: that of the user. */
export function occupantEndpoint(occupant: OccupantFact, around: Circumstances, name: string): Endpoint {
  const shown = nickName(occupant);
  const taken = occupant.cause === 'revoked' || occupant.cause === 'unknown';
  const silent = occupant.role === 'none' || (occupant.role === 'visitor' && (around.moderated || taken));
  return {
    entity: occupantUri(around.room, occupant.nick),
    displayText: shown === name ? null : shown,
    referred: null,
    status: 'connected',
    joiningMethod: null,
    joiningInfo: null,
    disconnectionMethod: null,
    disconnectionInfo: null,
    media: [medium('message', silent ? 'recvonly' : 'sendrecv')],
    callInfo: null,
  };
}
