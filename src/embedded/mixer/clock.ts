/** The 20 ms clock of the mixer: it does not drift, catches up after a short delay and skips after a long one. */

/** Length of a tick in milliseconds. */
export const tickMs = 20;
/** Later than this, ticks are skipped instead of caught up. */
const skipAfter = 200;
/** Ticks done without a look at the sockets in between. */
const burst = 2;
/** Timers may fire this much early. */
const early = 0.3;
/** How many ticks the lateness figures cover: 10 s. */
const remembered = 500;

/** What the clock drives; injected time makes it testable. */
export interface ClockSettings {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Calls back after so many milliseconds; returns what cancels it. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly tick: (now: number) => void;
  /** So many ticks were left out. */
  readonly skip: (ticks: number) => void;
}

/** Calls `tick` 50 times a second. */
export class TickClock {
  readonly #settings: ClockSettings;
  readonly #lateness = new Float64Array(remembered);
  #ticks = 0;
  #skipped = 0;
  #due = 0;
  #cancel: () => void = () => undefined;

  constructor(settings: ClockSettings) {
    this.#settings = settings;
  }

  get ticks(): number {
    return this.#ticks;
  }

  get skipped(): number {
    return this.#skipped;
  }

  start(): void {
    this.#due = this.#settings.now() + tickMs;
    this.#arm();
  }

  stop(): void {
    this.#cancel();
  }

  /** 99th percentile of how late (ms) the last ticks began. */
  latenessP99(): number {
    const known = this.#lateness.slice(0, Math.min(this.#ticks, remembered)).sort();
    return known[Math.floor(known.length * 0.99)] ?? 0;
  }

  /** Whole milliseconds to just before the due time, so that a timer's rounding never makes a tick late; the rest goes in steps of 1 ms. */
  #arm(): void {
    const wait = Math.floor(this.#due - this.#settings.now());
    this.#cancel = this.#settings.after(Math.max(0, wait), () => this.#run());
  }

  #run(): void {
    const { now, tick, skip } = this.#settings;
    const late = now() - this.#due;
    if (late > skipAfter) {
      const ticks = Math.floor(late / tickMs);
      this.#skipped += ticks;
      this.#due += ticks * tickMs;
      skip(ticks);
    }
    for (let done = 0; done < burst && now() >= this.#due - early; done += 1) {
      const began = now();
      this.#lateness[this.#ticks % remembered] = Math.max(0, began - this.#due);
      this.#ticks += 1;
      this.#due += tickMs;
      tick(began);
    }
    this.#arm();
  }
}
