/** Wrong passwords by source and user, so that guessing is slow. Pure; times are milliseconds of a steady clock. */

const allowed = 5;
const forgottenAfterMs = 60_000;
const remembered = 10_000;

/** Counts wrong answers; after five within a minute that source and user must wait until a minute after the last one. */
export class TriesLedger {
  readonly #wrong = new Map<string, { count: number; last: number }>();

  wrong(who: string, now: number): void {
    const known = this.#wrong.get(who);
    const count = known && now - known.last <= forgottenAfterMs ? known.count + 1 : 1;
    this.#wrong.delete(who);
    this.#wrong.set(who, { count, last: now });
    while (this.#wrong.size > remembered) this.#wrong.delete(this.#wrong.keys().next().value ?? '');
  }

  right(who: string): void {
    this.#wrong.delete(who);
  }

  exhausted(who: string, now: number): boolean {
    const known = this.#wrong.get(who);
    return known !== undefined && known.count >= allowed && now - known.last <= forgottenAfterMs;
  }
}
