/** Named timers of one transaction or dialog: starting a name again replaces it, and a callback that throws is reported. */
export class TimerSet {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Calls `fire` once after `ms` milliseconds. */
  start(name: string, ms: number, fire: () => void): void {
    this.stop(name);
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      try {
        fire();
      } catch (error) {
        this.#onError(error);
      }
    }, ms);
    timer.unref();
    this.#timers.set(name, timer);
  }

  /** Stops the named timers, or all when none is named. */
  stop(...names: string[]): void {
    for (const name of names.length === 0 ? [...this.#timers.keys()] : names) {
      clearTimeout(this.#timers.get(name));
      this.#timers.delete(name);
    }
  }

  isRunning(name: string): boolean {
    return this.#timers.has(name);
  }
}
