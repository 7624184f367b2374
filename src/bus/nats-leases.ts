/**
 * Leases in a NATS key-value bucket. A holder renews its entry by compare-and-set; whoever waits takes it over when the entry is gone, or when its revision
 * has not moved for the whole term on the reader's own monotonic clock. Wall clocks, also the server's, decide nothing that two processes must agree on.
 */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Lease, Leases } from './leases.ts';
import type { NatsLink } from './nats-link.ts';
import { withinLimit } from './time-limit.ts';

/** Name of the bucket. */
export const leaseBucket = 'CUSAX_LEASES';

/** Settings of leases; all processes must have the same. */
export interface NatsLeaseSettings {
  /** A holder that is silent for so long (ms) loses the lease. Default 10 s. */
  readonly term?: number;
}

/** A holder stops trusting its lease before anyone else may take it: at this part of the term. */
const trust = 0.7;
/** Renewals, and looks of those who wait, in a term. */
const beats = 5;

interface Sighting {
  readonly revision: number;
  /** When this process first saw the revision, on its monotonic clock. */
  readonly at: number;
}

/** Makes leases on a link, which the bus opens and closes. */
export function createNatsLeases(link: NatsLink, log: Logger, settings: NatsLeaseSettings = {}): Leases {
  return new NatsLeases(link, log, settings.term ?? 10_000);
}

class NatsLeases implements Leases {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #term: number;
  readonly #sightings = new Map<string, Sighting>();
  #bucket: { connection: NatsConnection; kv: Promise<KV> } | undefined;

  constructor(link: NatsLink, log: Logger, term: number) {
    this.#link = link;
    this.#log = log;
    this.#term = term;
  }

  async acquire(name: string, holder: string): Promise<Lease | null> {
    const began = performance.now();
    const work = this.#take(keyOf(name), holder);
    const revision = await withinLimit(work, this.#term * trust, unavailable).catch((cause: unknown) => {
      throw cause instanceof BridgeError ? cause : unavailable(cause);
    });
    if (revision === null) return null;
    const renew = async (known: number): Promise<number> => (await this.#kv()).update(keyOf(name), holder, known);
    const release = async (known: number): Promise<void> => {
      await (await this.#kv()).delete(keyOf(name), { previousSeq: known });
    };
    return new HeldLease({ name, term: this.#term, began, revision, renew, release, log: this.#log });
  }

  async wait(name: string, holder: string, signal: AbortSignal): Promise<Lease> {
    for (;;) {
      signal.throwIfAborted();
      try {
        const lease = await this.acquire(name, holder);
        if (lease !== null && !signal.aborted) return lease;
        await lease?.release();
      } catch (err) {
        this.#log.debug({ err, lease: name }, 'a lease cannot be asked for now');
      }
      await pause(this.#term / beats, signal);
    }
  }

  /** The revision under which we hold the key now, or null while another holds it. */
  async #take(key: string, holder: string): Promise<number | null> {
    const kv = await this.#kv();
    const entry = await kv.get(key);
    try {
      if (entry === null || entry.operation !== 'PUT') return await kv.create(key, holder);
      if (!this.#silent(key, entry)) return null;
      return await kv.update(key, holder, entry.revision);
    } catch (error) {
      if (isConflict(error)) return null;
      throw error;
    }
  }

  #silent(key: string, { revision }: KvEntry): boolean {
    const seen = this.#sightings.get(key);
    if (seen?.revision === revision) return performance.now() - seen.at > this.#term;
    this.#sightings.set(key, { revision, at: performance.now() });
    return false;
  }

  #kv(): Promise<KV> {
    const connection = this.#link.connection;
    if (connection === undefined) return Promise.reject(unavailable());
    if (this.#bucket?.connection === connection) return this.#bucket.kv;
    const kv = new Kvm(connection).create(leaseBucket, { history: 1, ttl: this.#term });
    this.#bucket = { connection, kv };
    kv.catch(() => {
      this.#bucket = undefined;
    });
    return kv;
  }
}

interface HeldLeaseSettings {
  readonly name: string;
  readonly term: number;
  /** When taking it began: before the server knew of it, so that doubt is on our side. */
  readonly began: number;
  readonly revision: number;
  readonly renew: (revision: number) => Promise<number>;
  readonly release: (revision: number) => Promise<void>;
  readonly log: Logger;
}

class HeldLease implements Lease {
  readonly name: string;
  readonly #settings: HeldLeaseSettings;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #sureUntil: number;
  #revision: number;
  #over = false;
  #renewing = false;

  constructor(settings: HeldLeaseSettings) {
    this.name = settings.name;
    this.#settings = settings;
    this.#revision = settings.revision;
    this.#sureUntil = settings.began + settings.term * trust;
    this.#timer = setInterval(() => void this.#beat(), settings.term / beats / 2);
    this.#timer.unref();
  }

  held(): boolean {
    if (!this.#over && performance.now() >= this.#sureUntil) this.#lose();
    return !this.#over;
  }

  onLost(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async release(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    // If this does not reach the server, the term ends the lease.
    await withinLimit(this.#settings.release(this.#revision), this.#settings.term, unavailable).catch(
      (err: unknown) => {
        this.#settings.log.warn({ err, lease: this.name }, 'a lease could not be given back');
      },
    );
  }

  async #beat(): Promise<void> {
    if (!this.held() || this.#renewing) return;
    const { term, renew } = this.#settings;
    const began = performance.now();
    this.#renewing = true;
    try {
      this.#revision = await withinLimit(renew(this.#revision), (term * trust) / 2, unavailable);
      this.#sureUntil = began + term * trust;
    } catch (error) {
      if (isConflict(error) && !this.#over) this.#lose();
    } finally {
      this.#renewing = false;
    }
  }

  #lose(): void {
    this.#over = true;
    clearInterval(this.#timer);
    this.#settings.log.warn({ lease: this.name }, 'a lease is lost');
    for (const listener of this.#listeners) listener();
  }
}

/** Names may hold characters that a key may not. */
function keyOf(name: string): string {
  return Buffer.from(name, 'utf8').toString('base64url');
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
}

function unavailable(cause?: unknown): BridgeError {
  return new BridgeError('BUS_UNAVAILABLE', 'NATS does not answer about leases.', { cause });
}

/** Ends early, without failing, when the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
