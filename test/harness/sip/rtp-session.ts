/** The media of a phone (RFC 3550, RFC 3551, RFC 4733): sends a tone every 20 ms by its own clock and hears what comes to the same port. */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { HostPort } from './address.ts';
import { type Codec, decodeSamples, encodeSamples } from './g711.ts';
import { sampleRate } from './goertzel.ts';
import { Hearing } from './hearing.ts';

const frameMs = 20;
const frameLength = (sampleRate * frameMs) / 1000;
const amplitude = 4000;
/** Later than this, frames are skipped instead of sent in a burst. */
const longestBurst = 200;
/** Length of a key press and of the pause behind it, in frames. */
const keyFrames = 6;
const pauseFrames = 5;
/** How often the last packet of a key is sent (RFC 4733 2.5.1.4). */
const endCopies = 3;

/** Where and how to send. */
export interface MediaPeer extends HostPort {
  readonly codec: Codec;
  readonly payloadType: number;
  readonly eventType?: number;
  /** Whether anything is sent now. */
  readonly sending: boolean;
}

interface KeyPress {
  readonly event: number;
  readonly timestamp: number;
  frame: number;
}

/** One tone without a break in its phase, sample by sample. */
class ToneGenerator {
  hz: number;
  #phase = 0;

  constructor(hz: number) {
    this.hz = hz;
  }

  next(length: number): Int16Array {
    const step = (2 * Math.PI * this.hz) / sampleRate;
    return Int16Array.from({ length }, () => {
      this.#phase = (this.#phase + step) % (2 * Math.PI);
      return this.hz === 0 ? 0 : Math.round(amplitude * Math.sin(this.#phase));
    });
  }
}

export class RtpSession {
  readonly hearing = new Hearing();
  readonly #socket: Socket;
  readonly #tone: ToneGenerator;
  readonly #ssrc = randomInt(2 ** 32);
  readonly #keys: { readonly event: number; pressed(): void }[] = [];
  #sequence = randomInt(2 ** 16);
  #timestamp = randomInt(2 ** 32);
  #peer: MediaPeer | undefined;
  #codecs: ReadonlyMap<number, Codec> = new Map();
  #key: KeyPress | undefined;
  #pause = 0;
  #marker = true;
  #sent = 0;
  #due = 0;
  #timer: NodeJS.Timeout | undefined;
  #deaf = false;

  private constructor(socket: Socket, tone: number) {
    this.#socket = socket;
    this.#tone = new ToneGenerator(tone);
    socket.on('error', () => undefined);
    socket.on('message', (packet) => this.#receive(packet));
  }

  /** Opens a port on 127.0.0.1; nothing is sent yet. */
  static async open(tone: number): Promise<RtpSession> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RtpSession(socket, tone);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get stats(): { sent: number; received: number } {
    return { sent: this.#sent, received: this.hearing.packets };
  }

  /** Payload types that are understood when they come. */
  accept(codecs: readonly { readonly codec: Codec; readonly payloadType: number }[]): void {
    this.#codecs = new Map(codecs.map(({ codec, payloadType }) => [payloadType, codec]));
  }

  /** Sends to this peer from now on. */
  sendTo(peer: MediaPeer): void {
    if (!this.#peer?.sending && peer.sending) this.#marker = true;
    this.#peer = peer;
    if (this.#timer !== undefined || this.#deaf) return;
    this.#due = performance.now();
    this.#arm();
  }

  setTone(hz: number): void {
    this.#tone.hz = hz;
  }

  /** Presses a key; resolves when its last packet is sent. Rejects when the peer takes no keys or nothing is sent. */
  async press(digit: string): Promise<void> {
    const event = digit.length === 1 ? '0123456789*#ABCD'.indexOf(digit.toUpperCase()) : -1;
    if (event < 0) throw new Error('not a key of a telephone');
    if (this.#peer?.eventType === undefined) throw new Error('the peer takes no keys');
    if (!this.#peer.sending || this.#timer === undefined) throw new Error('the call is on hold or over');
    await new Promise<void>((pressed) => this.#keys.push({ event, pressed }));
  }

  /** Stops to send and to hear; the port stays taken, as that of a phone that hangs. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#deaf = true;
    for (const { pressed } of this.#keys.splice(0)) pressed();
  }

  close(): void {
    this.stop();
    try {
      this.#socket.close();
    } catch {
      // closed before
    }
  }

  #arm(): void {
    const wait = Math.max(1, this.#due - performance.now());
    this.#timer = setTimeout(() => this.#tick(), wait).unref();
  }

  #tick(): void {
    const late = performance.now() - this.#due;
    if (late > longestBurst) {
      const skipped = Math.floor(late / frameMs);
      this.#due += skipped * frameMs;
      this.#timestamp = (this.#timestamp + skipped * frameLength) >>> 0;
      this.#marker = true;
    }
    while (performance.now() >= this.#due) {
      this.#frame();
      this.#due += frameMs;
    }
    this.#arm();
  }

  #frame(): void {
    const peer = this.#peer;
    if (peer?.sending) {
      if (!this.#keyFrame(peer)) {
        this.#packet(peer, peer.payloadType, encodeSamples(peer.codec, this.#tone.next(frameLength)), this.#timestamp);
      }
    }
    this.#timestamp = (this.#timestamp + frameLength) >>> 0;
  }

  /** Sends a frame of a key press instead of the tone; false when no key is pressed. */
  #keyFrame(peer: MediaPeer): boolean {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return false;
    }
    const [next] = this.#keys;
    if (next === undefined || peer.eventType === undefined) return false;
    this.#key ??= { event: next.event, timestamp: this.#timestamp, frame: 0 };
    const key = this.#key;
    if (key.frame === 0) this.#marker = true;
    key.frame += 1;
    const last = key.frame === keyFrames;
    const duration = key.frame * frameLength;
    const payload = Uint8Array.from([key.event, last ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    for (let copy = 0; copy < (last ? endCopies : 1); copy += 1)
      this.#packet(peer, peer.eventType, payload, key.timestamp);
    if (last) {
      this.#keys.shift();
      this.#key = undefined;
      this.#pause = pauseFrames;
      next.pressed();
    }
    return true;
  }

  #packet(peer: MediaPeer, type: number, payload: Uint8Array, timestamp: number): void {
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = this.#marker ? type | 0x80 : type;
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.set(payload, 12);
    this.#marker = false;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#sent += 1;
    this.#socket.send(packet, peer.port, peer.host, () => undefined);
  }

  #receive(packet: Buffer): void {
    if (this.#deaf || packet.length < 12 || (packet[0] ?? 0) >> 6 !== 2) return;
    const codec = this.#codecs.get((packet[1] ?? 0) & 0x7f);
    if (codec === undefined) return;
    const extension = ((packet[0] ?? 0) & 0x10) !== 0;
    let start = 12 + 4 * ((packet[0] ?? 0) & 0x0f);
    if (extension && packet.length >= start + 4) start += 4 + 4 * packet.readUInt16BE(start + 2);
    const padding = ((packet[0] ?? 0) & 0x20) === 0 ? 0 : (packet[packet.length - 1] ?? 0);
    if (packet.length - padding > start)
      this.hearing.push(decodeSamples(codec, packet.subarray(start, packet.length - padding)));
  }
}
