/**
 * The Mixer on FreeSWITCH: every leg is a call of ours into its dialplan, which puts it into a conference (RFC 3261 13, RFC 3264);
 * orders and reports go over the event socket. The leg's id is the caller id, so that events, lists and a later process find it.
 */
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { EventSocket } from './event-socket.ts';
import { type FreeswitchMember, readEvent, readMembers, wantedEvents, wantedSubclasses } from './freeswitch-events.ts';
import { FreeswitchLeg, mixerFailure, refOf, settlesWithin } from './freeswitch-leg.ts';
import { FreeswitchLegs } from './freeswitch-legs.ts';
import { mixable, onlyListens } from './freeswitch-offer.ts';
import type { JoinedLeg, JoinOrder, Mixer, MixerMember, MixerRef, MixerReport } from './mixer.ts';
import type { DialedCall, UacDialer } from './uac-dialer.ts';

export interface FreeswitchMixerSettings {
  /** Its name in leg facts. */
  readonly name: string;
  /** The event socket. */
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** host:port that takes our calls. */
  readonly sip: string;
  /** SIP profile at `sip`; default `drachtio_mrf`. */
  readonly profile?: string;
  /** Asked for at every call, since the connection that makes calls is made after the mixer. */
  readonly dialer: () => UacDialer;
  readonly log: Logger;
}

/** Names of the dialplan that we ship. */
const openRoom = 'cusax.';
const mutedRoom = 'cusax-muted.';
const safeName = /^[a-z0-9-]{1,64}$/;

const dialLimitMs = 5000;
const enterLimitMs = 5000;
/** From BYE to the end of the channel; 75 ms on a busy machine. */
const endLimitMs = 1000;
/** Silence of who only listens: the SIP server's session timer is shorter. */
const listenerLimitMs = '3600000';

/** Makes a mixer on one FreeSWITCH; nothing happens before `start`. */
export function createFreeswitchMixer(settings: FreeswitchMixerSettings): Mixer {
  return new FreeswitchMixer(settings);
}

class FreeswitchMixer implements Mixer {
  readonly name: string;
  readonly outlivesProcess = true;
  readonly #settings: FreeswitchMixerSettings;
  readonly #socket: EventSocket;
  readonly #log: Logger;
  readonly #legs: FreeswitchLegs;
  #listener: (report: MixerReport) => void = () => undefined;
  #ready = false;
  #syncing: Promise<void> = Promise.resolve();

