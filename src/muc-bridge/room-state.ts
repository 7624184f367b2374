/**
 * What a room's events mean for the facts: pure next-state functions. The facts that stand are the memory; nothing else
 * is remembered of people, so that a restart goes on where the process before it ended.
 */
import type { FactKind, FactValues, Meeting } from '../conference-info/meeting.ts';
import type { AffiliationFact, ExpulsionFact, OccupantFact, RoleCause } from '../conference-info/occupant.ts';
import { roles } from '../conference-info/occupant.ts';
import type { RoomEvent, SeenOccupant } from './presence.ts';
import type { ListedOccupant } from './room-service.ts';

/** A fact to publish, or (value null) to withdraw. */
export type FactChange = {
  [K in FactKind]: { readonly kind: K; readonly key: string; readonly value: FactValues[K] | null };
}[FactKind];

/** What the focus must do in the room because of what it saw. */
export type RoomOrder =
  /** Somebody whose voice stands as taken came in with voice. */
  | { readonly order: 'take-voice'; readonly nick: string; readonly jid: string }
  /** An outcast is in the room: a fault of the server that only a kick cures. */
  | { readonly order: 'kick-outcast'; readonly nick: string };

/** Result of an event: changes in the order in which they must be published. */
export interface NextFacts {
  readonly changes: readonly FactChange[];
  readonly orders: readonly RoomOrder[];
}

/** `snapshot` while the list after our own join is coming in, `live` afterwards. `newId` gives a fresh id for an expulsion. */
export interface Circumstances {
  readonly phase: 'snapshot' | 'live';
  readonly newId: () => string;
}

const nothing: NextFacts = { changes: [], orders: [] };
const hasVoice = (occupant: { readonly role: OccupantFact['role'] }): boolean =>
  roles.indexOf(occupant.role) > roles.indexOf('visitor');

const publish = <K extends FactKind>(kind: K, key: string, value: FactValues[K]): FactChange =>
  ({ kind, key, value }) as unknown as FactChange;
const withdraw = (kind: FactKind, key: string): FactChange => ({ kind, key, value: null }) as FactChange;

/** The facts that follow from an event about people; events about the room itself give none. */
export function nextFacts(event: RoomEvent, meeting: Meeting, circumstances: Circumstances): NextFacts {
  if (event.event === 'affiliation')
    return { changes: affiliationChange(event.jid, event.affiliation, meeting), orders: [] };
  if (event.event === 'present') return event.self ? nothing : whenPresent(event, meeting, circumstances);
  if (event.event === 'renamed') return event.self ? nothing : { changes: whenRenamed(event, meeting), orders: [] };
  if (event.event === 'gone')
    return event.self ? nothing : { changes: whenGone(event, meeting, circumstances), orders: [] };
  return nothing;
}

function affiliationChange(jid: string, affiliation: OccupantFact['affiliation'], meeting: Meeting): FactChange[] {
  if (affiliation !== 'none') return [publish('affiliation', jid, { jid, affiliation })];
  return meeting.affiliations.has(jid) ? [withdraw('affiliation', jid)] : [];
}

type Present = Extract<RoomEvent, { event: 'present' }>;

function whenPresent(event: Present, meeting: Meeting, circumstances: Circumstances): NextFacts {
  const seen = seenIn(event);
  const stood = meeting.occupants.get(event.nick);
  // A nick may have passed to somebody else while nobody watched.
  const before = stood && (stood.jid === seen.jid || stood.jid === null || seen.jid === null) ? stood : null;
  if (seen.affiliation === 'outcast') return whenOutcast(event, before, meeting, circumstances);
  const entered = before === null;
  const orders: RoomOrder[] = [];
  const changes: FactChange[] = [];
  if (!entered && seen.jid !== null && before.affiliation !== seen.affiliation) {
    changes.push(...affiliationChange(seen.jid, seen.affiliation, meeting));
  }
  const taken = seen.jid !== null && meeting.voicesTaken.has(seen.jid);
  // After a time without sight a rise may be a grant or a new visit. Voice taken outlives a visit, so it is taken again: a
  // moderator sees that and can lift it, while the other mistake would go unseen. A moderator's role is no default of a visit.
  const unseenRise =
    taken && hasVoice(seen) && (entered || circumstances.phase === 'snapshot') && seen.role !== 'moderator';
  const cause = unseenRise ? (before?.cause ?? 'default') : causeOf(seen, before, taken, meeting, circumstances);
  if (unseenRise && seen.jid !== null) orders.push({ order: 'take-voice', nick: seen.nick, jid: seen.jid });
  changes.push(...voiceChanges(seen, cause, event.by, taken && !unseenRise, meeting));
  changes.push(publish('occupant', seen.nick, { ...seen, cause }));
  return { changes, orders };
}

const seenIn = ({ nick, jid, role, affiliation }: SeenOccupant): SeenOccupant => ({ nick, jid, role, affiliation });

/** Why somebody has the role that is seen now. */
function causeOf(
  seen: SeenOccupant,
  before: OccupantFact | null,
  taken: boolean,
  meeting: Meeting,
  { phase }: Circumstances,
): RoleCause {
  const moderated = meeting.room?.moderated ?? false;
  if (before !== null) {
    if (before.role === seen.role) return before.cause;
    if (hasVoice(before) && hasVoice(seen))
      return roles.indexOf(seen.role) > roles.indexOf(before.role) ? 'granted' : 'default';
    if (hasVoice(seen)) return 'granted';
    // In a moderated room, losing sight and finding a visitor may just be a new visit.
    return phase === 'snapshot' && moderated && !taken ? 'default' : 'revoked';
  }
  if (hasVoice(seen)) return 'default';
  if (taken) return 'revoked';
  if (phase === 'snapshot') return 'unknown';
  return moderated ? 'default' : 'left-over';
}

