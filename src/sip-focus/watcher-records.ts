/** Remembers subscriptions on the bus, so that a later process can send their watchers to subscribe anew (RFC 6665 4.1.3, `deactivated`). */
import { createHash } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { WatcherFact } from '../conference-info/watcher.ts';
import type { Logger } from '../log.ts';

/** Which process keeps the records. */
export interface RecordKeeper {
  readonly instance: string;
  readonly generation: string;
}

/** A dialog id comes from the peer and may be of any length. */
const keyOf = ({ dialogId, event }: Pick<WatcherFact, 'dialogId' | 'event'>): string =>
  createHash('sha256').update(`${dialogId} ${event}`).digest('base64url');

export class WatcherRecords {
  readonly #bus: Bus;
  readonly #keeper: RecordKeeper;
  readonly #log: Logger;

  constructor(bus: Bus, keeper: RecordKeeper, log: Logger) {
    this.#bus = bus;
    this.#keeper = keeper;
    this.#log = log;
  }

  /** A subscription has begun. */
  keep(link: string, { dialogId, event, contact }: Omit<WatcherFact, keyof RecordKeeper>): void {
    const fact = { ...this.#keeper, dialogId, event, contact };
    this.#settle(this.#bus.publish(link, 'watcher', keyOf(fact), fact));
  }

  /** A subscription has ended. */
  drop(link: string, watcher: Pick<WatcherFact, 'dialogId' | 'event'>): void {
    this.#settle(this.#bus.withdraw(link, 'watcher', keyOf(watcher)));
  }

  /** Takes out the records that earlier processes of this instance have left. */
  takeOver(): readonly WatcherFact[] {
    const { facts } = this.#bus;
    return facts.links().flatMap((link) => {
      const left = [...facts.meeting(link).watchers.values()].filter(
        ({ instance, generation }) => instance === this.#keeper.instance && generation !== this.#keeper.generation,
      );
      for (const fact of left) this.drop(link, fact);
      return left;
    });
  }

  /** Without its record a subscription works as well; only a restart will leave its watcher alone. */
  #settle(done: Promise<void>): void {
    done.catch((error) => this.#log.warn({ err: error }, 'a subscription could not be put on record'));
  }
}
