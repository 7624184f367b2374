/** Facts said by this process that the server has not yet stored and given back: the last value per subject, with a limit. */
import type { FactKind, FactValues } from '../conference-info/meeting.ts';
import { BridgeError } from '../errors.ts';

/** What is to be stored under a subject. */
export interface Saying {
  readonly subject: string;
  readonly link: string;
  readonly kind: FactKind;
  readonly key: string;
  /** Null: withdrawn. */
  readonly value: FactValues[FactKind] | null;
  readonly trace: string | undefined;
}

/** A saying on its way. */
export interface OutboxEntry {
  saying: Saying;
  /** Rises with every saying of this process; travels with the message so that our own echo is known. */
  version: number;
  /** Revision of the subject that the next send must find; 0 = none. */
  base: number;
  /** Version that this process already shows as a fact (0 = none). */
  shown: number;
  /** Revision under which the server has stored `version`, or null. */
  stored: number | null;
  sending: boolean;
  /** Resolves when the entry leaves the outbox stored, or is shown without the server. */
  done: Promise<void>;
  resolve: () => void;
  reject: (error: BridgeError) => void;
}

/** All sayings on their way. */
export class Outbox {
  readonly #entries = new Map<string, OutboxEntry>();
  readonly #unsent = new Set<OutboxEntry>();
  readonly #limit: number;
  readonly #emptied = new Set<() => void>();
  #version = 0;

  /** `limit`: most subjects that may wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(subject: string): OutboxEntry | undefined {
    return this.#entries.get(subject);
  }

  /** The saying that a message of this process brings back, when it is the last of its subject: it need not be read again. */
  echoed(message: { readonly subject: string; readonly version: number }): Saying | null {
    const entry = this.#entries.get(message.subject);
    return entry?.version === message.version ? entry.saying : null;
  }

  entries(): OutboxEntry[] {
    return [...this.#entries.values()];
  }

  /** Takes a saying in, in place of an older one of its subject. Throws BUS_UNAVAILABLE when the limit is reached. */
  put(saying: Saying, base: number): OutboxEntry {
    this.#version += 1;
    const known = this.#entries.get(saying.subject);
    if (known !== undefined) {
      // What was shown has resolved; a new saying needs a promise of its own.
      if (known.shown === known.version) Object.assign(known, settling());
      Object.assign(known, { saying, version: this.#version, stored: null });
      this.#unsent.add(known);
      return known;
    }
    if (this.#entries.size >= this.#limit) {
      throw new BridgeError('BUS_UNAVAILABLE', 'Too many facts already wait for the server.');
    }
    const entry = { saying, version: this.#version, base, shown: 0, stored: null, sending: false, ...settling() };
    this.#entries.set(saying.subject, entry);
    this.#unsent.add(entry);
    return entry;
  }

  /** The next entry to send, marked as being sent; undefined when there is none now. */
  next(): OutboxEntry | undefined {
    for (const entry of this.#unsent) {
      if (entry.sending) continue;
      this.#unsent.delete(entry);
      entry.sending = true;
      return entry;
    }
    return undefined;
  }

  /** Puts an entry back in the line. */
  again(entry: OutboxEntry): void {
    if (this.#entries.get(entry.saying.subject) === entry) this.#unsent.add(entry);
  }

  /** What was sent of an entry is void, since something else stands on the server: it waits for `again`, to be sent on that base. */
  hold(entry: OutboxEntry, base: number): void {
    this.#version += 1;
    const shown = entry.shown === entry.version ? this.#version : entry.shown;
    Object.assign(entry, { version: this.#version, shown, stored: null, base });
    this.#unsent.delete(entry);
  }

  /** Takes an entry out: stored, or refused with an error. */
  finish(entry: OutboxEntry, error?: BridgeError): void {
    if (this.#entries.get(entry.saying.subject) !== entry) return;
    this.#entries.delete(entry.saying.subject);
    this.#unsent.delete(entry);
    if (error === undefined) entry.resolve();
    else entry.reject(error);
    if (this.#entries.size > 0) return;
    for (const emptied of this.#emptied) emptied();
    this.#emptied.clear();
  }

  /** Resolves when nothing is on its way any more; rejects with BUS_UNAVAILABLE after `limitMs`. */
  async drained(limitMs: number): Promise<void> {
    if (this.#entries.size === 0) return;
    await new Promise<void>((resolve, reject) => {
      const emptied = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#emptied.delete(emptied);
        reject(new BridgeError('BUS_UNAVAILABLE', 'Facts still wait for the server.'));
      }, limitMs);
      this.#emptied.add(emptied);
    });
  }
}

function settling(): Pick<OutboxEntry, 'done' | 'resolve' | 'reject'> {
  let resolve = (): void => undefined;
  let reject = (_error: BridgeError): void => undefined;
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Nobody may be waiting any more: a saying shown without the server has already resolved for its sayer.
  done.catch(() => undefined);
  return { done, resolve, reject };
}
