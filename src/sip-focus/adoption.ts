/** What becomes of legs whose dialogs are dead: those of an earlier process, and those of a lost connection to the SIP server. */
import type { Bus } from '../bus/bus.ts';
import type { LegFact } from '../conference-info/leg.ts';
import type { Logger } from '../log.ts';
import type { Departures } from './departures.ts';
import type { Foci } from './foci.ts';
import { newLeg } from './leg.ts';
import type { EndCause, Legs } from './legs.ts';
import type { Mixer } from './mixer.ts';

/** What the SIP server ties to a connection answers nobody any more, so such a call cannot even be hung up by its caller. */
const lostConnection: EndCause = { status: 503, text: 'The focus lost its SIP server; please call again' };
const notFound: EndCause = { status: 503, text: 'The focus was restarted; please call again' };

export class Adoption {
  readonly #bus: Bus;
  readonly #mixer: Mixer;
  readonly #legs: Legs;
  readonly #foci: Foci;
  readonly #departures: Departures;
  readonly #instance: string;
  readonly #generation: string;
  readonly #log: Logger;

  constructor(
    bus: Bus,
    mixer: Mixer,
    legs: Legs,
    foci: Foci,
    departures: Departures,
    me: { readonly instance: string; readonly generation: string },
    log: Logger,
  ) {
    this.#bus = bus;
    this.#mixer = mixer;
    this.#legs = legs;
    this.#foci = foci;
    this.#departures = departures;
    this.#instance = me.instance;
    this.#generation = me.generation;
    this.#log = log;
  }

  /** Takes over what an earlier process of this instance left: media goes on where the mixer still has it, the rest is cleared away. */
  async takeOver(): Promise<void> {
    await this.#departures.takeOver();
    for (const [link, fact] of this.#orphans()) {
      try {
        if (await this.#adopt(link, fact)) continue;
      } catch (error) {
        this.#log.warn({ err: error, leg: fact.leg }, 'a leg of the earlier process could not be adopted');
      }
      const home = this.#foci.byId(link);
      if (home) await this.#departures.tell(home, fact, { method: 'failed', reason: notFound.text, by: null });
      await this.#bus.withdraw(link, 'leg', fact.leg);
      void this.#legs.bye(fact.dialogId, notFound);
    }
  }

  #orphans(): [string, LegFact][] {
    const { facts } = this.#bus;
    return facts
      .links()
      .flatMap((link) => [...facts.meeting(link).legs.values()].map((fact): [string, LegFact] => [link, fact]))
      .filter(([, fact]) => fact.instance === this.#instance && fact.generation !== this.#generation);
  }

  async #adopt(linkId: string, fact: LegFact): Promise<boolean> {
    const link = this.#foci.byId(linkId);
    if (!this.#mixer.outlivesProcess || !link || fact.mixer !== this.#mixer.name) return false;
    const member = { leg: fact.leg, conference: link.id, ref: fact.mixerRef };
    if (!(await this.#mixer.adopt(member))) return false;
    const leg = newLeg(link, { ...fact, generation: this.#generation }, -1, { sdp: '' });
    if (!this.#legs.reserve(leg)) return false;
    await this.#legs.publish(leg);
    this.#log.info({ leg: leg.id, link: link.id }, 'a leg of the earlier process goes on');
    return true;
  }

  /** The connection to the SIP server is a new one: ends every leg of earlier connections, except adopted ones, which never had one. */
  async reconnected(connection: number): Promise<void> {
    const dead = [...this.#legs.all].filter((leg) => leg.connection >= 0 && leg.connection < connection);
    if (dead.length > 0) this.#log.warn({ legs: dead.length }, 'ending the calls of the lost connection');
    await Promise.all(dead.map((leg) => this.#legs.end(leg, lostConnection)));
  }
}
