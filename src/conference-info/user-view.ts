/**
 * RFC 4575 5.6, 8.1, 8.2: what one kind of viewer is shown of a person.
 *
 * A moderator is shown everything. For the others, in a room that hides real JIDs from them:
 * - somebody in the room is their nick, and nothing else: the entity is the occupant's URI, a leg's endpoint is opaque, no AOR, no JID;
 *   two nicks of one person stay two users, and the legs stand with the first nick;
 * - somebody with a JID who is in the call only is a pseudonym without a label. Their AOR would tell, the moment they enter or leave the
 *   room, whose nick is whose;
 * - callers without a JID are never in the room, so a proved AOR is shown, unless it is a telephone number.
 *
 * In every room, a call whose caller asked for privacy (RFC 3323) is a pseudonym of its own to them, apart from the person's other ways in.
 *
 * Somebody who watches is, to themselves, the same users with the same entities; what is theirs alone to know is added.
 */
import type { LegFact } from './leg.ts';
import type { OccupantFact } from './occupant.ts';
import { bareJidUri, occupantUri } from './occupant-uri.ts';
import type { Person } from './person.ts';
import type { Direction, Endpoint, Medium, Showing, User } from './user.ts';
import { longestName, readableLine, uriText } from './xml-text.ts';

/** What else decides how persons are written. */
export interface Circumstances {
  readonly room: string;
  readonly nonAnonymous: boolean;
  readonly moderated: boolean;
  /** True when no earlier leg in the conference has this leg's contact. */
  ownsContact(leg: LegFact): boolean;
}

