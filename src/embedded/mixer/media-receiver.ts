/** The receiving side of a leg without its socket: datagrams in, 20 ms frames and key presses out. */
import { DtmfReceiver, type KeyPress } from './dtmf-receiver.ts';
import { g711, type Law } from './g711.ts';
import { parseRtp, type RtpPacket } from './rtp.ts';
import { SampleRing } from './sample-ring.ts';
import { type MediaAddress, SourceLatch } from './source-latch.ts';

/** What the negotiation says about receiving. */
export interface ReceiveSettings {
  /** The law of each payload type that may come. */
  readonly laws: ReadonlyMap<number, Law>;
  /** Payload type of telephone events, or null. */
  readonly dtmfPayloadType: number | null;
  /** The address in the peer's SDP, or null when it names none that we can use. */
  readonly remote: MediaAddress | null;
}

/** Packets of one leg, counted. */
export interface ReceiveCounts {
  received: number;
  /** Not RTP, or of a payload type that was not negotiated. */
  unusable: number;
  /** From a source that is not the leg's. */
  foreign: number;
}

/** One leg's incoming media. Times are milliseconds on a monotonic clock. */
export class MediaReceiver {
  readonly counts: ReceiveCounts = { received: 0, unusable: 0, foreign: 0 };
  readonly ring = new SampleRing();
  readonly latch = new SourceLatch();
  readonly #dtmf = new DtmfReceiver();
  #settings: ReceiveSettings = { laws: new Map(), dtmfPayloadType: null, remote: null };
  #ssrc: number | undefined;
  #heardAt = 0;

  /** When the last packet of the leg came; media that may come again (`configure`, `listenFrom`) counts from there. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Begins the count of silence anew. */
  listenFrom(now: number): void {
    this.#heardAt = now;
  }

  /** Takes the outcome of a negotiation. */
  configure(settings: ReceiveSettings): void {
    this.#settings = settings;
    this.latch.declare(settings.remote ?? undefined);
  }

  /** Takes a datagram; returns the key presses it completes. Audio goes to the ring when `audible`. */
  datagram(bytes: Buffer, source: MediaAddress, now: number, audible: boolean): KeyPress[] {
    const packet = parseRtp(bytes);
    if (packet === undefined) {
      this.counts.unusable += 1;
      return [];
    }
    if (!this.latch.accept(source, now)) {
      this.counts.foreign += 1;
      return [];
    }
    this.#heardAt = now;
    this.counts.received += 1;
    if (packet.payloadType === this.#settings.dtmfPayloadType) {
      return this.#dtmf.packet(packet.timestamp, packet.payload, now);
    }
    if (audible) this.#audio(packet);
    return [];
  }

  /** Key presses that ended without their end packet. */
  idle(now: number): KeyPress[] {
    return this.#dtmf.idle(now);
  }

  #audio(packet: RtpPacket): void {
    const law = this.#settings.laws.get(packet.payloadType);
    if (law === undefined) {
      this.counts.unusable += 1;
      return;
    }
    if (packet.ssrc !== this.#ssrc) {
      this.#ssrc = packet.ssrc;
      this.ring.reset();
    }
    this.ring.write(packet.timestamp, packet.payload, g711[law].decode);
  }
}
