/** Leases inside one process. */
import type { Lease, Leases } from './leases.ts';

/** Makes leases that several parts of one process may contend for. */
export function createMemoryLeases(): Leases {
  const holders = new Map<string, { holder: string; freed: Promise<void>; free: () => void }>();
  const take = (name: string, holder: string): Lease => {
    let free = (): void => undefined;
    const freed = new Promise<void>((resolve) => {
      free = resolve;
    });
    const entry = { holder, freed, free };
    holders.set(name, entry);
    return {
      name,
      held: () => holders.get(name) === entry,
      onLost: () => undefined,
      async release() {
        if (holders.get(name) === entry) holders.delete(name);
        free();
      },
    };
  };
  const acquire = async (name: string, holder: string): Promise<Lease | null> =>
    holders.has(name) ? null : take(name, holder);
  return {
    acquire,
    async wait(name, holder, signal) {
      for (;;) {
        signal.throwIfAborted();
        const current = holders.get(name);
        if (!current) return take(name, holder);
        const aborted = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        await Promise.race([current.freed, aborted]);
      }
    },
  };
}
