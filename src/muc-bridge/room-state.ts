/**
 * What a room's events mean for the facts: pure next-state functions. The facts that stand are the memory; nothing else
 * is remembered of people, so that a restart goes on where the process before it ended.
 */
import { type FactKind, type FactValues, type Meeting, onlyKey } from '../conference-info/meeting.ts';
import type { AffiliationFact, ExpulsionFact, OccupantFact, RoleCause } from '../conference-info/occupant.ts';
import { roles } from '../conference-info/occupant.ts';
import { clipped } from '../conference-info/xml-text.ts';
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

/** The occupant that stood under this nick, unless the nick passed to somebody else while nobody watched. */
function samePerson(seen: SeenOccupant, meeting: Meeting): OccupantFact | null {
  const stood = meeting.occupants.get(seen.nick);
  return stood && (stood.jid === seen.jid || stood.jid === null || seen.jid === null) ? stood : null;
}

function whenPresent(event: Present, meeting: Meeting, circumstances: Circumstances): NextFacts {
  const seen = seenIn(event);
  const before = samePerson(seen, meeting);
  if (seen.affiliation === 'outcast') return whenOutcast(event, before, meeting, circumstances);
  const taken = seen.jid !== null && meeting.voicesTaken.has(seen.jid);
  const changes: FactChange[] = [];
  if (seen.jid !== null && before !== null && before.affiliation !== seen.affiliation) {
    changes.push(...affiliationChange(seen.jid, seen.affiliation, meeting));
  }
  const unseen = before === null || circumstances.phase === 'snapshot';
  if (taken && seen.jid !== null && unseen && seen.role === 'participant') {
    // A rise that nobody saw may be a grant or a new visit. Voice taken outlives a visit, so it is taken again: a moderator
    // sees that and can lift it, while the other mistake would go unseen. A moderator's role is no default of a visit.
    changes.push(publish('occupant', seen.nick, { ...seen, cause: before?.cause ?? 'default' }));
    return { changes, orders: [{ order: 'take-voice', nick: seen.nick, jid: seen.jid }] };
  }
  const cause =
    before === null
      ? causeOnEntry(seen, taken, meeting, circumstances)
      : causeOfChange(seen, before, taken, meeting, circumstances);
  changes.push(
    ...voiceChanges(seen, cause, event.by, taken, meeting),
    publish('occupant', seen.nick, { ...seen, cause }),
  );
  return { changes, orders: [] };
}

const seenIn = ({ nick, jid, role, affiliation }: SeenOccupant): SeenOccupant => ({ nick, jid, role, affiliation });

const isModerated = (meeting: Meeting): boolean => meeting.room?.moderated ?? false;

function causeOnEntry(seen: SeenOccupant, taken: boolean, meeting: Meeting, { phase }: Circumstances): RoleCause {
  if (hasVoice(seen)) return 'default';
  if (taken) return 'revoked';
  if (phase === 'snapshot') return 'unknown';
  return isModerated(meeting) ? 'default' : 'left-over';
}

function causeOfChange(
  seen: SeenOccupant,
  before: OccupantFact,
  taken: boolean,
  meeting: Meeting,
  { phase }: Circumstances,
): RoleCause {
  const rise = roles.indexOf(seen.role) - roles.indexOf(before.role);
  if (rise === 0) return before.cause;
  if (hasVoice(seen)) return rise > 0 ? 'granted' : 'default';
  // In a moderated room, a visitor found after a time without sight may just have come anew.
  return phase === 'snapshot' && isModerated(meeting) && !taken ? 'default' : 'revoked';
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
    changes.push(...banned(expulsion(newId(), jid, 'ban', event)));
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
): ExpulsionFact => ({ id, jid, cause, reason: reason === null ? null : clipped(reason, 1000), by });

/** The ban goes first, with the moderator's words: who is put out must not find the door open in between. */
const banned = (told: ExpulsionFact): FactChange[] => {
  const { jid, reason, by } = told;
  return [publish('affiliation', jid, { jid, affiliation: 'outcast', reason, by }), publish('expulsion', jid, told)];
};

