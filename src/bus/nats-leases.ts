/**
 * Leases in a NATS key-value bucket. A holder renews its entry by compare-and-set; whoever waits takes it over when the entry is gone, or when its revision
 * has not moved for the whole term on the reader's own monotonic clock. Wall clocks, also the server's, decide nothing that two processes must agree on.
 * Who waits says so in a second entry: a holder that is cut off from NATS must give up only when somebody may take its place.
 */
import { randomBytes } from 'node:crypto';
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
  /** Tells this run from an earlier or later one of the same holder. */
  readonly #run = randomBytes(9).toString('base64url');
  readonly #sightings = new Map<string, Sighting>();
  #bucket: { connection: NatsConnection; kv: Promise<KV> } | undefined;

  constructor(link: NatsLink, log: Logger, term: number) {
    this.#link = link;
    this.#log = log;
    this.#term = term;
  }

  async acquire(name: string, holder: string): Promise<Lease | null> {
    const key = keyOf(name);
    const own = `${holder} ${this.#run}`;
    const began = performance.now();
    const work = this.#take(key, own, (entry) => holderOf(entry) === holder || this.#silent(key, entry));
    const revision = await withinLimit(work, this.#term * trust, unavailable).catch((cause: unknown) => {
      throw cause instanceof BridgeError ? cause : unavailable(cause);
    });
    if (revision === null) return null;
    return new HeldLease({
      ...{ name, term: this.#term, began, revision, log: this.#log },
      renew: async (known) => (await this.#kv()).update(key, own, known),
      retake: () => this.#take(key, own, (entry) => entry.string() === own),
      contested: async () => (await (await this.#kv()).get(waitingKeyOf(name)))?.operation === 'PUT',
      release: async (known) => {
        await (await this.#kv()).delete(key, { previousSeq: known });
      },
    });
  }

  async wait(name: string, holder: string, signal: AbortSignal): Promise<Lease> {
    for (;;) {
      signal.throwIfAborted();
      try {
        const lease = await this.acquire(name, holder);
        if (lease !== null && !signal.aborted) return lease;
        await lease?.release();
        await (await this.#kv()).put(waitingKeyOf(name), holder);
      } catch (err) {
        this.#log.debug({ err, lease: name }, 'a lease cannot be asked for now');
      }
      await pause(this.#term / beats, signal);
    }
  }

  /** The revision under which we hold the key now, or null while another holds it that must not be replaced. */
  async #take(key: string, own: string, replaceable: (entry: KvEntry) => boolean): Promise<number | null> {
    const kv = await this.#kv();
    const entry = await kv.get(key);
    try {
      if (entry === null || entry.operation !== 'PUT') return await kv.create(key, own);
      return replaceable(entry) ? await kv.update(key, own, entry.revision) : null;
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
  /** Takes it once more when it has lapsed or is still under our name; null when another has it. */
  readonly retake: () => Promise<number | null>;
  readonly contested: () => Promise<boolean>;
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
  #doubtful = false;
  #contested = false;
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
    this.#judge();
    return !this.#over && !this.#doubtful;
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

  /** Past the time in which nobody else can have it: who may have been replaced gives up, who is alone goes on in doubt. */
  #judge(): void {
    if (this.#over || performance.now() < this.#sureUntil) return;
    if (this.#contested) this.#lose();
    else if (!this.#doubtful) {
      this.#doubtful = true;
      this.#settings.log.warn({ lease: this.name }, 'a lease cannot be renewed; nobody waited for it, so it is kept');
    }
  }

  async #beat(): Promise<void> {
    this.#judge();
    if (this.#over || this.#renewing) return;
    this.#renewing = true;
    try {
      await this.#renew();
    } finally {
      this.#renewing = false;
    }
  }

  async #renew(): Promise<void> {
    const { term, renew, contested } = this.#settings;
    const limit = (term * trust) / 2;
    const began = performance.now();
    try {
      this.#revision = await withinLimit(renew(this.#revision), limit, unavailable);
      this.#sure(began);
      this.#contested = await withinLimit(contested(), limit, unavailable);
    } catch (error) {
      if (isConflict(error) && !this.#over) await this.#renewLapsed(began);
    }
  }

  /** The entry is not as we left it: it has lapsed, a renewal of ours was stored unheard, or another holder has it. */
  async #renewLapsed(began: number): Promise<void> {
    const revision = await this.#settings.retake().catch(() => undefined);
    if (revision === undefined || this.#over) return;
    if (revision === null) {
      this.#lose();
      return;
    }
    this.#revision = revision;
    this.#sure(began);
  }

  #sure(began: number): void {
    this.#sureUntil = began + this.#settings.term * trust;
    this.#doubtful = false;
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

/** Who wrote an entry, without the run. */
const holderOf = (entry: KvEntry): string => entry.string().slice(0, entry.string().lastIndexOf(' '));

const waitingKeyOf = (name: string): string => `${keyOf(name)}.waiting`;

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
