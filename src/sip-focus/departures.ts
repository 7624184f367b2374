/** RFC 4575 5.7.7, 5.7.8: calls that have ended are told of for a short time, so that nobody just vanishes. */
import type { Bus } from '../bus/bus.ts';
import { type DepartureFact, doerUri } from '../conference-info/departure.ts';
import type { LegFact } from '../conference-info/leg.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { Logger } from '../log.ts';

/** How a call ended. */
export interface Ending {
  readonly method: DepartureFact['method'];
  /** For people, or null. */
  readonly reason: string | null;
  /** Bare JID, nick or URI, as facts and asks name people; null when nobody did it. */
  readonly by: string | null;
}

/** By the caller. */
export const hungUp: Ending = { method: 'departed', reason: null, by: null };

/** The departures that this process tells of. */
export class Departures {
  readonly #bus: Bus;
  readonly #me: { readonly instance: string; readonly generation: string };
  readonly #shownMs: number;
  readonly #log: Logger;
  readonly #timers = new Map<NodeJS.Timeout, () => Promise<void>>();
  #closed = false;

  /** `shownMs` 0: departures are not told of. */
  constructor(bus: Bus, me: { readonly instance: string; readonly generation: string }, shownMs: number, log: Logger) {
    this.#bus = bus;
    this.#me = me;
    this.#shownMs = shownMs;
    this.#log = log;
  }

  /** Tells that a call has ended, before its own fact is withdrawn; of a call that nobody knows nothing is told. Never rejects. */
  async tell(link: LinkSettings, leg: LegFact, { method, reason, by }: Ending): Promise<void> {
    const { legs, occupants } = this.#bus.facts.meeting(link.id);
    if (this.#closed || this.#shownMs === 0 || !legs.has(leg.leg)) return;
    const fact: DepartureFact = {
      leg: { ...leg, generation: this.#me.generation },
      method,
      when: new Date().toISOString(),
      reason,
      by: doerUri(by, link.room, occupants),
    };
    try {
      await this.#bus.publish(link.id, 'departure', leg.leg, fact);
    } catch (error) {
      this.#log.warn({ err: error, leg: leg.leg }, 'it could not be told that a call has ended');
      return;
    }
    const forget = (): Promise<void> => this.#withdraw(link.id, leg.leg);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void forget();
    }, this.#shownMs);
    this.#timers.set(timer, forget);
  }

  /** Takes back what an earlier process of this instance told of. */
  async takeOver(): Promise<void> {
    const { facts } = this.#bus;
    for (const link of facts.links()) {
      for (const { leg } of [...facts.meeting(link).departures.values()]) {
        if (leg.instance !== this.#me.instance || leg.generation === this.#me.generation) continue;
        await this.#withdraw(link, leg.leg);
      }
    }
  }

  /** Tells of no more, and takes back what stands. */
  async close(): Promise<void> {
    this.#closed = true;
    const standing = [...this.#timers];
    this.#timers.clear();
    await Promise.all(
      standing.map(([timer, forget]) => {
        clearTimeout(timer);
        return forget();
      }),
    );
  }

  async #withdraw(link: string, leg: string): Promise<void> {
    try {
      await this.#bus.withdraw(link, 'departure', leg);
    } catch (error) {
      this.#log.error({ err: error, leg }, 'the fact of a departure could not be withdrawn');
    }
  }
}
