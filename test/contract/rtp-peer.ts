/** A phone's media for the mixer contract: a UDP socket that sends a tone in G.711 and measures what it hears. Own tables, so that an error of the mixer's cannot hide in both. */
import { createSocket, type Socket } from 'node:dgram';
import * as alawmulaw from 'alawmulaw';

const frame = 160;
const rate = 8000;

// A CommonJS package whose types describe its ES module: at run time everything hangs on `default`.
const { alaw, mulaw } = (alawmulaw as unknown as { default: typeof alawmulaw }).default;

export type PeerLaw = 'PCMU' | 'PCMA';

export interface PeerOptions {
  law: PeerLaw;
  /** Frequency of the tone in Hz. */
  tone: number;
  /** Milliseconds of sound in a packet; default 20. */
  packetMs?: number;
  host?: string;
}

/** Level of one frequency in 16-bit samples (Goertzel), as an amplitude. */
export function amplitudeOf(samples: ArrayLike<number>, frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let previous = 0;
  let before = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const next = (samples[i] ?? 0) + coefficient * previous - before;
    before = previous;
    previous = next;
  }
  const power = previous * previous + before * before - coefficient * previous * before;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}

/** Address and port of the audio stream in a description, with its first payload type and direction. */
export function audioOf(sdp: string): { host: string; port: number; payloadType: number; direction: string } {
  const audio = /^m=audio (\d+) RTP\/AVP (\d+)/m.exec(sdp);
  const host = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
  if (audio === null || host === undefined) throw new Error('no plain audio in the description');
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(sdp)?.[1] ?? 'sendrecv';
  return { host, port: Number(audio[1]), payloadType: Number(audio[2]), direction };
}

export class RtpPeer {
  readonly options: PeerOptions;
  /** Packets heard so far. */
  heardPackets = 0;
  /** Payload types heard. */
  readonly heardTypes = new Set<number>();
  readonly #socket: Socket;
  readonly #ssrc = Math.floor(Math.random() * 2 ** 32);
  #sequence = Math.floor(Math.random() * 2 ** 16);
  #timestamp = Math.floor(Math.random() * 2 ** 32);
  #phase = 0;
  #target: { host: string; port: number } | undefined;
  #sending = true;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #sdpVersion = 0;
  #heard: number[] = [];

  private constructor(socket: Socket, options: PeerOptions) {
    this.#socket = socket;
    this.options = options;
    socket.on('message', (bytes) => this.#hear(bytes));
    socket.on('error', () => undefined);
  }

  static async open(options: PeerOptions): Promise<RtpPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, options.host ?? '127.0.0.1', resolve);
    });
    return new RtpPeer(socket, options);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** An ordinary offer, or the answer to an offer (the same lines). */
  sdp(direction = 'sendrecv'): string {
    this.#sdpVersion += 1;
    const host = this.options.host ?? '127.0.0.1';
    const type = this.options.law === 'PCMU' ? 0 : 8;
    return [
      'v=0',
      `o=phone 4711 ${this.#sdpVersion} IN IP4 ${host}`,
      's=call',
      `c=IN IP4 ${host}`,
      't=0 0',
      `m=audio ${this.port} RTP/AVP ${type} 101`,
      `a=rtpmap:${type} ${this.options.law}/8000`,
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      `a=ptime:${this.options.packetMs ?? 20}`,
      `a=${direction}`,
      '',
    ].join('\r\n');
  }

  /** Starts to send the tone to the audio address of a description. */
  sendTo(sdp: string): void {
    const { host, port } = audioOf(sdp);
    this.#target = { host, port };
    if (this.#timer !== undefined) return;
    this.#due = performance.now();
    this.#arm();
  }

  /** Stops or resumes sending. */
  silent(silent: boolean): void {
    this.#sending = !silent;
  }

  /** Presses a key for `ms`: RFC 4733 packets, the last one sent three times. */
  press(digit: string, ms: number): void {
    const event = '0123456789*#ABCD'.indexOf(digit);
    const steps = Math.floor(ms / 50);
    const timestamp = this.#timestamp;
    for (let step = 1; step <= steps + 2; step += 1) {
      const end = step >= steps;
      const duration = Math.min(step, steps) * 400;
      this.#packet(101, Buffer.from([event, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]), timestamp);
    }
  }

  /** Forgets what was heard so far and takes the next `ms` of sound. */
  async listen(ms = 400): Promise<Int16Array> {
    this.#heard = [];
    const wanted = (ms * rate) / 1000;
    const limit = performance.now() + 15_000;
    while (this.#heard.length < wanted) {
      if (performance.now() > limit) throw new Error(`heard ${this.#heard.length} of ${wanted} samples`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return Int16Array.from(this.#heard.slice(0, wanted));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  #arm(): void {
    this.#timer = setTimeout(
      () => {
        while (performance.now() >= this.#due) {
          this.#tone();
          this.#due += this.options.packetMs ?? 20;
        }
        this.#arm();
      },
      Math.max(1, this.#due - performance.now()),
    );
  }

  #tone(): void {
    const samples = new Int16Array((frame * (this.options.packetMs ?? 20)) / 20);
    for (let i = 0; i < samples.length; i += 1) {
      samples[i] = Math.round(6000 * Math.sin((2 * Math.PI * this.options.tone * this.#phase) / rate));
      this.#phase += 1;
    }
    const codes = this.options.law === 'PCMU' ? mulaw.encode(samples) : alaw.encode(samples);
    if (this.#sending) this.#packet(this.options.law === 'PCMU' ? 0 : 8, codes, this.#timestamp);
    this.#timestamp = (this.#timestamp + samples.length) >>> 0;
  }

  #packet(type: number, payload: Uint8Array, timestamp: number): void {
    if (this.#target === undefined) return;
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = type;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.set(payload, 12);
    this.#socket.send(packet, this.#target.port, this.#target.host);
  }

  #hear(bytes: Buffer): void {
    const type = (bytes[1] ?? 0) & 0x7f;
    if (bytes.length < 13 || (bytes[0] ?? 0) >> 6 !== 2 || (type !== 0 && type !== 8)) return;
    this.heardPackets += 1;
    this.heardTypes.add(type);
    const codes = Uint8Array.from(bytes.subarray(12));
    const samples = type === 0 ? mulaw.decode(codes) : alaw.decode(codes);
    this.#heard.push(...samples);
  }
}
