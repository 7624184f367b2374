/** Port: how facts travel. Last value per subject; late starters get all current facts first. */
import type { FactKind, FactValues, Meeting } from '../conference-info/meeting.ts';
import type { Bindings } from '../identity/binding.ts';

/** A fact as it arrives. `value` null: withdrawn. */
export type FactEvent = {
  [K in FactKind]: {
    readonly kind: K;
    readonly link: string;
    readonly key: string;
    readonly value: FactValues[K] | null;
    /** What stood before, as this process knew it. */
    readonly previous: FactValues[K] | null;
    /** Trace id of the cause. */
    readonly trace: string | undefined;
  };
}[FactKind];

/** Current facts as this process knows them; always changed before listeners hear of it. */
export interface Facts {
  /** Never null: a link nobody has said anything of is an empty meeting. */
  meeting(link: string): Meeting;
  links(): readonly string[];
  readonly bindings: Bindings;
}

/** State of the connection: `degraded` = facts are kept and shared in this process only, and sent when the server is back. */
export type BusStatus = 'connected' | 'degraded' | 'closed';

export interface Bus {
  readonly facts: Facts;
  /** Resolves when every fact that stood at the start has been taken in. Rejects with BUS_UNAVAILABLE when the server cannot be reached within the limit of the settings. */
  start(): Promise<void>;
  status(): BusStatus;
  onStatus(listener: (status: BusStatus) => void): () => void;
  /** Hears every fact after the start, in order, own ones too. A listener that throws is logged and disturbs no other. */
  listen(listener: (event: FactEvent) => void): () => void;
  /**
   * Says how a thing is now. Resolves when `facts` has it; no-op when it already stands so.
   * While degraded it resolves at once and is sent later. Rejects with BUS_MESSAGE_INVALID when the value has not the form of its kind,
   * with BUS_CONFLICT when another process said something newer of the same subject (its fact stands; compare again), and with
   * BUS_UNAVAILABLE when too many facts are waiting for the server.
   */
  publish<K extends FactKind>(link: string, kind: K, key: string, value: FactValues[K]): Promise<void>;
  /** Takes a fact back; no-op when it does not stand. */
  withdraw(link: string, kind: FactKind, key: string): Promise<void>;
  /** Resolves when everything published has been stored by the server, or rejects with BUS_UNAVAILABLE after `limitMs`. */
  flush(limitMs: number): Promise<void>;
  close(): Promise<void>;
}
