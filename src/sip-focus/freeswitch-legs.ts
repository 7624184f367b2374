/** The legs that this process has in FreeSWITCH: led by its events and lists, each reported once when it leaves. */
import type { FreeswitchMember, LegEvent } from './freeswitch-events.ts';
import { type FreeswitchLeg, type LeftCause, settlesWithin } from './freeswitch-leg.ts';
import type { MixerReport } from './mixer.ts';

/** From BYE to the event that tells why; 75 ms on a busy machine. */
const explanationMs = 1000;

export class FreeswitchLegs {
  readonly #legs = new Map<string, FreeswitchLeg>();
  /** Legs whose end could not be seen: if they turn up again they have to go. */
  readonly #doomed = new Set<string>();
  readonly #report: (report: MixerReport) => void;
  readonly #hangUp: (dialogId: string) => void;
  readonly #muteLate: (leg: FreeswitchLeg, muted: boolean) => void;

  /** `hangUp` ends our side of a call that FreeSWITCH no longer has; `muteLate` gives an order that came before there was a member. */
  constructor(
    report: (report: MixerReport) => void,
    hangUp: (dialogId: string) => void,
    muteLate: (leg: FreeswitchLeg, muted: boolean) => void,
  ) {
    this.#report = report;
    this.#hangUp = hangUp;
    this.#muteLate = muteLate;
  }

  get(id: string): FreeswitchLeg | undefined {
    return this.#legs.get(id);
  }

  add(leg: FreeswitchLeg): void {
    this.#legs.set(leg.id, leg);
  }

  /** Legs that the owner knows of, as they are now. */
  reported(): readonly FreeswitchLeg[] {
    return [...this.#legs.values()].filter(({ reported }) => reported);
  }

  /** Lets a leg go whose end was not seen. */
  giveUp(leg: FreeswitchLeg): void {
    this.#doomed.add(leg.id);
    this.finish(leg, 'failed');
  }

  /** The leg is over. Idempotent. */
  finish(leg: FreeswitchLeg, cause: LeftCause): void {
    if (leg.isGone) return;
    if (this.#legs.get(leg.id) === leg) this.#legs.delete(leg.id);
    leg.leave();
    if (leg.reported) this.#report({ kind: 'left', leg: leg.id, cause: leg.ordered ? 'ordered' : cause });
  }

  /** FreeSWITCH has hung up; why, its event says, when it can reach us. */
  async hungUp(leg: FreeswitchLeg, explained: boolean): Promise<void> {
    if (explained) await settlesWithin(leg.gone, explanationMs);
    this.finish(leg, 'hung-up');
  }

  /** No order can reach a leg that is on its way in: it will not get in. */
  refuseEntering(): void {
    for (const leg of this.#legs.values()) leg.refuse('MIXER_UNAVAILABLE', 'The connection to FreeSWITCH was lost');
  }

  /** Compares legs, as they were before the list was asked for, with what FreeSWITCH lists; returns the channels that have to go. */
  compare(before: readonly FreeswitchLeg[], listed: readonly FreeswitchMember[]): readonly string[] {
    const members = new Map(listed.map((member) => [member.leg, member]));
    for (const leg of before) {
      const member = members.get(leg.id);
      if (member) this.#observe(leg, member);
      // A late offer waits outside of the conference for its answer.
      else if (leg.member) this.#lose(leg);
    }
    const strays = listed.filter(({ leg }) => this.#doomed.has(leg));
    this.#doomed.clear();
    return strays.map(({ channel }) => channel);
  }

  /** The process of FreeSWITCH is gone, and every call in it. */
  loseAll(): void {
    this.#doomed.clear();
    for (const leg of [...this.#legs.values()]) this.#lose(leg);
  }

  hear(event: LegEvent): void {
    const leg = this.#legs.get(event.kind === 'joined' ? event.member.leg : event.leg);
    if (!leg) return;
    switch (event.kind) {
      case 'joined':
        this.#joined(leg, event.member);
        break;
      case 'muted':
        this.#muted(leg, event.muted);
        break;
      case 'talking':
        this.#talking(leg, event.talking);
        break;
      case 'key':
        this.#report({ kind: 'dtmf', leg: leg.id, digit: event.digit, ms: event.ms });
        break;
      case 'ended':
        this.finish(leg, event.cause);
        break;
    }
  }

  #lose(leg: FreeswitchLeg): void {
    if (leg.dialogId !== null) this.#hangUp(leg.dialogId);
    this.finish(leg, 'failed');
  }

  #joined(leg: FreeswitchLeg, member: FreeswitchMember): void {
    leg.enter(member);
    if (leg.wantedMute !== null && leg.wantedMute !== member.muted) this.#muteLate(leg, leg.wantedMute);
  }

  #observe(leg: FreeswitchLeg, member: FreeswitchMember): void {
    leg.member = member;
    this.#muted(leg, member.muted);
    this.#talking(leg, member.talking);
  }

  #muted(leg: FreeswitchLeg, muted: boolean): void {
    if (leg.muted === muted) return;
    leg.muted = muted;
    this.#report({ kind: 'muted', leg: leg.id, muted });
  }

  #talking(leg: FreeswitchLeg, talking: boolean): void {
    if (leg.talking === talking) return;
    leg.talking = talking;
    this.#report({ kind: 'talking', leg: leg.id, talking });
  }
}
