/** drachtio's client protocol, outer layer: `<byte length>#<text>` frames on a TCP stream. */
import { ByteQueue } from './byte-queue.ts';

export interface FrameResult {
  readonly frames: Buffer[];
  /** Why the stream cannot be read on; the connection must be closed. */
  readonly fault?: string;
}

/** drachtio-server reads 5 digits; a conference document can need more. */
const maxDigits = 7;

/** The reading end of one application connection. */
export class FrameReader {
  readonly #queue = new ByteQueue();
  /** Bytes of the largest frame accepted; lower before authentication. */
  maxFrameBytes: number;
  #needed = 0;

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Takes what has arrived and returns the frames (without length) that are complete now. */
  push(chunk: Buffer): FrameResult {
    this.#queue.push(chunk);
    const frames: Buffer[] = [];
    while (this.#queue.length > 0 && this.#queue.length >= this.#needed) {
      const size = this.#frameSize();
      if (typeof size === 'string') return { frames, fault: size };
      if (size === undefined) break;
      this.#needed = size.digits + 1 + size.bytes;
      if (this.#queue.length < this.#needed) break;
      frames.push(this.#queue.take(this.#needed).subarray(size.digits + 1));
      this.#needed = 0;
    }
    return { frames };
  }

  #frameSize(): { digits: number; bytes: number } | string | undefined {
    const head = this.#queue.view().toString('latin1', 0, maxDigits + 1);
    const hash = head.indexOf('#');
    if (!/^\d*$/.test(hash < 0 ? head : head.slice(0, hash))) return 'frame does not begin with its length';
    if (hash < 0) return head.length > maxDigits ? 'frame length has too many digits' : undefined;
    if (hash === 0) return 'frame without length';
    const bytes = Number(head.slice(0, hash));
    return bytes > this.maxFrameBytes ? 'frame too large' : { digits: hash, bytes };
  }
}

/** A frame as it goes out. */
export function encodeFrame(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${content.length}#`), content]);
}
