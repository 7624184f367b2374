/** RFC 4353 4.1, 5.4: may this caller join the conference, and may this leg stay in it. Pure decisions on facts. */
import type { LegFact } from '../conference-info/leg.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import type { ExpulsionFact } from '../conference-info/occupant.ts';
import { clipped } from '../conference-info/xml-text.ts';
import type { Aor } from '../identity/aor.ts';
import type { Bindings } from '../identity/binding.ts';
import type { PolicySettings } from './settings.ts';
import { affiliationOf, isMember, isOwnerOrAdmin, wordsOnLeaving } from './standing.ts';

/** A refusal as SIP says it; `text` is the reason phrase for people. */
export interface Refusal {
  readonly status: 403 | 404 | 486 | 503;
  readonly text: string;
}

/** `join` carries the expulsion id that the leg must note (see ExpulsionFact). */
export type Admission =
  | { readonly act: 'join'; readonly expulsion: string | null }
  | ({ readonly act: 'refuse' } & Refusal);

/** A call on its way in, with the AOR that its caller has proved. */
type Arrival = Pick<LegFact, 'aor'>;

/** What keeps somebody out of the call, or puts them out. */
type Cause = ExpulsionFact['cause'] | 'caller-ban' | 'closed';

/** As SIP says it: to who calls, and in the Reason of a BYE. A kick keeps nobody out. */
const said = {
  kick: { status: 603, text: 'Removed from the room' },
  ban: { status: 403, text: 'Banned from the room' },
  membership: { status: 403, text: 'Members only' },
  'caller-ban': { status: 403, text: 'Banned from the conference' },
  closed: { status: 404, text: 'This conference has ended' },
} as const satisfies Record<Cause, object>;

interface Barrier {
  readonly cause: Exclude<Cause, 'kick'>;
  /** Why, in the words of whoever did it, and who that was. */
  readonly reason: string | null;
  readonly by: string | null;
}

/** What keeps somebody out of the room's call, apart from its size; null when nothing does. */
function barrier(
  person: { readonly aor: Aor | null; readonly jid: string | null },
  meeting: Meeting,
  settings: PolicySettings,
): Barrier | null {
  const { aor, jid } = person;
  if (meeting.link?.state === 'closed') return { cause: 'closed', reason: meeting.link.reason, by: null };
  const callerBan = aor === null ? undefined : meeting.callerBans.get(aor);
  if (callerBan) return { cause: 'caller-ban', reason: callerBan.reason, by: callerBan.by };
  if (jid !== null && affiliationOf(jid, meeting) === 'outcast') {
    const { reason = null, by = null } = meeting.affiliations.get(jid) ?? {};
    return { cause: 'ban', reason, by };
  }
  if (!meeting.room?.membersOnly) return null;
  const welcome = jid === null ? settings.phonesInMembersOnly === 'allow' : isMember(jid, meeting);
  if (welcome) return null;
  const { reason = null, by = null } = jid === null ? {} : wordsOnLeaving(jid, meeting);
  return { cause: 'membership', reason, by };
}

/** Why somebody with this proved AOR, or null, may neither call nor watch; null when nothing speaks against it. */
export function keptOut(
  aor: Aor | null,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
): Refusal | null {
  const against = barrier({ aor, jid: jidOfLeg({ aor }, bindings) }, meeting, settings);
  if (against) return { status: said[against.cause].status, text: said[against.cause].text };
  // Who is banned, a member or muted is not known before the room has been seen: later is better than wrongly let in.
  return meeting.room === null ? { status: 503, text: 'The room of this conference is not known yet' } : null;
}

/**
 * Why a new caller whom nothing keeps out gets no place all the same.
 *
 * Of a locked conference the answer is 403: RFC 4353 has the focus enforce the policy of the conference by refusing the INVITE, no RFC names a
 * status for a lock, and RFC 3261 21.4.4 says what is meant: understood, refused, not to be repeated. 480 and 486 would ask phones and
 * proxies to try again, or to look for voice mail, and 603 would end forks of the call that have nothing to do with this conference.
 */
function noPlace(
  aor: Aor | null,
  link: LinkSettings,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
  arriving: readonly Arrival[],
): Refusal | null {
  if (aor === null && settings.anonymousCallers === 'refuse') return { status: 403, text: 'Please prove who you are' };
  const jid = jidOfLeg({ aor }, bindings);
  if (meeting.link?.locked && (jid === null || !isOwnerOrAdmin(jid, meeting))) {
    return { status: 403, text: 'The conference is locked' };
  }
  if (meeting.legs.size + arriving.length >= link.maximumUsers) return { status: 486, text: 'The conference is full' };
  const most = settings.callsPerPerson;
  if (aor === null || most === 0) return null;
  const own = (call: Arrival): boolean => call.aor === aor || (jid !== null && jidOfLeg(call, bindings) === jid);
  const calls = [...meeting.legs.values(), ...arriving].filter(own).length;
  return calls < most ? null : { status: 486, text: `No more than ${most} calls of one person` };
}

/**
 * Decides on a new caller. `aor` is a proved one or null; who proves none is counted as nobody's call. `arriving`: calls that have been let in
 * and are no legs yet; they take places, too.
 */
export function admit(
  aor: Aor | null,
  link: LinkSettings,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
  arriving: readonly Arrival[] = [],
): Admission {
  const refusal =
    keptOut(aor, meeting, bindings, settings) ?? noPlace(aor, link, meeting, bindings, settings, arriving);
  if (refusal) return { act: 'refuse', ...refusal };
  const jid = jidOfLeg({ aor }, bindings);
  return { act: 'join', expulsion: jid === null ? null : (meeting.expulsions.get(jid)?.id ?? null) };
}

/** Why a leg must end now, as a SIP status and text (RFC 3326). */
export interface MustLeave {
  readonly status: 403 | 404 | 603;
  readonly text: string;
  /** RFC 4575 5.7.6: how its endpoint was disconnected. */
  readonly disconnection: 'booted' | 'departed';
  /** Why, in the words of whoever did it, when they gave any. */
  readonly reason: string;
  readonly by: string | null;
}

/** The words of a moderator go into a header. */
const longestReason = 200;

/** Whether a leg that was let in has to go: room destroyed, its person sent out since, or kept out by what holds now. */
export function mustLeave(
  leg: LegFact,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
): MustLeave | null {
  const jid = jidOfLeg(leg, bindings);
  const expulsion = jid === null ? undefined : meeting.expulsions.get(jid);
  const expelled = expulsion && expulsion.id !== leg.expulsion ? expulsion : null;
  const why = expelled ?? barrier({ aor: leg.aor, jid }, meeting, settings);
  if (!why) return null;
  const { status, text } = said[why.cause as Cause];
  return {
    status,
    text: why.reason === null ? text : `${text}: ${clipped(why.reason, longestReason)}`,
    reason: why.reason ?? text,
    disconnection: why.cause === 'closed' ? 'departed' : 'booted',
    by: why.by,
  };
}
