/** The bus on NATS JetStream: one message kept per subject, one consumer per process, compare-and-set, and an outbox for the time without a server. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { NatsConnection } from '@nats-io/transport-node';
import type { FactKind, FactValues } from '../conference-info/meeting.ts';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { currentTrace } from '../trace.ts';
import type { Bus, BusStatus, FactEvent, Facts } from './bus.ts';
import { FactStore } from './fact-store.ts';
import { checkFact, partsOf, subjectOf } from './facts.ts';
import { decodeFact } from './nats-fact-message.ts';
import type { NatsLink } from './nats-link.ts';
import { Outbox, type OutboxEntry, type Saying } from './nats-outbox.ts';
import { type FactReader, FactStream, type StoredFact } from './nats-stream.ts';
import { FactWriter } from './nats-writer.ts';
import { withinLimit } from './time-limit.ts';

/** Settings of the bus on NATS. */
export interface NatsBusSettings {
  /** How long (ms) `start` tries. Default 10 s. */
  readonly startLimit?: number;
  /** Most subjects whose last value waits for the server. Default 10,000. */
  readonly waitingLimit?: number;
  /** Withdrawals older than this (ms) are removed at the start; a process cut off for longer must be restarted. Default a week. */
  readonly withdrawalsKept?: number;
}

const retryPause = 1_000;

/** Makes the bus on a link; `start` opens the link, `close` closes it. */
export function createNatsBus(link: NatsLink, log: Logger, settings: NatsBusSettings = {}): Bus {
  return new NatsBus(link, log, settings);
}

class NatsBus implements Bus {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #startLimit: number;
  readonly #withdrawalsKept: number;
  readonly #store: FactStore;
  readonly #outbox: Outbox;
  readonly #writer: FactWriter;
  /** Names this run of this process, so that it knows its own messages. */
  readonly #origin = randomBytes(9).toString('base64url');
  readonly #revisions = new Map<string, number>();
  readonly #statusListeners = new Set<(status: BusStatus) => void>();
  #status: BusStatus = 'closed';
  #stream: FactStream | undefined;
  #reader: FactReader | undefined;
  #lastRevision = 0;
  /** Before the first catching-up is over, facts are taken in without events. */
  #started = false;
  /** Rises whenever what was begun on a connection is void. */
  #epoch = 0;
  #unlink: Array<() => void> = [];
  /** Revisions of old withdrawals found at the start. */
  #outworn: number[] = [];

