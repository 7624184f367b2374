/** One call leg: its UDP socket, what it hears and what it is sent. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:dgram';
import type { Law } from './g711.ts';
import { MediaReceiver } from './media-receiver.ts';
import { RtpWriter } from './rtp.ts';
import { frameSamples } from './sample-ring.ts';
import { TalkDetector } from './talk-detector.ts';
import type { LegMedia, LegReport, LegState } from './worker-protocol.ts';

/** Below this mean level a frame adds nothing that could be heard. */
const inaudible = 1;

/** What a leg needs to know. */
export interface LegSettings {
  readonly leg: string;
  readonly conference: string;
  readonly muted: boolean;
  /** A bound socket; the leg closes it. */
  readonly socket: Socket;
  /** Milliseconds without a packet after which `silentTooLong` says so. */
  readonly mediaTimeout: number;
  /** Test only: mix a muted leg all the same. */
  readonly ignoreMute: boolean;
  readonly report: (report: LegReport) => void;
}

/** One leg in a conference of the mixer. */
export class Leg {
  readonly id: string;
  readonly conference: string;
  readonly receiver = new MediaReceiver();
  /** The leg's own samples of this tick; only meaningful while `active`. */
  readonly pcm = new Int16Array(frameSamples);
  readonly #settings: LegSettings;
  readonly #talk = new TalkDetector();
  readonly #writer: RtpWriter;
  #media: LegMedia | undefined;
  #muted: boolean;
  #active = false;

  constructor(settings: LegSettings) {
    this.id = settings.leg;
    this.conference = settings.conference;
    this.#settings = settings;
    this.#muted = settings.muted;
    const random = randomBytes(10);
    this.#writer = new RtpWriter({
      ssrc: random.readUInt32BE(0),
      timestamp: random.readUInt32BE(4),
      sequence: random.readUInt16BE(8),
    });
    settings.socket.on('message', (bytes, source) => this.#datagram(bytes, source));
    // An ICMP error about a peer that is gone says nothing that the media timeout does not.
    settings.socket.on('error', () => undefined);
  }

  /** True when the leg's frame of this tick is part of the mix. */
  get active(): boolean {
    return this.#active;
  }

  /** The negotiated media, when the leg is to be sent sound now. */
  get listening(): LegMedia | undefined {
    const direction = this.#media?.direction;
    return direction === 'sendrecv' || direction === 'sendonly' ? this.#media : undefined;
  }

  get #speaking(): boolean {
    const direction = this.#media?.direction;
    return direction === 'sendrecv' || direction === 'recvonly';
  }

  /** The leg as `list` shows it. */
  state(): LegState {
    return { leg: this.id, conference: this.conference, muted: this.#muted, talking: this.#talk.talking };
  }

  /** Takes the outcome of a negotiation. */
  configure(media: LegMedia): void {
    this.#media = media;
    // G.711's static payload types are understood whatever the peer chose: some phones answer with one and send the other.
    const laws = new Map<number, Law>([
      [0, 'PCMU'],
      [8, 'PCMA'],
      [media.payloadType, media.law],
    ]);
    this.receiver.configure({ laws, dtmfPayloadType: media.dtmfPayloadType, remote: media.remote });
    this.receiver.listenFrom(performance.now());
    if (!this.#speaking) this.#hush();
  }

  /** Mutes or unmutes; what was said before an unmute and is still in the buffer is thrown away. */
  mute(muted: boolean): void {
    if (muted === this.#muted) return;
    this.#muted = muted;
    if (!this.#settings.ignoreMute) this.#hush();
    this.#settings.report({ kind: 'muted', leg: this.id, muted });
  }

  /** Takes the next 20 ms of the leg into `pcm` and notices what begins or ends with it. */
  pull(now: number): void {
    const sound = this.receiver.ring.pull(this.pcm);
    const level = sound ? meanLevel(this.pcm) : 0;
    this.#active = level > inaudible && this.#speaking && this.#mixed;
    if (this.#talk.frame(this.#active ? level : 0)) this.#reportTalking();
    for (const press of this.receiver.idle(now)) this.#settings.report({ kind: 'dtmf', leg: this.id, ...press });
  }

  /** True when the leg owes us media and has sent none for the media timeout. */
  silentTooLong(now: number): boolean {
    return this.#speaking && now - this.receiver.heardAt > this.#settings.mediaTimeout;
  }

  /** Sends 20 ms of codes. */
  send(payloadType: number, codes: Uint8Array): void {
    const packet = this.#writer.next(payloadType, codes);
    const target = this.receiver.latch.target;
    if (target !== undefined) this.#settings.socket.send(packet, target.port, target.address);
  }

  /** Lets media time pass without sending. */
  pause(samples: number): void {
    this.#writer.pause(samples);
  }

  close(): void {
    this.#settings.socket.close();
  }

  get #mixed(): boolean {
    return !this.#muted || this.#settings.ignoreMute;
  }

  #datagram(bytes: Buffer, source: { address: string; port: number }): void {
    if (this.#media === undefined) return;
    const audible = this.#speaking && this.#mixed;
    const presses = this.receiver.datagram(bytes, source, performance.now(), audible);
    for (const press of presses) this.#settings.report({ kind: 'dtmf', leg: this.id, ...press });
  }

  #hush(): void {
    this.receiver.ring.reset();
    this.#active = false;
  }

  #reportTalking(): void {
    this.#settings.report({ kind: 'talking', leg: this.id, talking: this.#talk.talking });
  }
}

function meanLevel(pcm: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < pcm.length; i += 1) sum += Math.abs(pcm[i] as number);
  return sum / pcm.length;
}
