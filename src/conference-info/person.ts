/** Which legs and occupants are one person: a proved AOR with a binding to the bare JID of an occupant (RFC 7081 3), nothing weaker. */
import type { Bindings } from '../identity/binding.ts';
import type { DepartureFact } from './departure.ts';
import type { LegFact } from './leg.ts';
import { jidOfLeg } from './meeting.ts';
import type { Affiliation, OccupantFact } from './occupant.ts';

/** A way into the call, or one that was. */
export interface Call {
  /** As it is, or as it was last. */
  readonly leg: LegFact;
  /** How it ended; null while it stands. */
  readonly departure: DepartureFact | null;
}

/** All that is known of one person in a conference; at least one call or occupant. */
export interface Person {
  /** Bare JID, null when the person has none that is known. */
  readonly jid: string | null;
  /** Those that stand first, earliest first (then by id), so that a further call does not change who the person is. */
  readonly calls: readonly Call[];
  /** By nick. */
  readonly occupants: readonly OccupantFact[];
  /** The room's lists say so; `none` when they say nothing. */
  readonly affiliation: Affiliation;
}

/** Key of a person: `jid:`, `aor:`, `leg:` or `nick:` and what identifies them, best first. */
export function personOfLeg(leg: Pick<LegFact, 'aor' | 'leg'>, bindings: Bindings): string {
  const jid = jidOfLeg(leg, bindings);
  if (jid !== null) return `jid:${jid}`;
  return leg.aor === null ? `leg:${leg.leg}` : `aor:${leg.aor}`;
}

/** Key of the person an occupant is. */
export const personOfOccupant = (occupant: OccupantFact): string =>
  occupant.jid === null ? `nick:${occupant.nick}` : `jid:${occupant.jid}`;

/** Bare JID in a person's key, or null. */
export const jidOfPerson = (key: string): string | null => (key.startsWith('jid:') ? key.slice(4) : null);

/** Order of legs: by time of joining, then by id. */
const compareLegs = (a: LegFact, b: LegFact): number => compare(a.joinedAt, b.joinedAt) || compare(a.leg, b.leg);

/** Order of a person's calls. */
export const compareCalls = (a: Call, b: Call): number =>
  Number(a.departure !== null) - Number(b.departure !== null) || compareLegs(a.leg, b.leg);

/** Order of texts by UTF-16 unit: the same everywhere, whatever the locale. */
export function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
