/** Waiting for a condition that only events can make true: it is looked at again after each of them. */

interface Waiter {
  check(): boolean;
  fail(error: Error): void;
}

/** Conditions that are waited for, and the events after which they are looked at again. */
export class Watch {
  readonly #waiters = new Set<Waiter>();
  #failure: Error | undefined;

  /**
   * Resolves with the first value of `condition` that is neither undefined nor false.
   * @param what completes "waited in vain for"
   * @param limitMs generous, because the limit is for tests that fail
   */
  until<T>(condition: () => T | undefined | false, what: string, limitMs = 15_000): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
      };
      const waiter: Waiter = {
        check() {
          const value = condition();
          if (value === undefined || value === false) return false;
          settle();
          resolve(value);
          return true;
        },
        fail(error) {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.fail(new Error(`waited in vain for ${what}`)), limitMs);
      this.#waiters.add(waiter);
      try {
        if (!waiter.check() && this.#failure !== undefined) waiter.fail(this.#failure);
      } catch (error) {
        waiter.fail(error as Error);
      }
    });
  }

  /** Something happened. A condition that throws rejects its waiter. */
  changed(): void {
    for (const waiter of [...this.#waiters]) {
      try {
        waiter.check();
      } catch (error) {
        waiter.fail(error as Error);
      }
    }
  }

  /** Nothing will happen any more. */
  end(error: Error): void {
    this.#failure = error;
    for (const waiter of [...this.#waiters]) waiter.fail(error);
  }
}