  constructor(link: NatsLink, log: Logger, settings: NatsBusSettings) {
    this.#link = link;
    this.#log = log;
    this.#startLimit = settings.startLimit ?? 10_000;
    this.#withdrawalsKept = settings.withdrawalsKept ?? 7 * 86_400_000;
    this.#store = new FactStore(log);
    this.#outbox = new Outbox(settings.waitingLimit ?? 10_000);
    this.#writer = new FactWriter({
      outbox: this.#outbox,
      origin: this.#origin,
      revisionOf: (subject) => this.#revisions.get(subject) ?? 0,
      onForeign: (fact) => this.#take(fact),
      onTrouble: () => this.#trouble(),
      log,
    });
  }

  get facts(): Facts {
    return this.#store;
  }

  async start(): Promise<void> {
    if (this.#status !== 'closed') return;
    const limit = performance.now() + this.#startLimit;
    await this.#link.open(this.#startLimit);
    this.#setStatus('degraded');
    const connected = new Promise<void>((resolve) => {
      const off = this.onStatus((status) => {
        if (status !== 'connected') return;
        off();
        resolve();
      });
    });
    this.#unlink = [
      this.#link.onDown(() => this.#suspend()),
      this.#link.onUp((connection) => void this.#resume(connection)),
    ];
    try {
      await withinLimit(connected, limit - performance.now(), notInTime);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  status(): BusStatus {
    return this.#status;
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  listen(listener: (event: FactEvent) => void): () => void {
    return this.#store.listen(listener);
  }

  publish<K extends FactKind>(link: string, kind: K, key: string, value: FactValues[K]): Promise<void> {
    return this.#say(link, kind, key, () => checkFact(kind, value));
  }

  withdraw(link: string, kind: FactKind, key: string): Promise<void> {
    return this.#say(link, kind, key, () => null);
  }

  flush(limitMs: number): Promise<void> {
    return this.#outbox.drained(limitMs);
  }

  async close(): Promise<void> {
    if (this.#status === 'closed') return;
    this.#halt();
    for (const off of this.#unlink) off();
    this.#setStatus('closed');
    for (const entry of this.#outbox.entries()) this.#outbox.finish(entry, unavailable('The bus is closed.'));
    await this.#link.close();
  }

  async #say(link: string, kind: FactKind, key: string, checked: () => FactValues[FactKind] | null): Promise<void> {
    if (this.#status === 'closed') throw unavailable('The bus is closed.');
    const subject = subjectOf(link, kind, key);
    const value = checked();
    const waiting = this.#outbox.get(subject);
    const standing = waiting === undefined ? this.#store.get(link, kind, key) : waiting.saying.value;
    if (isDeepStrictEqual(standing, value)) return this.#settled(waiting);
    const saying: Saying = { subject, link, kind, key, value, trace: currentTrace() };
    const entry = this.#outbox.put(saying, this.#revisions.get(subject) ?? 0);
    this.#writer.pump();
    return this.#settled(entry);
  }

  /** While degraded a fact is shown at once and its sayer need not wait for the server. */
  #settled(entry: OutboxEntry | undefined): Promise<void> {
    if (entry === undefined) return Promise.resolve();
    if (this.#status !== 'connected') this.#show(entry);
    return entry.shown === entry.version ? Promise.resolve() : entry.done;
  }

  #show(entry: OutboxEntry): void {
    if (entry.shown === entry.version) return;
    entry.shown = entry.version;
    const { link, kind, key, value, trace } = entry.saying;
    this.#store.apply(link, kind, key, value, trace);
  }

  /** The server is away or not able: everything said so far is shown without it. */
  #suspend(): void {
    if (this.#status === 'closed') return;
    this.#halt();
    this.#setStatus('degraded');
    for (const entry of this.#outbox.entries()) {
      this.#show(entry);
      entry.resolve();
    }
  }

  #halt(): void {
    this.#epoch += 1;
    this.#writer.pause();
    this.#reader?.stop();
    this.#reader = undefined;
  }

  /** Opens the stream, takes in what was missed, then sends what waits; tries until it works or the connection goes away. */
  async #resume(connection: NatsConnection): Promise<void> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    while (epoch === this.#epoch) {
      try {
        await this.#catchUp(connection, epoch);
        return;
      } catch (err) {
        if (epoch !== this.#epoch) return;
        this.#reader?.stop();
        this.#log.warn({ err }, 'the stream of facts cannot be read');
        await new Promise((resolve) => setTimeout(resolve, retryPause));
      }
    }
  }

  async #catchUp(connection: NatsConnection, epoch: number): Promise<void> {
    const stream = await FactStream.open(connection, this.#log);
    if (epoch !== this.#epoch) return;
    const known = this.#stream;
    const lost = known !== undefined && (known.created !== stream.created || stream.lastRevision < this.#lastRevision);
    const before = lost ? [...this.#revisions.keys()] : [];
    if (lost) this.#forgetRevisions();
    this.#stream = stream;
    const reader = await stream.read(
      this.#lastRevision + 1,
      (fact) => epoch === this.#epoch && this.#read(fact),
      () => epoch === this.#epoch && this.#trouble(),
    );
    if (epoch !== this.#epoch) return reader.stop();
    this.#reader = reader;
    await withinLimit(reader.caughtUp, this.#startLimit, notInTime);
    if (epoch !== this.#epoch) return;
    this.#sayAgain(before);
    this.#started = true;
    this.#setStatus('connected');
    this.#writer.resume(stream);
    void stream.forget(this.#outworn.splice(0));
  }

  /** The server came back without (part of) its store: revisions known from before mean nothing now. */
  #forgetRevisions(): void {
    this.#log.error({}, 'the server has lost facts; they are published again from memory');
    this.#lastRevision = 0;
    this.#revisions.clear();
    for (const entry of this.#outbox.entries()) entry.base = 0;
  }

  /** Publishes what stands here and not on the server. Every process does so; the first one wins, and all of them know the same. */
  #sayAgain(subjects: readonly string[]): void {
    for (const subject of subjects) {
      const parts = partsOf(subject);
      if (parts === null || this.#revisions.has(subject) || this.#outbox.get(subject) !== undefined) continue;
      const value = this.#store.get(parts.link, parts.kind, parts.key);
      if (value === null) continue;
      const entry = this.#outbox.put({ subject, ...parts, value, trace: undefined }, 0);
      entry.shown = entry.version;
    }
  }

  #trouble(): void {
    const connection = this.#link.connection;
    this.#suspend();
    if (connection === undefined) return;
    const epoch = this.#epoch;
    setTimeout(() => epoch === this.#epoch && void this.#resume(connection), retryPause);
  }

  #read(fact: StoredFact): void {
    this.#lastRevision = Math.max(this.#lastRevision, fact.revision);
    this.#take(fact);
  }

  /** Takes in a message that the server has stored: the one way by which facts change while connected. */
  #take(fact: StoredFact): void {
    if ((this.#revisions.get(fact.subject) ?? 0) >= fact.revision) return;
    this.#revisions.set(fact.subject, fact.revision);
    const entry = this.#outbox.get(fact.subject);
    const own = fact.origin === this.#origin;
    const decoded = this.#decoded(fact, own);
    const old = Date.now() - fact.storedAt > this.#withdrawalsKept;
    if (!this.#started && decoded?.value === null && old) this.#outworn.push(fact.revision);
    if (entry !== undefined && !own) this.#yield(entry);
    const outdated = own && fact.version <= (entry?.shown ?? 0);
    if (decoded !== null && !outdated) this.#apply(decoded);
    if (entry === undefined || !own) return;
    entry.base = fact.revision;
    entry.shown = Math.max(entry.shown, fact.version);
    this.#writer.finishStored(entry);
  }

  #decoded(fact: StoredFact, own: boolean): Omit<Saying, 'subject'> | null {
    return (own ? this.#outbox.echoed(fact) : null) ?? decodeFact(fact, this.#log);
  }

  #apply({ link, kind, key, value, trace }: Omit<Saying, 'subject'>): void {
    if (isDeepStrictEqual(this.#store.get(link, kind, key), value)) return;
    if (this.#started) this.#store.apply(link, kind, key, value, trace);
    else this.#store.set(link, kind, key, value);
  }

  /** Another process has stored a newer value than the one ours was based on: each fact has one owner, so that one is right. */
  #yield(entry: OutboxEntry): void {
    this.#log.warn({ link: entry.saying.link, kind: entry.saying.kind }, 'a newer fact of another process stands');
    this.#outbox.finish(entry, new BridgeError('BUS_CONFLICT', 'Another process has said something newer.'));
  }

  #setStatus(status: BusStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    for (const listener of [...this.#statusListeners]) listener(status);
  }
}

const unavailable = (text: string): BridgeError => new BridgeError('BUS_UNAVAILABLE', text);
const notInTime = (): BridgeError => unavailable('The stream of facts did not answer in time.');
