/** What operators and the room ask of this focus about its legs (RFC 4353 4.1): mute, unmute, remove, ban. */
import type { Ask, AskAnswer, Asks, FocusAsk } from '../bus/asks.ts';
import type { Bus } from '../bus/bus.ts';
import { jidOfLeg } from '../conference-info/meeting.ts';
import type { Logger } from '../log.ts';
import type { Leg } from './leg.ts';
import type { Legs } from './legs.ts';
import type { Mirror } from './mirror.ts';

const done = (...notes: string[]): AskAnswer => ({ ok: true, notes });
const failed = (condition: string, text: string): AskAnswer => ({ ok: false, condition, text });

/** The mixer's own limit is shorter; after this the asker is told that it is still being tried. */
const effectLimitMs = 8000;

export class FocusAsks {
  readonly #bus: Bus;
  readonly #asks: Asks;
  readonly #legs: Legs;
  readonly #mirror: Mirror;
  readonly #log: Logger;

  constructor(bus: Bus, asks: Asks, legs: Legs, mirror: Mirror, log: Logger) {
    this.#bus = bus;
    this.#asks = asks;
    this.#legs = legs;
    this.#mirror = mirror;
    this.#log = log;
  }

  /** Does what is asked; resolves when it has had its effect. */
  async answer(ask: Ask): Promise<AskAnswer> {
    if (ask.to !== 'focus') return failed('bad-request', 'This is not for a focus');
    const leg = this.#legs.byId(ask.leg);
    if (!leg || leg.link.id !== ask.link) return failed('item-not-found', 'There is no such call');
    this.#log.info({ leg: leg.id, act: ask.act, by: ask.by, reason: ask.reason }, 'asked about a call');
    switch (ask.act) {
      case 'mute':
        return this.#mute(leg);
      case 'unmute':
        return this.#unmute(leg);
      case 'remove':
        await this.#end(leg, ask, 'Removed from the conference');
        return done();
      case 'ban':
        return this.#ban(leg, ask);
    }
  }

  async #mute(leg: Leg): Promise<AskAnswer> {
    // Taking the floor back is part of it: otherwise giving it again later would need two steps.
    if (leg.fact.floor) await this.#legs.change(leg, { floor: false });
    this.#mirror.setReason(leg, 'operator', true);
    return this.#settled(leg);
  }

  async #unmute(leg: Leg): Promise<AskAnswer> {
    const jid = jidOfLeg(leg.fact, this.#bus.facts.bindings);
    const meeting = this.#bus.facts.meeting(leg.link.id);
    if (jid === null && meeting.room?.moderated && !leg.fact.floor) await this.#legs.change(leg, { floor: true });
    this.#mirror.setReason(leg, 'operator', false);
    const answer = await this.#settled(leg);
    if (!answer.ok || leg.fact.mutes.length === 0) return answer;
    return leg.fact.mutes.includes('room')
      ? done('still muted: the room gives this person no voice; ask the room')
      : done('still muted by the caller');
  }

  async #ban(leg: Leg, ask: FocusAsk): Promise<AskAnswer> {
    const { aor } = leg.fact;
    if (jidOfLeg(leg.fact, this.#bus.facts.bindings) !== null) {
      return failed('use-room', 'This caller has an address in the room: ban them there, and the call follows');
    }
    const text = 'Banned from the conference';
    if (aor === null) {
      await this.#end(leg, ask, text);
      void this.#tellModerators(leg, ask);
      return done('acted as a kick: the caller proved no address that could be banned');
    }
    await this.#bus.publish(ask.link, 'caller-ban', aor, { aor, reason: ask.reason, by: ask.by });
    await this.#end(leg, ask, text);
    return done();
  }

  /** In the words of who asks for it, or in ours. */
  async #end(leg: Leg, ask: FocusAsk, ours: string): Promise<void> {
    const text = ask.reason ?? ours;
    await this.#legs.end(leg, { status: 603, text }, { method: 'booted', reason: text, by: ask.by });
  }

  /** Whoever moderates in the room must not take somebody for banned who can call again. */
  async #tellModerators({ link, fact }: Leg, { by, reason }: FocusAsk): Promise<void> {
    const who = fact.label === null ? 'A caller without a name' : `The caller “${fact.label}”`;
    const text = `${who} was to be banned (${by}), but proved no address: this acted as a kick, and they can call again.`;
    try {
      await this.#asks.ask({ owner: 'room' }, { to: 'room', act: 'tell-moderators', link: link.id, by, reason, text });
    } catch (error) {
      this.#log.warn({ err: error, link: link.id }, 'the moderators could not be told that a ban acted as a kick');
    }
  }

  /** Waits until the leg's fact says what is wanted: then the mixer has done it. */
  async #settled(leg: Leg): Promise<AskAnswer> {
    const reached = (): boolean =>
      leg.fact.muted === leg.wanted.length > 0 && leg.wanted.join() === leg.fact.mutes.join();
    const limit = performance.now() + effectLimitMs;
    while (!reached()) {
      if (leg.state === 'ended') return failed('gone', 'The call has ended');
      const left = limit - performance.now();
      if (left <= 0) return failed('mixer-unavailable', 'The media server has not done it yet; it is tried again');
      await this.#legs.changed(leg, left);
    }
    return done();
  }
}