  constructor(settings: FreeswitchMixerSettings) {
    const { name, host, port, password, profile = 'drachtio_mrf', log } = settings;
    this.name = name;
    this.#settings = settings;
    this.#log = log;
    this.#legs = new FreeswitchLegs(
      (report) => this.#listener(report),
      (dialogId) => void settings.dialer().hangUp(dialogId),
      (leg, muted) => void this.#muteLate(leg, muted),
    );
    this.#socket = new EventSocket(
      { host, port, password, profile, events: wantedEvents, subclasses: wantedSubclasses },
      {
        up: () => {
          this.#syncing = this.#sync();
        },
        down: () => this.#down(),
        gone: () => this.#legs.loseAll(),
        event: (headers) => {
          const event = readEvent(headers);
          if (event) this.#legs.hear(event);
        },
      },
      log,
    );
  }

  async start(): Promise<void> {
    await this.#socket.start();
    await this.#syncing;
  }

  async stop(): Promise<void> {
    this.#ready = false;
    this.#socket.stop();
  }

  onReport(listener: (report: MixerReport) => void): void {
    this.#listener = listener;
  }

  ready(): boolean {
    return this.#ready;
  }

  async join(order: JoinOrder): Promise<JoinedLeg> {
    this.#check(order);
    const leg = new FreeswitchLeg(order.leg, order.conference, order.muted);
    this.#legs.add(leg);
    try {
      const call = await this.#dial(order, leg);
      if (order.offer !== null) await this.#untilEntered(leg);
      if (leg.isGone || leg.ordered) throw new BridgeError('MIXER_REFUSED', 'The call ended while it was joining');
      leg.reported = true;
      return { sdp: call.sdp, ref: refOf(leg), answer: (sdp) => this.#answer(leg, call, sdp) };
    } catch (error) {
      this.#abandon(leg);
      throw mixerFailure(error);
    }
  }

  async renegotiate(id: string, offer: string): Promise<string> {
    const leg = this.#known(id);
    if (!mixable(offer)) throw new BridgeError('MEDIA_UNSUPPORTED', 'The new offer has no audio that can be mixed');
    if (!leg.call) throw new BridgeError('MIXER_REFUSED', 'The leg of an earlier process cannot be renegotiated');
    try {
      await this.#expectSilence(leg, onlyListens(offer));
      return await leg.call.reoffer(offer);
    } catch (error) {
      throw mixerFailure(error);
    }
  }

  async mute(id: string, muted: boolean): Promise<void> {
    const leg = this.#known(id);
    if (!leg.member) {
      leg.wantedMute = muted;
      return;
    }
    const { room, member } = leg.member;
    const answer = await this.#socket.api(`conference ${room} ${muted ? 'mute' : 'unmute'} ${member}`);
    if (!answer.startsWith('+OK')) throw new BridgeError('MIXER_REFUSED', 'FreeSWITCH refused to mute or unmute a leg');
  }

  async remove(id: string): Promise<void> {
    const leg = this.#legs.get(id);
    if (!leg) return;
    leg.ordered = true;
    if (leg.dialogId === null && !leg.member) return; // `join` gives it up as soon as FreeSWITCH answers
    const hungUp = leg.dialogId === null ? Promise.resolve() : this.#settings.dialer().hangUp(leg.dialogId);
    // The answer to BYE comes a moment before the end of the channel; without a SIP server none comes.
    await Promise.race([leg.gone, settlesWithin(hungUp, endLimitMs)]);
    if (await settlesWithin(leg.gone, endLimitMs / 2)) return;
    await this.#kill(leg.member?.channel);
    if (!(await settlesWithin(leg.gone, endLimitMs))) this.#legs.giveUp(leg);
  }

  async list(): Promise<readonly MixerMember[]> {
    return (await this.#members()).map((member) => ({
      conference: member.room.slice(openRoom.length),
      leg: member.leg,
      muted: member.muted,
      talking: member.talking,
      ref: { channel: member.channel },
    }));
  }

  async adopt(wanted: { leg: string; conference: string; ref: MixerRef }): Promise<boolean> {
    const room = openRoom + wanted.conference;
    const member = (await this.#members()).find((seen) => seen.leg === wanted.leg && seen.room === room);
    if (!member) return false;
    if (this.#legs.get(wanted.leg)) return true;
    const leg = new FreeswitchLeg(wanted.leg, wanted.conference, member.muted);
    leg.dialogId = wanted.ref.dialog ?? null;
    leg.reported = true;
    leg.enter(member);
    this.#legs.add(leg);
    return true;
  }

  /** Throws for an order that FreeSWITCH need not hear of. */
  #check({ conference, leg, offer }: JoinOrder): void {
    if (!this.#ready) throw new BridgeError('MIXER_UNAVAILABLE', 'FreeSWITCH is not connected');
    // Other characters are syntax in the dialplan and in commands.
    if (!safeName.test(conference) || !safeName.test(leg)) {
      throw new BridgeError('MIXER_REFUSED', 'A conference or leg has a name that FreeSWITCH would misread');
    }
    if (this.#legs.get(leg)) throw new BridgeError('MIXER_REFUSED', 'The leg is in a conference already');
    if (offer !== null && !mixable(offer)) {
      throw new BridgeError('MEDIA_UNSUPPORTED', 'The offer has no audio that can be mixed');
    }
  }

  #known(id: string): FreeswitchLeg {
    const leg = this.#legs.get(id);
    if (!leg) throw new BridgeError('MIXER_REFUSED', 'The mixer has no such leg');
    return leg;
  }

  async #dial({ conference, offer, muted }: JoinOrder, leg: FreeswitchLeg): Promise<DialedCall> {
    const call = await this.#settings.dialer().dial({
      uri: `sip:${muted ? mutedRoom : openRoom}${conference}@${this.#settings.sip}`,
      from: `<sip:${leg.id}@focus.invalid>`,
      offer,
      // Known to the dialplan, which sets no limit for silence then.
      headers: offer !== null && onlyListens(offer) ? { 'X-Listens': 'true' } : {},
      limitMs: dialLimitMs,
      onEnded: () => void this.#legs.hungUp(leg, this.#ready),
    });
    leg.call = call;
    leg.dialogId = call.dialogId;
    return call;
  }

  /** The answer of FreeSWITCH alone does not say that the conference has taken the call. */
  async #untilEntered(leg: FreeswitchLeg): Promise<void> {
    if (!(await settlesWithin(leg.entered, enterLimitMs))) {
      throw new BridgeError('MIXER_UNAVAILABLE', 'FreeSWITCH did not put the call into the conference in time');
    }
    await leg.entered;
  }

  async #answer(leg: FreeswitchLeg, call: DialedCall, sdp: string): Promise<void> {
    try {
      if (!mixable(sdp)) throw new BridgeError('MEDIA_UNSUPPORTED', 'The answer has no audio that can be mixed');
      await call.confirm(sdp);
      await this.#untilEntered(leg);
    } catch (error) {
      throw mixerFailure(error);
    }
  }

  /** A call that did not get in: ends what there is of it, unreported. */
  #abandon(leg: FreeswitchLeg): void {
    if (leg.dialogId !== null) void this.#settings.dialer().hangUp(leg.dialogId);
    if (leg.dialogId !== null && !this.#ready) this.#legs.giveUp(leg);
    else this.#legs.finish(leg, 'failed');
  }

  async #muteLate(leg: FreeswitchLeg, muted: boolean): Promise<void> {
    try {
      await this.mute(leg.id, muted);
    } catch (error) {
      this.#log.warn({ err: error, leg: leg.id }, 'a leg could not be muted on its way in');
    }
  }

  async #kill(channel: string | undefined): Promise<void> {
    if (channel === undefined || !/^[\w-]+$/.test(channel)) return;
    await this.#socket.api(`uuid_kill ${channel}`).catch((error) => {
      this.#log.debug({ err: error }, 'a channel could not be ended');
    });
  }

  /** Who only listens may be silent. FreeSWITCH reads the limit at each offer, and passes over 0: one that it has is only ever replaced by another. */
  async #expectSilence({ member }: FreeswitchLeg, silent: boolean): Promise<void> {
    if (!member) return;
    const usual = await this.#socket.api(`uuid_getvar ${member.channel} media_timeout`);
    const limit = silent || !/^\d+$/.test(usual.trim()) ? listenerLimitMs : usual.trim();
    await this.#socket.api(`uuid_setvar ${member.channel} media_timeout_audio ${limit}`);
  }

  async #members(): Promise<readonly FreeswitchMember[]> {
    const members = readMembers(await this.#socket.api('conference json_list'));
    if (!members) throw new BridgeError('MIXER_REFUSED', 'FreeSWITCH gave no list of members');
    return members.filter(({ room }) => room.startsWith(openRoom));
  }

  /** Connected (again): what happened meanwhile is read from the list. */
  async #sync(): Promise<void> {
    const before = this.#legs.reported();
    try {
      for (const channel of this.#legs.compare(before, await this.#members())) void this.#kill(channel);
    } catch (error) {
      // The connection is lost again, or this FreeSWITCH has no conferences.
      this.#log.warn({ err: error }, 'FreeSWITCH cannot be asked for its conferences');
      return;
    }
    this.#ready = true;
    this.#listener({ kind: 'up' });
  }

  #down(): void {
    this.#legs.refuseEntering();
    if (!this.#ready) return;
    this.#ready = false;
    this.#listener({ kind: 'down' });
  }
}