/** Voice taken by a moderator is a fact of its own, until it is given back. */
function voiceChanges(
  seen: SeenOccupant,
  cause: RoleCause,
  by: string | null,
  taken: boolean,
  meeting: Meeting,
): FactChange[] {
  if (seen.jid === null) return [];
  const jid = seen.jid;
  if (!hasVoice(seen)) {
    return cause === 'revoked' && !meeting.voicesTaken.has(jid) ? [publish('voice-taken', jid, { jid, by })] : [];
  }
  if (!taken) return [];
  const elsewhere = [...meeting.occupants.values()].some(
    (other) => other.jid === jid && other.nick !== seen.nick && other.cause === 'revoked' && !hasVoice(other),
  );
  return elsewhere ? [] : [withdraw('voice-taken', jid)];
}

/** ejabberd tells of a ban by an available presence first, and may let a banned person in again. */
function whenOutcast(
  event: Present,
  before: OccupantFact | null,
  meeting: Meeting,
  { newId }: Circumstances,
): NextFacts {
  const { jid } = event;
  const changes: FactChange[] = [];
  if (jid !== null && meeting.affiliations.get(jid)?.affiliation !== 'outcast') {
    changes.push(publish('affiliation', jid, { jid, affiliation: 'outcast' }));
    changes.push(publish('expulsion', jid, expulsion(newId(), jid, 'ban', event)));
  }
  const role = 'none';
  changes.push(publish('occupant', event.nick, { ...seenIn(event), role, cause: before?.cause ?? 'default' }));
  return { changes, orders: [{ order: 'kick-outcast', nick: event.nick }] };
}

const expulsion = (
  id: string,
  jid: string,
  cause: ExpulsionFact['cause'],
  { reason, by }: { readonly reason: string | null; readonly by: string | null },
): ExpulsionFact => ({ id, jid, cause, reason: reason?.slice(0, 1000) ?? null, by });

function whenRenamed(event: Extract<RoomEvent, { event: 'renamed' }>, meeting: Meeting): FactChange[] {
  const before = meeting.occupants.get(event.nick);
  if (!before) return [];
  // The new name first: at no moment does the person seem to be away.
  return [publish('occupant', event.to, { ...before, nick: event.to }), withdraw('occupant', event.nick)];
}

const expulsionOf = { kick: 'kick', ban: 'ban', membership: 'membership' } as const;

function whenGone(
  event: Extract<RoomEvent, { event: 'gone' }>,
  meeting: Meeting,
  { newId }: Circumstances,
): FactChange[] {
  const before = meeting.occupants.get(event.nick);
  const jid = event.jid ?? before?.jid ?? null;
  const changes: FactChange[] = [];
  const cause = event.departure in expulsionOf ? expulsionOf[event.departure as keyof typeof expulsionOf] : null;
  if (jid !== null && cause !== null) {
    const known = meeting.affiliations.get(jid)?.affiliation === 'outcast' && before?.affiliation === 'outcast';
    if (cause === 'ban') changes.push(publish('affiliation', jid, { jid, affiliation: 'outcast' }));
    if (cause === 'membership') changes.push(...affiliationChange(jid, 'none', meeting));
    // A ban that an available presence told of already has its expulsion.
    if (!(cause === 'ban' && known)) changes.push(publish('expulsion', jid, expulsion(newId(), jid, cause, event)));
  }
  if (before) changes.push(withdraw('occupant', event.nick));
  return changes;
}

/** After the whole list has been seen: whoever is not in it has left while nobody watched. */
export const missingFromSnapshot = (seen: ReadonlySet<string>, meeting: Meeting): readonly FactChange[] =>
  [...meeting.occupants.keys()].filter((nick) => !seen.has(nick)).map((nick) => withdraw('occupant', nick));

/** The affiliation facts that lead from what stands to what the lists say. `own` (the focus) is none of ours. */
export function affiliationsChanged(
  lists: readonly AffiliationFact[],
  own: string,
  meeting: Meeting,
): readonly FactChange[] {
  const listed = new Map(lists.filter((item) => item.jid !== own).map((item) => [item.jid, item]));
  const changes: FactChange[] = [];
  for (const [jid, fact] of listed) {
    if (meeting.affiliations.get(jid)?.affiliation !== fact.affiliation)
      changes.push(publish('affiliation', jid, fact));
  }
  for (const jid of meeting.affiliations.keys()) if (!listed.has(jid)) changes.push(withdraw('affiliation', jid));
  return changes;
}

/**
 * After a change of configuration (104): whoever the role lists lack was removed in silence. In a members-only room that is
 * an expulsion of those who are no members. `touched` nicks have been told of since the lists were asked for.
 */
export function missingFromLists(
  present: readonly ListedOccupant[],
  touched: ReadonlySet<string>,
  meeting: Meeting,
  { newId }: Pick<Circumstances, 'newId'>,
): readonly FactChange[] {
  const listed = new Set(present.map((occupant) => occupant.nick));
  const changes: FactChange[] = [];
  for (const [nick, occupant] of meeting.occupants) {
    if (listed.has(nick) || touched.has(nick)) continue;
    const { jid } = occupant;
    if (jid !== null && meeting.room?.membersOnly && !meeting.affiliations.has(jid)) {
      changes.push(publish('expulsion', jid, expulsion(newId(), jid, 'membership', { reason: null, by: null })));
    }
    changes.push(withdraw('occupant', nick));
  }
  return changes;
}