/**
 * Only members stay in a members-only room: that it is one, and that this person is no member under any nick, goes before the
 * expulsion, so that no call slips in between. The occupant's going follows.
 */
function unseated(told: ExpulsionFact, before: OccupantFact | null, meeting: Meeting): FactChange[] {
  const { jid, reason, by } = told;
  const { room } = meeting;
  const others = [...meeting.occupants.values()].filter(
    ({ jid: whose, nick }) => whose === jid && nick !== before?.nick,
  );
  return [
    ...(before === null ? [] : [publish('occupant', before.nick, { ...before, jid, ...outside, reason, by })]),
    ...others.map((other) => publish('occupant', other.nick, { ...other, affiliation: 'none' })),
    ...affiliationChange(jid, 'none', meeting),
    ...(room !== null && !room.membersOnly ? [publish('room', onlyKey, { ...room, membersOnly: true })] : []),
    publish('expulsion', jid, told),
  ];
}

const outside = { role: 'none', affiliation: 'none' } as const;

function whenRenamed(event: Extract<RoomEvent, { event: 'renamed' }>, meeting: Meeting): FactChange[] {
  const before = meeting.occupants.get(event.nick);
  if (!before) return [];
  // The new name first: at no moment does the person seem to be away.
  return [publish('occupant', event.to, { ...before, nick: event.to }), withdraw('occupant', event.nick)];
}

const isExpulsion = (departure: string): departure is ExpulsionFact['cause'] =>
  departure === 'kick' || departure === 'ban' || departure === 'membership';

function whenGone(
  event: Extract<RoomEvent, { event: 'gone' }>,
  meeting: Meeting,
  circumstances: Circumstances,
): FactChange[] {
  const before = meeting.occupants.get(event.nick) ?? null;
  const jid = event.jid ?? before?.jid ?? null;
  const gone = before ? [withdraw('occupant', event.nick)] : [];
  const { departure } = event;
  if (jid === null || !isExpulsion(departure)) return gone;
  return [...whenExpelled(event, jid, departure, before, meeting, circumstances), ...gone];
}

function whenExpelled(
  event: Extract<RoomEvent, { event: 'gone' }>,
  jid: string,
  cause: ExpulsionFact['cause'],
  before: OccupantFact | null,
  meeting: Meeting,
  { newId }: Circumstances,
): FactChange[] {
  const told = expulsion(newId(), jid, cause, event);
  if (cause === 'kick') return [publish('expulsion', jid, told)];
  if (cause === 'membership') return unseated(told, before, meeting);
  // A ban that an available presence told of already has its expulsion.
  const known = before?.affiliation === 'outcast' && meeting.affiliations.get(jid)?.affiliation === 'outcast';
  return known ? [] : banned(told);
}

/** After the whole list has been seen: whoever is not in it has left while nobody watched. */
export const missingFromSnapshot = (seen: ReadonlySet<string>, meeting: Meeting): readonly FactChange[] =>
  [...meeting.occupants.keys()].filter((nick) => !seen.has(nick)).map((nick) => withdraw('occupant', nick));

/**
 * The affiliation facts that lead from what stands to what the lists say. `own` (the focus) is none of ours; of `touched`
 * people the room has told since the lists were asked for, so that the lists may be older.
 */
export function affiliationsChanged(
  lists: readonly AffiliationFact[],
  touched: ReadonlySet<string>,
  own: string,
  meeting: Meeting,
): readonly FactChange[] {
  const listed = new Map(lists.map((item) => [item.jid, item]));
  const changes: FactChange[] = [];
  for (const [jid, fact] of listed) {
    if (jid === own || touched.has(jid) || meeting.affiliations.get(jid)?.affiliation === fact.affiliation) continue;
    changes.push(publish('affiliation', jid, fact));
  }
  for (const jid of meeting.affiliations.keys()) {
    if (!listed.has(jid) && !touched.has(jid)) changes.push(withdraw('affiliation', jid));
  }
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
      const told = expulsion(newId(), jid, 'membership', { reason: null, by: null });
      changes.push(...unseated(told, occupant, meeting));
    }
    changes.push(withdraw('occupant', nick));
  }
  return changes;
}
