/** Leads every own leg from what is observed to what policy wants: idempotent orders, repaired by running again (RFC 4353 4.1). */
import type { Bus, FactEvent } from '../bus/bus.ts';
import { jidOfLeg } from '../conference-info/meeting.ts';
import type { Logger } from '../log.ts';
import { mustLeave } from '../policy/admission.ts';
import { wantedMutes } from '../policy/media-rights.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { currentTrace, withTrace } from '../trace.ts';
import type { Leg } from './leg.ts';
import type { Legs } from './legs.ts';
import type { Mixer, MixerReport } from './mixer.ts';

const firstRetryMs = 250;
const longestRetryMs = 10_000;
/** A mixer that has done what it was told says so at once; after this long its list is read instead. */
const reportLimitMs = 2000;

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((entry, index) => entry === other[index]);

export class Mirror {
  readonly #legs: Legs;
  readonly #bus: Bus;
  readonly #mixer: Mixer;
  readonly #policy: PolicySettings;
  readonly #log: Logger;

  constructor(legs: Legs, bus: Bus, mixer: Mixer, policy: PolicySettings, log: Logger) {
    this.#legs = legs;
    this.#bus = bus;
    this.#mixer = mixer;
    this.#policy = policy;
    this.#log = log;
  }

  /** A fact has changed: looks at the legs that it can concern. */
  fact(event: FactEvent): void {
    for (const leg of this.#concerned(event)) this.compare(leg);
  }

  /** Looks at one leg and orders the difference, if there is one. */
  compare(leg: Leg): void {
    if (leg.state === 'ended') return;
    const meeting = this.#bus.facts.meeting(leg.link.id);
    const { bindings } = this.#bus.facts;
    const leave = mustLeave(leg.fact, meeting, bindings, this.#policy);
    if (leave) {
      this.#log.info({ leg: leg.id, status: leave.status, by: leave.by }, 'a leg has to leave');
      void this.#legs.end(leg, leave, { method: leave.disconnection, reason: leave.reason, by: leave.by });
      return;
    }
    // `wanted` is newer than the fact while an order is under way.
    leg.wanted = wantedMutes({ ...leg.fact, mutes: leg.wanted }, meeting, bindings, this.#policy);
    this.#act(leg);
  }

  /** Adds or takes away one mute reason that is not the room's. */
  setReason(leg: Leg, reason: 'operator' | 'self', stands: boolean): void {
    const others = leg.wanted.filter((standing) => standing !== reason);
    leg.wanted = stands ? [...others, reason] : others;
    this.compare(leg);
  }

  /** What the mixer says. */
  report(report: MixerReport): void {
    if (report.kind === 'up') {
      this.resync();
      return;
    }
    if (report.kind === 'muted') {
      const leg = this.#legs.byId(report.leg);
      // The report is the effect of the order, and comes by a way that knows nothing of its cause.
      if (leg) withTrace(() => this.#observed(leg, report.muted), leg.cause);
    }
  }

  /** Compares every leg with the mixer's own list; a leg that it no longer has is over. */
  resync(): void {
    void this.#resync().catch((error) => this.#log.warn({ err: error }, 'the mixer could not list its members'));
  }

  async #resync(): Promise<void> {
    const before = new Set([...this.#legs.all].map((leg) => leg.id));
    const members = new Map((await this.#mixer.list()).map((member) => [member.leg, member]));
    for (const leg of [...this.#legs.all]) {
      const member = members.get(leg.id);
      if (member) this.#observed(leg, member.muted);
      else if (before.has(leg.id)) void this.#legs.end(leg, { status: 503, text: 'The media of this call were lost' });
    }
  }

  /** The mixer's state of a leg is known (again): publishes what is so, and orders what still differs. */
  #observed(leg: Leg, muted: boolean): void {
    leg.ordered = null;
    leg.cause = undefined;
    leg.failures = 0;
    this.#stopRetry(leg);
    const reached = muted === leg.wanted.length > 0;
    const mutes = reached ? leg.wanted : leg.fact.mutes;
    if (leg.fact.muted !== muted || !same(leg.fact.mutes, mutes)) void this.#publish(leg, { muted, mutes });
    if (!reached) this.#act(leg);
  }

  #act(leg: Leg): void {
    const muted = leg.wanted.length > 0;
    if (leg.ordered !== null || leg.retry) return;
    if (leg.fact.muted !== muted) {
      void this.#order(leg, muted);
      return;
    }
    if (!same(leg.fact.mutes, leg.wanted)) void this.#publish(leg, { mutes: leg.wanted });
  }

  async #order(leg: Leg, muted: boolean): Promise<void> {
    leg.ordered = muted;
    leg.cause = currentTrace();
    try {
      await this.#mixer.mute(leg.id, muted);
      this.#log.info({ leg: leg.id, muted, mutes: leg.wanted }, 'the mixer was told whether a leg may be heard');
      if (leg.ordered === muted && leg.state === 'up') this.#later(leg, reportLimitMs, () => this.resync());
    } catch (error) {
      if (leg.state === 'ended') return;
      const delay = Math.min(longestRetryMs, firstRetryMs * 2 ** leg.failures);
      leg.failures += 1;
      leg.ordered = null;
      this.#log.warn({ err: error, leg: leg.id, delay }, 'a mute order failed and will be given again');
      this.#later(leg, delay, () => this.compare(leg));
    }
  }

  #later(leg: Leg, delay: number, work: () => void): void {
    this.#stopRetry(leg);
    leg.retry = setTimeout(() => {
      leg.retry = null;
      leg.ordered = null;
      work();
    }, delay);
    leg.retry.unref();
  }

  #stopRetry(leg: Leg): void {
    if (leg.retry) clearTimeout(leg.retry);
    leg.retry = null;
  }

  async #publish(leg: Leg, changes: Partial<Leg['fact']>): Promise<void> {
    try {
      await this.#legs.change(leg, changes);
    } catch (error) {
      this.#log.error({ err: error, leg: leg.id }, 'the fact of a leg could not be published');
    }
  }

  #concerned(event: FactEvent): Leg[] {
    const { bindings } = this.#bus.facts;
    switch (event.kind) {
      case 'link':
      case 'room':
        return [...this.#legs.ofLink(event.link)];
      case 'binding':
        return [...this.#legs.all].filter((leg) => leg.fact.aor === event.key);
      case 'caller-ban':
        return [...this.#legs.ofLink(event.link)].filter((leg) => leg.fact.aor === event.key);
      case 'leg':
      case 'departure':
      case 'watcher':
        return [];
      default: {
        const jids = jidsOf(event);
        return [...this.#legs.ofLink(event.link)].filter((leg) => jids.has(jidOfLeg(leg.fact, bindings)));
      }
    }
  }
}

/** Whom a fact about a person is about: now and before, since a nick may change hands. */
function jidsOf(
  event: Exclude<FactEvent, { kind: 'link' | 'room' | 'binding' | 'caller-ban' | 'leg' | 'departure' | 'watcher' }>,
): Set<string | null> {
  const jids = new Set<string | null>([event.value?.jid ?? null, event.previous?.jid ?? null]);
  jids.delete(null);
  return jids;
}
