/** How many new calls come from one source address and from one proved AOR, so that nobody floods a conference. Pure; times are milliseconds of a steady clock. */
import type { Aor } from '../identity/aor.ts';

/** Most new calls in any `seconds`; 0: any number. */
export interface CallRateLimits {
  readonly perAddress: number;
  readonly perAccount: number;
  readonly seconds: number;
}

/** Nobody is held back. */
export const anyCallRate: CallRateLimits = { perAddress: 0, perAccount: 0, seconds: 1 };

/** So many addresses and accounts are remembered, those that called last. */
const remembered = 10_000;

/** Counts new calls. What is refused does not count, so that who calls on and on gets as many through as who waits. */
export class CallRate {
  readonly #limits: CallRateLimits;
  readonly #windowMs: number;
  /** When they called, oldest first, by who it was; who called last is last. */
  readonly #calls = new Map<string, readonly number[]>();
  #refused = 0;

  constructor(limits: CallRateLimits) {
    this.#limits = limits;
    this.#windowMs = limits.seconds * 1000;
  }

  /** Calls refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes note of a new call and returns null; or, when there were too many, the whole seconds until the next one is taken. */
  take(address: string, aor: Aor | null, now: number): number | null {
    const { perAddress, perAccount } = this.#limits;
    const callers = [
      ...(perAddress === 0 ? [] : [{ who: `address ${address}`, most: perAddress }]),
      ...(perAccount === 0 || aor === null ? [] : [{ who: `account ${aor}`, most: perAccount }]),
    ];
    const waitMs = Math.max(0, ...callers.map(({ who, most }) => this.#waitMs(who, most, now)));
    if (waitMs > 0) {
      this.#refused += 1;
      return Math.ceil(waitMs / 1000);
    }
    for (const { who } of callers) this.#note(who, now);
    return null;
  }

  #recent(who: string, now: number): readonly number[] {
    return (this.#calls.get(who) ?? []).filter((at) => now - at < this.#windowMs);
  }

  /** Until so few calls are recent that one more may be. */
  #waitMs(who: string, most: number, now: number): number {
    const inTheWay = this.#recent(who, now).at(-most);
    return inTheWay === undefined ? 0 : inTheWay + this.#windowMs - now;
  }

  #note(who: string, now: number): void {
    const recent = this.#recent(who, now);
    this.#calls.delete(who);
    this.#calls.set(who, [...recent, now]);
    for (const [first, times] of this.#calls) {
      const stale = now - (times.at(-1) ?? 0) >= this.#windowMs;
      if (!stale && this.#calls.size <= remembered) return;
      this.#calls.delete(first);
    }
  }
}
