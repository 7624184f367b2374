/** All facts of one link as they stand: what policy decides on and what documents are written from. */
import type { Binding, Bindings } from '../identity/binding.ts';
import type { DepartureFact } from './departure.ts';
import type { CallerBanFact, LegFact } from './leg.ts';
import type { LinkFact } from './link.ts';
import type { AffiliationFact, ExpulsionFact, OccupantFact, RoomFact, VoiceTakenFact } from './occupant.ts';
import type { WatcherFact } from './watcher.ts';

/** Fact values by kind. The bus's schemas must satisfy these types. */
export interface FactValues {
  link: LinkFact;
  room: RoomFact;
  occupant: OccupantFact;
  affiliation: AffiliationFact;
  'voice-taken': VoiceTakenFact;
  expulsion: ExpulsionFact;
  leg: LegFact;
  departure: DepartureFact;
  'caller-ban': CallerBanFact;
  watcher: WatcherFact;
  /** Of no link: under `globalLink`. */
  binding: Binding;
}
export type FactKind = keyof FactValues;

/** The "link" under which facts stand that belong to none (bindings). */
export const globalLink = '_';

/** Key of kinds that have one fact per link. */
export const onlyKey = '-';

/** Facts of one link. Maps are by fact key. */
export interface Meeting {
  readonly id: string;
  readonly link: LinkFact | null;
  readonly room: RoomFact | null;
  readonly occupants: ReadonlyMap<string, OccupantFact>;
  readonly affiliations: ReadonlyMap<string, AffiliationFact>;
  readonly voicesTaken: ReadonlyMap<string, VoiceTakenFact>;
  readonly expulsions: ReadonlyMap<string, ExpulsionFact>;
  readonly legs: ReadonlyMap<string, LegFact>;
  /** Of who is not in the call any more. */
  readonly departures: ReadonlyMap<string, DepartureFact>;
  readonly callerBans: ReadonlyMap<string, CallerBanFact>;
  readonly watchers: ReadonlyMap<string, WatcherFact>;
}

/** Bare JID of the person whose leg it is: only a proved AOR with a binding has one. */
export const jidOfLeg = (leg: Pick<LegFact, 'aor'>, bindings: Bindings): string | null =>
  leg.aor === null ? null : (bindings.get(leg.aor)?.jid ?? null);
