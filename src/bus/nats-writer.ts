/** Sends what waits in the outbox, each message with compare-and-set, several at a time. */
import type { Logger } from '../log.ts';
import { encodeFact } from './nats-fact-message.ts';
import type { Outbox, OutboxEntry } from './nats-outbox.ts';
import type { FactStream, StoredFact } from './nats-stream.ts';

/** Writes on their way at a time. */
const window = 64;

/** What the writer needs. */
export interface FactWriterSettings {
  readonly outbox: Outbox;
  /** Names this run of this process in its messages. */
  readonly origin: string;
  /** Revision of a subject as far as it has come back to us; 0 = none. */
  readonly revisionOf: (subject: string) => number;
  /** A message of another process stood in the way of ours. */
  readonly onForeign: (fact: StoredFact) => void;
  /** The server could not store a message. */
  readonly onTrouble: () => void;
  readonly log: Logger;
}

/** The sending half of the bus. */
export class FactWriter {
  readonly #settings: FactWriterSettings;
  #stream: FactStream | undefined;
  #inFlight = 0;

  constructor(settings: FactWriterSettings) {
    this.#settings = settings;
  }

  /** Sends what waits, and from now on everything at once. */
  resume(stream: FactStream): void {
    this.#stream = stream;
    for (const entry of this.#settings.outbox.entries()) this.#settings.outbox.again(entry);
    this.pump();
  }

  /** Sends nothing more until `resume`. */
  pause(): void {
    this.#stream = undefined;
  }

  /** Starts as many writes as may run. */
  pump(): void {
    while (this.#stream !== undefined && this.#inFlight < window) {
      const entry = this.#settings.outbox.next();
      if (entry === undefined) return;
      this.#inFlight += 1;
      void this.#send(this.#stream, entry).finally(() => {
        this.#inFlight -= 1;
        entry.sending = false;
        this.pump();
      });
    }
  }

  /** An entry is done when it is stored and, so that all see one order, has also come back to us. */
  finishStored(entry: OutboxEntry): void {
    const { outbox, revisionOf } = this.#settings;
    if (entry.stored !== null && revisionOf(entry.saying.subject) >= entry.stored) outbox.finish(entry);
  }

  async #send(stream: FactStream, entry: OutboxEntry): Promise<void> {
    const { outbox, origin, onTrouble, log } = this.#settings;
    const { saying, version } = entry;
    try {
      const outcome = await stream.write(saying.subject, encodeFact(saying), { origin, version }, entry.base);
      if (outcome.kind === 'refused') await this.#refused(stream, entry);
      else this.#stored(entry, version, outcome.revision);
    } catch (err) {
      outbox.again(entry);
      if (stream !== this.#stream) return;
      log.warn({ err, kind: saying.kind }, 'a fact could not be stored and waits');
      onTrouble();
    }
  }

  #stored(entry: OutboxEntry, version: number, revision: number): void {
    entry.base = Math.max(entry.base, revision);
    if (entry.version === version) entry.stored = revision;
    this.finishStored(entry);
  }

  /** The subject has another revision: none, one of our own whose answer was lost, or one of another process. */
  async #refused(stream: FactStream, entry: OutboxEntry): Promise<void> {
    const last = await stream.last(entry.saying.subject);
    if (last !== null && last.origin !== this.#settings.origin) return this.#settings.onForeign(last);
    if (last?.version === entry.version) return this.#stored(entry, last.version, last.revision);
    entry.base = last?.revision ?? 0;
    this.#settings.outbox.again(entry);
  }
}
