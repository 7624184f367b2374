/** Leases inside one process. */
import type { Lease, Leases } from './leases.ts';

class MemoryLease implements Lease {
  readonly name: string;
  readonly holder: string;
  readonly #free: () => void;
  readonly #listeners = new Set<() => void>();
  #held = true;

  constructor(name: string, holder: string, free: () => void) {
    this.name = name;
    this.holder = holder;
    this.#free = free;
  }

  held(): boolean {
    return this.#held;
  }

  onLost(listener: () => void): void {
    this.#listeners.add(listener);
  }

  lose(): void {
    this.#held = false;
    for (const listener of this.#listeners) listener();
  }

  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    this.#free();
  }
}

/** Makes leases that several parts of one process may contend for. */
export function createMemoryLeases(): Leases {
  const leases = new Map<string, MemoryLease>();
  const waiters = new Set<() => void>();
  const acquire = async (name: string, holder: string): Promise<Lease | null> => {
    const current = leases.get(name);
    if (current && current.holder !== holder) return null;
    const lease = new MemoryLease(name, holder, () => {
      leases.delete(name);
      for (const wake of waiters) wake();
    });
    leases.set(name, lease);
    current?.lose();
    return lease;
  };
  return {
    acquire,
    async wait(name, holder, signal) {
      for (;;) {
        signal.throwIfAborted();
        const lease = await acquire(name, holder);
        if (lease !== null) return lease;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiters.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          waiters.add(wake);
          signal.addEventListener('abort', wake);
        });
      }
    },
  };
}
