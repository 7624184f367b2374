/** RFC 7616 3.3, 5.4: nonces that nobody else can make, that end, and that count their uses so that no answer works twice. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** `stale`: made by us and too old, or forgotten; `replayed`: its count was used before; `foreign`: not made by us. */
export type NonceVerdict = 'fresh' | 'stale' | 'replayed' | 'foreign';

export interface NonceSettings {
  /** How long a nonce is good, ms. */
  readonly lifeMs: number;
  /** Most nonces whose use is remembered; the oldest are forgotten and then count as stale. */
  readonly remembered: number;
}

const defaultNonceSettings: NonceSettings = { lifeMs: 60_000, remembered: 50_000 };

/** Highest count seen and which of the 64 counts below it, so that requests that overtake each other are good. */
interface Use {
  highest: number;
  seen: bigint;
}

const windowSize = 64;

/** Times are milliseconds of a steady clock. */
export class Nonces {
  readonly #key = randomBytes(32);
  readonly #settings: NonceSettings;
  readonly #uses = new Map<string, Use>();
  /** Nonces made before this are treated as stale: their uses are no longer known. */
  #forgottenBefore = 0;

  constructor(settings: NonceSettings = defaultNonceSettings) {
    this.#settings = settings;
  }

  /** A new nonce: its time, chance, and a mark of ours. Nothing is remembered until it is used. */
  issue(now: number): string {
    const body = Buffer.alloc(16);
    body.writeUIntBE(Math.floor(now), 2, 6);
    randomBytes(8).copy(body, 8);
    return Buffer.concat([body, this.#mark(body)]).toString('base64url');
  }

  /** Whether this nonce may be used with this count now; counts it when it may. */
  use(nonce: string, count: number, now: number): NonceVerdict {
    const verdict = this.check(nonce, now);
    if (verdict !== 'fresh') return verdict;
    const use = this.#uses.get(nonce);
    if (!use) {
      this.#uses.set(nonce, { highest: count, seen: 1n });
      this.#forget();
      return 'fresh';
    }
    return countUse(use, count) ? 'fresh' : 'replayed';
  }

  /** As `use`, without counting and without looking at counts. */
  check(nonce: string, now: number): Exclude<NonceVerdict, 'replayed'> {
    const issued = this.#issuedAt(nonce);
    if (issued === null) return 'foreign';
    return issued < this.#forgottenBefore || now - issued > this.#settings.lifeMs ? 'stale' : 'fresh';
  }

  /** Nonces whose use is remembered now. */
  get size(): number {
    return this.#uses.size;
  }

  #mark(body: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, 16);
  }

  #issuedAt(nonce: string): number | null {
    if (!/^[A-Za-z0-9_-]{43}$/.test(nonce)) return null;
    const bytes = Buffer.from(nonce, 'base64url');
    // The last character holds unused bits: only the one written form is ours, so that no second form has counts of its own.
    if (bytes.length !== 32 || bytes.toString('base64url') !== nonce) return null;
    const body = bytes.subarray(0, 16);
    return timingSafeEqual(bytes.subarray(16), this.#mark(body)) ? body.readUIntBE(2, 6) : null;
  }

  #forget(): void {
    while (this.#uses.size > this.#settings.remembered) {
      const oldest = this.#uses.keys().next().value;
      if (oldest === undefined) return;
      this.#uses.delete(oldest);
      this.#forgottenBefore = Math.max(this.#forgottenBefore, (this.#issuedAt(oldest) ?? 0) + 1);
    }
  }
}

function countUse(use: Use, count: number): boolean {
  if (count > use.highest) {
    const step = count - use.highest;
    use.seen = step >= windowSize ? 1n : ((use.seen << BigInt(step)) | 1n) & 0xffff_ffff_ffff_ffffn;
    use.highest = count;
    return true;
  }
  const back = use.highest - count;
  if (back >= windowSize) return false;
  const bit = 1n << BigInt(back);
  if (use.seen & bit) return false;
  use.seen |= bit;
  return true;
}