const telephoneUri = /^(?:tel:|sips?:\+?[\d*#.()-]{3,}@)|;user=phone/i;
const telephoneText = /^\s*\+?[\d\s()./*#-]{3,}$/;

const isTelephone = (uri: string): boolean => telephoneUri.test(uri);

/** Made from the pseudonym, so it lasts as long as the call and is the same in every document. */
function inventedName(leg: LegFact): string {
  const letters = leg.pseudonym.replace(/^sips?:/, '').replace(/@.*$/, '');
  const part = letters.replace(/[^A-Za-z0-9]/g, '').slice(-4);
  return part === '' ? 'Caller' : `Caller ${part.toUpperCase()}`;
}

function callerName(leg: LegFact, hideNumbers: boolean): string {
  const label = readableLine(leg.label, longestName);
  if (label === null || (hideNumbers && telephoneText.test(label))) return inventedName(leg);
  return label;
}

const nickName = (occupant: OccupantFact): string => readableLine(occupant.nick, longestName) ?? 'Unnamed';

/** The one medium of an endpoint. */
const medium = (type: Medium['type'], status: Direction): Medium => ({
  id: '1',
  displayText: null,
  type,
  label: type === 'message' ? 'chat' : type,
  sourceId: null,
  status,
});

/** `contact` null: the address is withheld. */
function legEndpoint(leg: LegFact, contact: string | null): Endpoint {
  const { muted } = leg;
  const byFocus = muted && !(leg.mutes.length > 0 && leg.mutes.every((reason) => reason === 'self'));
  const connected = byFocus ? 'muted-via-focus' : 'connected';
  const onHold = leg.status === 'on-hold';
  const sending = muted ? 'recvonly' : 'sendrecv';
  return {
    entity: contact ?? `sip:${leg.leg}@anonymous.invalid`,
    displayText: null,
    referred: null,
    status: onHold ? 'on-hold' : connected,
    joiningMethod: leg.method,
    joiningInfo: { when: leg.joinedAt, reason: null, by: null },
    disconnectionMethod: null,
    disconnectionInfo: null,
    media: [medium('audio', onHold ? 'inactive' : sending)],
    callInfo: null,
  };
}

function contactFor(leg: LegFact, around: Circumstances, hideNumbers: boolean): string | null {
  if (leg.contact === null || leg.contact === '') return null;
  if (hideNumbers && (isTelephone(leg.contact) || (leg.aor !== null && isTelephone(leg.aor)))) return null;
  return around.ownsContact(leg) ? leg.contact : `${leg.contact};leg=${leg.leg}`;
}

function occupantEndpoint(occupant: OccupantFact, around: Circumstances, name: string): Endpoint {
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

const roleOrder = ['none', 'visitor', 'participant', 'moderator'];

/** The strictest role of the occupants, and a lasting affiliation. */
function occupantRoles(occupants: readonly OccupantFact[]): readonly string[] {
  const ranks = occupants.map((occupant) => roleOrder.indexOf(occupant.role));
  const role = roleOrder[Math.min(...ranks)] ?? 'none';
  const affiliation = occupants[0]?.affiliation ?? 'none';
  return [role, affiliation].filter((word) => word !== 'none' && word !== 'outcast');
}

/** Away from the room: the role that the affiliation would get on entering, as far as the mutes of the room allow. */
function callerRoles(person: Person, hidden: boolean): readonly string[] {
  if (person.legs.some((leg) => leg.mutes.includes('room'))) return ['visitor'];
  const leads = person.affiliation === 'owner' || person.affiliation === 'admin';
  if (hidden || person.affiliation === 'none' || person.affiliation === 'outcast') return ['participant'];
  return [leads ? 'moderator' : 'participant', person.affiliation];
}

/** The person's proved AORs, earliest leg first, without those that are numbers when these are hidden. */
function provedAors(person: Person, hideNumbers: boolean): readonly string[] {
  const aors = person.legs.map((leg) => leg.aor).filter((aor) => aor !== null);
  return [...new Set(aors.filter((aor) => !hideNumbers || !isTelephone(aor)).map(uriText))];
}

/** What others are not shown of a person is shown to themselves: every address. */
const ownAddresses = (person: Person, entity: string, own: boolean): readonly string[] => {
  if (!own) return [];
  const addresses = [...provedAors(person, false), ...(person.jid === null ? [] : [bareJidUri(person.jid)])];
  return addresses.filter((address) => address !== entity);
};

/** A call by itself, under its pseudonym. */
function withheldUser(person: Person, leg: LegFact, around: Circumstances, own: boolean): User {
  const entity = uriText(leg.pseudonym);
  return {
    entity,
    displayText: own ? callerName(leg, false) : inventedName(leg),
    associatedAors: ownAddresses(person, entity, own),
    languages: [],
    cascadedFocus: null,
    roles: callerRoles({ ...person, legs: [leg] }, true),
    endpoints: [legEndpoint(leg, own ? contactFor(leg, around, false) : null)],
  };
}

/** Each nick a user of its own; the legs with the first. Without a nick, one pseudonym. */
function hiddenUsers(person: Person, around: Circumstances, own: boolean): readonly User[] {
  const legs = person.legs.map((leg) => legEndpoint(leg, own ? contactFor(leg, around, false) : null));
  const [first] = person.legs;
  if (person.occupants.length === 0 && first) {
    return [{ ...withheldUser(person, first, around, own), roles: callerRoles(person, true), endpoints: legs }];
  }
  return person.occupants.map((occupant, index) => {
    const entity = occupantUri(around.room, occupant.nick);
    return {
      entity,
      displayText: nickName(occupant),
      associatedAors: ownAddresses(person, entity, own),
      languages: [],
      cascadedFocus: null,
      roles: occupantRoles([occupant]),
      endpoints: [occupantEndpoint(occupant, around, nickName(occupant)), ...(index === 0 ? legs : [])],
    };
  });
}

function openUser(person: Person, around: Circumstances, showing: Showing): User {
  const hideNumbers = showing === 'ordinary';
  const [leg] = person.legs;
  const [occupant] = person.occupants;
  // Themselves, they stand under the entity that the others see.
  const [aor, ...furtherAors] = provedAors(person, showing !== 'moderator');
  const ofOccupant = occupant ? occupantUri(around.room, occupant.nick) : null;
  const entity = aor ?? ofOccupant ?? uriText(leg?.pseudonym ?? '');
  // Who is in the call only has shown the room's people no JID.
  const showsJid = person.jid !== null && (showing === 'moderator' || person.occupants.length > 0);
  const name = occupant ? nickName(occupant) : leg ? callerName(leg, hideNumbers) : 'Unnamed';
  const shown = [...furtherAors, ...(showsJid && person.jid !== null ? [bareJidUri(person.jid)] : [])];
  return {
    entity,
    displayText: name,
    associatedAors: showing === 'self' ? ownAddresses(person, entity, true) : shown,
    languages: [],
    cascadedFocus: null,
    roles: occupant ? occupantRoles(person.occupants) : callerRoles(person, false),
    endpoints: [
      ...person.occupants.map((each) => occupantEndpoint(each, around, name)),
      ...person.legs.map((each) => legEndpoint(each, contactFor(each, around, hideNumbers))),
    ],
  };
}

/** What ordinary viewers, or the person, are shown of somebody whose calls are not withheld. */
function ordinaryUsers(person: Person, around: Circumstances, showing: Showing): readonly User[] {
  const hidden = !around.nonAnonymous && person.jid !== null;
  return hidden ? hiddenUsers(person, around, showing === 'self') : [openUser(person, around, showing)];
}

const isWithheld = (leg: LegFact): boolean => leg.withheld === true;

/** The users that a person is shown as: one, or one per nick where the room hides who is who, and one per withheld call. */
export function usersOfPerson(person: Person, around: Circumstances, showing: Showing): readonly User[] {
  if (showing === 'moderator') return [openUser(person, around, showing)];
  if (!person.legs.some(isWithheld)) return ordinaryUsers(person, around, showing);
  const apart = person.legs.filter(isWithheld).map((leg) => withheldUser(person, leg, around, showing === 'self'));
  const rest = { ...person, legs: person.legs.filter((leg) => !isWithheld(leg)) };
  const shown = rest.legs.length + rest.occupants.length > 0 ? ordinaryUsers(rest, around, showing) : [];
  return [...shown, ...apart];
}
