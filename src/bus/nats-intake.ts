/** Takes in what the server has stored: the one way by which facts change while the bus is connected. */
import { isDeepStrictEqual } from 'node:util';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { FactStore } from './fact-store.ts';
import { type DecodedFact, decodeFact, type UnreadableFact } from './nats-fact-message.ts';
import type { Outbox, OutboxEntry } from './nats-outbox.ts';
import type { FactRepairs } from './nats-repairs.ts';
import type { Revisions } from './nats-revisions.ts';
import type { StoredFact } from './nats-stream.ts';

/** What the intake needs. */
export interface FactIntakeSettings {
  readonly store: FactStore;
  readonly outbox: Outbox;
  readonly revisions: Revisions;
  readonly repairs: FactRepairs;
  /** Names this run of this process in its messages. */
  readonly origin: string;
  /** Withdrawals older than this (ms) are given to `outworn` at the start. */
  readonly withdrawalsKept: number;
  /** Our own message has come back. */
  readonly onEcho: (entry: OutboxEntry) => void;
  readonly log: Logger;
}

/** The receiving half of the bus. */
export class FactIntake {
  readonly #settings: FactIntakeSettings;
  /** Before the first catching-up is over, facts are taken in without events. */
  #started = false;
  #live = false;
  #outworn: number[] = [];

  constructor(settings: FactIntakeSettings) {
    this.#settings = settings;
  }

  /** Everything that stood has been read; gives the revisions of old withdrawals that the start has found. */
  goLive(): readonly number[] {
    this.#started = true;
    this.#live = true;
    return this.#outworn.splice(0);
  }

  /** From now on messages may be missed, until `goLive`. */
  pause(): void {
    this.#live = false;
  }

  /** Shows what waits as a fact without the server. */
  show(entry: OutboxEntry): void {
    if (entry.shown === entry.version) return;
    entry.shown = entry.version;
    const { link, kind, key, value, trace } = entry.saying;
    this.#settings.store.apply(link, kind, key, value, trace);
  }

  /** Takes a stored message in; no-op for one that is known. */
  take(fact: StoredFact): void {
    const { revisions, origin, outbox, repairs, withdrawalsKept } = this.#settings;
    if (!revisions.advance(fact)) return;
    const own = fact.origin === origin;
    const read = (own ? outbox.echoed(fact) : null) ?? decodeFact(fact);
    if ('error' in read) {
      this.#takeUnreadable(fact, read);
      return;
    }
    repairs.readable(fact.subject);
    if (own) this.#takeOwn(fact, read);
    else this.#takeForeign(fact, read);
    const old = Date.now() - fact.storedAt > withdrawalsKept;
    if (!this.#started && read.value === null && old) this.#outworn.push(fact.revision);
  }

  /** An echo that comes back after something newer was shown (the link broke between) must not turn that back. */
  #takeOwn(fact: StoredFact, read: DecodedFact): void {
    const { repairs, outbox, onEcho } = this.#settings;
    repairs.claim(fact.subject);
    const entry = outbox.get(fact.subject);
    if (fact.version > (entry?.shown ?? 0)) this.#apply(read);
    if (entry === undefined) return;
    entry.base = fact.revision;
    entry.shown = Math.max(entry.shown, fact.version);
    onEcho(entry);
  }

  #takeForeign(fact: StoredFact, read: DecodedFact): void {
    const { repairs, outbox, store } = this.#settings;
    const entry = outbox.get(fact.subject);
    const ours = entry === undefined ? store.get(read.link, read.kind, read.key) : entry.saying.value;
    const same = isDeepStrictEqual(ours, read.value);
    if (!same) repairs.disclaim(fact.subject);
    if (entry !== undefined && same) outbox.finish(entry);
    else if (entry !== undefined) this.#yield(entry);
    this.#apply(read);
  }

  /** A message that is no fact leaves ours as it stands. */
  #takeUnreadable(fact: StoredFact, read: UnreadableFact): void {
    const { repairs, outbox, origin } = this.#settings;
    repairs.count(read);
    const entry = outbox.get(fact.subject);
    const stranger = fact.origin === '' || fact.origin === origin;
    // Not over a process of this service (perhaps of a newer release); and where reading had a gap a withdrawal may have stood between.
    if (!stranger || !this.#live) repairs.disclaim(fact.subject);
    if (entry !== undefined && stranger) this.#holdOn(entry, fact);
    else if (entry !== undefined) this.#yield(entry);
    repairs.unreadable(fact.subject);
  }

  /** What we are saying goes over a stranger's message; nobody waits for the end of a flood, so it is shown as while the server is away. */
  #holdOn(entry: OutboxEntry, fact: StoredFact): void {
    this.show(entry);
    entry.resolve();
    this.#settings.outbox.hold(entry, fact.revision);
    this.#settings.repairs.claim(fact.subject);
  }

  #apply({ link, kind, key, value, trace }: DecodedFact): void {
    const { store } = this.#settings;
    if (isDeepStrictEqual(store.get(link, kind, key), value)) return;
    if (this.#started) store.apply(link, kind, key, value, trace);
    else store.set(link, kind, key, value);
  }

  /** Another process has stored a newer value than the one ours was based on: each fact has one owner, so that one is right. */
  #yield(entry: OutboxEntry): void {
    const { link, kind } = entry.saying;
    this.#settings.log.warn({ link, kind }, 'a newer fact of another process stands');
    this.#settings.outbox.finish(entry, new BridgeError('BUS_CONFLICT', 'Another process has said something newer.'));
  }
}
