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
import { FactIntake } from './nats-intake.ts';
import type { NatsLink } from './nats-link.ts';
import { Outbox, type OutboxEntry, type Saying } from './nats-outbox.ts';
import { FactRepairs } from './nats-repairs.ts';
import { Revisions } from './nats-revisions.ts';
import { type FactReader, FactStream } from './nats-stream.ts';
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
  /** Pause (ms) before a fact is said again for the second time in place of a stranger's message; it doubles up to a minute. Default 1 s. */
  readonly repairPause?: number;
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
  readonly #store: FactStore;
  readonly #outbox: Outbox;
  readonly #writer: FactWriter;
  /** Names this run of this process, so that it knows its own messages. */
  readonly #origin = randomBytes(9).toString('base64url');
  readonly #revisions = new Revisions();
  readonly #repairs: FactRepairs;
  readonly #intake: FactIntake;
  readonly #statusListeners = new Set<(status: BusStatus) => void>();
  #status: BusStatus = 'closed';
  #reader: FactReader | undefined;
  /** Rises whenever what was begun on a connection is void. */
  #epoch = 0;
  #unlink: Array<() => void> = [];

  constructor(link: NatsLink, log: Logger, settings: NatsBusSettings) {
    this.#link = link;
    this.#log = log;
    this.#startLimit = settings.startLimit ?? 10_000;
    this.#store = new FactStore(log);
    this.#outbox = new Outbox(settings.waitingLimit ?? 10_000);
    this.#writer = new FactWriter({
      outbox: this.#outbox,
      origin: this.#origin,
      revisionOf: (subject) => this.#revisions.of(subject),
      onForeign: (fact) => this.#intake.take(fact),
      onTrouble: () => this.#trouble(),
      log,
    });
    this.#repairs = new FactRepairs({ repair: (subject) => this.#repair(subject), pause: settings.repairPause, log });
    this.#intake = new FactIntake({
      store: this.#store,
      outbox: this.#outbox,
      revisions: this.#revisions,
      repairs: this.#repairs,
      origin: this.#origin,
      withdrawalsKept: settings.withdrawalsKept ?? 7 * 86_400_000,
      onEcho: (entry) => this.#writer.finishStored(entry),
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
    const same = isDeepStrictEqual(standing, value);
    if (same) this.#repairs.claim(subject);
    if (same && (waiting !== undefined || !this.#repairs.spoiled(subject))) return this.#settled(waiting);
    const entry = this.#put({ subject, link, kind, key, value, trace: currentTrace() }, same);
    this.#writer.pump();
    return this.#settled(entry);
  }

  /** `shown`: it stands here so already. */
  #put(saying: Saying, shown: boolean): OutboxEntry {
    const entry = this.#outbox.put(saying, this.#revisions.of(saying.subject));
    if (shown) entry.shown = entry.version;
    return entry;
  }

  /** While degraded a fact is shown at once and its sayer need not wait for the server. */
  #settled(entry: OutboxEntry | undefined): Promise<void> {
    if (entry === undefined) return Promise.resolve();
    if (this.#status !== 'connected') this.#intake.show(entry);
    return entry.shown === entry.version ? Promise.resolve() : entry.done;
  }

  /** The server is away or not able: everything said so far is shown without it. */
  #suspend(): void {
    if (this.#status === 'closed') return;
    this.#halt();
    this.#setStatus('degraded');
    for (const entry of this.#outbox.entries()) {
      this.#intake.show(entry);
      entry.resolve();
    }
  }

  #halt(): void {
    this.#epoch += 1;
    this.#writer.pause();
    this.#repairs.pause();
    this.#intake.pause();
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
    if (this.#revisions.goOver(stream)) this.#startOver();
    const reader = await stream.read(
      this.#revisions.next,
      (fact) => {
        if (epoch !== this.#epoch) return;
        this.#revisions.reached(fact.revision);
        this.#intake.take(fact);
      },
      () => epoch === this.#epoch && this.#trouble(),
    );
    if (epoch !== this.#epoch) return reader.stop();
    this.#reader = reader;
    await withinLimit(reader.caughtUp, this.#startLimit, notInTime);
    if (epoch !== this.#epoch) return;
    for (const subject of this.#revisions.missing()) this.#sayAgain(subject);
    const outworn = this.#intake.goLive();
    this.#setStatus('connected');
    this.#writer.resume(stream);
    this.#repairs.resume();
    void stream.forget(outworn);
  }

  #startOver(): void {
    this.#log.error({}, 'the server has lost facts; they are published again from memory');
    this.#repairs.forget();
    for (const entry of this.#outbox.entries()) entry.base = 0;
  }

  /** Publishes what stands here and not on the server. Every process may do so after a loss; the first one wins, and all of them know the same. */
  #sayAgain(subject: string): void {
    const parts = partsOf(subject);
    if (parts === null || this.#outbox.get(subject) !== undefined) return;
    const value = this.#store.get(parts.link, parts.kind, parts.key);
    if (value === null && !this.#repairs.spoiled(subject)) return;
    this.#put({ subject, ...parts, value, trace: undefined }, true);
  }

  /** Puts our word back in place of a message that is none: the one on its way, or what stands. */
  #repair(subject: string): void {
    const entry = this.#outbox.get(subject);
    if (entry === undefined) this.#sayAgain(subject);
    else this.#outbox.again(entry);
    this.#writer.pump();
  }

  #trouble(): void {
    const connection = this.#link.connection;
    this.#suspend();
    if (connection === undefined) return;
    const epoch = this.#epoch;
    setTimeout(() => epoch === this.#epoch && void this.#resume(connection), retryPause);
  }

  #setStatus(status: BusStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    for (const listener of [...this.#statusListeners]) listener(status);
  }
}

const unavailable = (text: string): BridgeError => new BridgeError('BUS_UNAVAILABLE', text);
const notInTime = (): BridgeError => unavailable('The stream of facts did not answer in time.');
