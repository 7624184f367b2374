/** The Mixer port on the embedded G.711 mixer: keeps the legs' SDP, while a worker thread carries their media. */
import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { BridgeError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { JoinedLeg, JoinOrder, Mixer, MixerMember, MixerReport } from '../../sip-focus/mixer.ts';
import { type IpFamily, LocalDescription, negotiate, ownOffer, readAnswer } from './media-negotiation.ts';
import { WorkerLink } from './worker-link.ts';
import type { LegMedia, LegReport, MixerFaults, MixerHealth } from './worker-protocol.ts';

/** Settings of the embedded mixer. */
export interface EmbeddedMixerSettings {
  /** IP address that media is received on and that our SDP names. */
  readonly host: string;
  /** First and last UDP port for media, both included; only even ones are used. Default: any free port. */
  readonly portRange?: readonly [number, number];
  /** Most legs at a time; beyond it `join` is refused. Default 200, what two modest cores mix with ease. */
  readonly maxLegs?: number;
  /** A leg that owes us media and sends none for so long (ms) is dropped as `media-timeout`. Default 30 s. */
  readonly mediaTimeout?: number;
  readonly log: Logger;
  /** TEST ONLY, never set in service: breaks the mixer on purpose. */
  readonly faults?: MixerFaults;
}

/** The embedded mixer, with the figures that only it has. */
export interface EmbeddedMixer extends Mixer {
  /** How its thread keeps up; rejects with MIXER_UNAVAILABLE. */
  health(): Promise<MixerHealth>;
}

/** Makes the embedded mixer; it does nothing before `start`. */
export function createEmbeddedMixer(settings: EmbeddedMixerSettings): EmbeddedMixer {
  return new WorkerMixer(settings);
}

interface Member {
  readonly description: LocalDescription;
  port: number;
  /** False until `join` has succeeded: only then is a `left` report due. */
  joined: boolean;
}

class WorkerMixer implements EmbeddedMixer {
  readonly name = 'embedded';
  readonly outlivesProcess = false;
  readonly #host: string;
  readonly #family: IpFamily;
  readonly #maxLegs: number;
  readonly #log: Logger;
  readonly #link: WorkerLink;
  readonly #members = new Map<string, Member>();
  #listener: (report: MixerReport) => void = () => undefined;

  constructor(settings: EmbeddedMixerSettings) {
    this.#host = settings.host;
    this.#family = isIPv6(settings.host) ? 6 : 4;
    this.#maxLegs = settings.maxLegs ?? 200;
    this.#log = settings.log;
    this.#link = new WorkerLink({
      worker: {
        host: settings.host,
        portRange: settings.portRange ?? null,
        mediaTimeout: settings.mediaTimeout ?? 30_000,
        faults: settings.faults ?? {},
      },
      log: settings.log,
      onReport: (report) => this.#legReport(report),
      onUp: () => this.#tell({ kind: 'up' }),
      onDown: () => {
        this.#tell({ kind: 'down' });
        this.#allLeft('failed');
      },
    });
  }

  start(): Promise<void> {
    return this.#link.start();
  }

  async stop(): Promise<void> {
    await this.#link.stop();
    this.#allLeft('ordered');
  }

  onReport(listener: (report: MixerReport) => void): void {
    this.#listener = listener;
  }

  ready(): boolean {
    return this.#link.ready;
  }

  health(): Promise<MixerHealth> {
    return this.#link.request('health', {});
  }

  async join(order: JoinOrder): Promise<JoinedLeg> {
    const negotiation = order.offer === null ? null : negotiate(order.offer, this.#family);
    if (negotiation === undefined || negotiation?.media === null) throw unsupported();
    const { leg } = order;
    const member = this.#admit(leg);
    try {
      const { conference, muted } = order;
      member.port = (await this.#link.request('open', { leg, conference, muted })).port;
      if (negotiation !== null) await this.#link.request('media', { leg, media: negotiation.media });
    } catch (error) {
      if (this.#members.get(leg) === member) this.#members.delete(leg);
      await this.#link.request('close', { leg }).catch(() => undefined);
      throw error;
    }
    member.joined = true;
    const lines = negotiation?.answer(this.#host, member.port) ?? ownOffer(this.#host, member.port);
    const answer = (sdp: string): Promise<void> => this.#answered(leg, sdp);
    return { sdp: member.description.write(lines), ref: {}, answer };
  }

  async renegotiate(leg: string, offer: string): Promise<string> {
    const member = this.#members.get(leg);
    if (member === undefined) throw absent();
    const negotiation = negotiate(offer, this.#family);
    if (negotiation === undefined) throw unsupported();
    await this.#link.request('media', { leg, media: negotiation.media ?? noMedia });
    return member.description.write(negotiation.answer(this.#host, member.port));
  }

  async mute(leg: string, muted: boolean): Promise<void> {
    await this.#link.request('mute', { leg, muted });
  }

  async remove(leg: string): Promise<void> {
    if (this.#members.has(leg)) await this.#link.request('close', { leg });
  }

  async list(): Promise<readonly MixerMember[]> {
    const states = await this.#link.request('list', {});
    return states.filter(({ leg }) => this.#members.get(leg)?.joined).map((state) => ({ ...state, ref: {} }));
  }

  /** Nothing outlives this process, so only a leg of our own can be found. */
  async adopt(member: { readonly leg: string }): Promise<boolean> {
    return this.#members.get(member.leg)?.joined ?? false;
  }

  #admit(leg: string): Member {
    if (!this.#link.ready) throw new BridgeError('MIXER_UNAVAILABLE', 'The embedded mixer is not running.');
    if (this.#members.has(leg)) throw new BridgeError('MIXER_REFUSED', 'The leg is already in the embedded mixer.');
    if (this.#members.size >= this.#maxLegs) {
      throw new BridgeError('MIXER_REFUSED', 'The embedded mixer is full.', { detail: { maxLegs: this.#maxLegs } });
    }
    const sessionId = randomBytes(6).readUIntBE(0, 6).toString();
    const member = { description: new LocalDescription(sessionId, this.#host), port: 0, joined: false };
    this.#members.set(leg, member);
    return member;
  }

  async #answered(leg: string, sdp: string): Promise<void> {
    const media = readAnswer(sdp, this.#family);
    if (media === undefined) throw unsupported();
    await this.#link.request('media', { leg, media });
  }

  #legReport(report: LegReport): void {
    const member = this.#members.get(report.leg);
    if (member === undefined) return;
    if (report.kind === 'left') this.#members.delete(report.leg);
    if (member.joined) this.#tell(report);
  }

  #allLeft(cause: 'failed' | 'ordered'): void {
    const joined = [...this.#members].filter(([, member]) => member.joined);
    this.#members.clear();
    for (const [leg] of joined) this.#tell({ kind: 'left', leg, cause });
  }

  /** A listener that throws must not take the worker's other messages with it. */
  #tell(report: MixerReport): void {
    try {
      this.#listener(report);
    } catch (err) {
      this.#log.error({ err, report: report.kind }, 'the listener of mixer reports failed');
    }
  }
}

/** After an offer that removed the stream. */
const noMedia: LegMedia = {
  law: 'PCMU',
  payloadType: 0,
  dtmfPayloadType: null,
  direction: 'inactive',
  remote: null,
};

function unsupported(): BridgeError {
  return new BridgeError('MEDIA_UNSUPPORTED', 'The SDP holds no G.711 audio over plain RTP.');
}

function absent(): BridgeError {
  return new BridgeError('MIXER_REFUSED', 'No such leg in the embedded mixer.');
}
