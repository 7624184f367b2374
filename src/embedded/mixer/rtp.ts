/** RFC 3550 5.1: reading and writing the RTP fixed header. */

/** One received RTP packet; `payload` is a view into the datagram, without padding and header extension. */
export interface RtpPacket {
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
}

const fixedHeader = 12;

/** Reads a datagram; undefined when it is not a whole RTP version 2 packet with a payload (STUN, DTLS, noise). */
export function parseRtp(datagram: Buffer): RtpPacket | undefined {
  if (datagram.length <= fixedHeader) return undefined;
  const first = datagram.readUInt8(0);
  if (first >> 6 !== 2) return undefined;
  let start = fixedHeader + 4 * (first & 0x0f);
  if (first & 0x10) {
    if (datagram.length < start + 4) return undefined;
    start += 4 + 4 * datagram.readUInt16BE(start + 2);
  }
  const padding = first & 0x20 ? datagram.readUInt8(datagram.length - 1) : 0;
  if (first & 0x20 && padding === 0) return undefined;
  const end = datagram.length - padding;
  if (end <= start) return undefined;
  return {
    payloadType: datagram.readUInt8(1) & 0x7f,
    sequence: datagram.readUInt16BE(2),
    timestamp: datagram.readUInt32BE(4),
    ssrc: datagram.readUInt32BE(8),
    payload: datagram.subarray(start, end),
  };
}

/** Where an outgoing stream starts; RFC 3550 asks for unpredictable values. */
export interface RtpOrigin {
  /** 32 bits. */
  readonly ssrc: number;
  /** 16 bits. */
  readonly sequence: number;
  /** 32 bits. */
  readonly timestamp: number;
}

/** Writes the packets of one outgoing stream, one after the other. */
export class RtpWriter {
  readonly #ssrc: number;
  #sequence: number;
  #timestamp: number;
  #marker = true;

  constructor(origin: RtpOrigin) {
    this.#ssrc = origin.ssrc;
    this.#sequence = origin.sequence;
    this.#timestamp = origin.timestamp;
  }

  /** A new buffer with the next packet; one payload byte is one sample. The first packet, and the first after a pause, carries the marker (RFC 3551 4.1). */
  next(payloadType: number, payload: Uint8Array): Buffer {
    const packet = Buffer.allocUnsafe(fixedHeader + payload.length);
    packet.writeUInt8(0x80, 0);
    packet.writeUInt8(payloadType | (this.#marker ? 0x80 : 0), 1);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(this.#timestamp, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.set(payload, fixedHeader);
    this.#marker = false;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + payload.length) >>> 0;
    return packet;
  }

  /** Lets media time pass without a packet: the timestamp moves on, the sequence number does not. */
  pause(samples: number): void {
    this.#timestamp = (this.#timestamp + samples) >>> 0;
    this.#marker = true;
  }
}
