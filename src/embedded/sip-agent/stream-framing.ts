/** RFC 3261 18.3: cuts SIP messages out of a TCP byte stream by Content-Length, which is mandatory there. */
import { ByteQueue } from './byte-queue.ts';

export interface StreamLimits {
  /** Bytes of a start line with its headers. */
  readonly maxHeaderBytes: number;
  /** Bytes of a whole message. */
  readonly maxMessageBytes: number;
}

export interface CutResult {
  readonly messages: Buffer[];
  /** Why the stream cannot be read on; the connection must be closed. */
  readonly fault?: string;
}

const contentLength = /\r\n(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*(\d{1,9})[ \t]*(?:\r\n|$)/i;

/** The reading end of one connection. */
export class StreamFraming {
  readonly #queue = new ByteQueue();
  readonly #limits: StreamLimits;
  #needed = 0;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Whether a message has begun and is not complete. */
  get partial(): boolean {
    return this.#queue.length > 0;
  }

  /** Takes what has arrived and returns the messages that are complete now. */
  push(chunk: Buffer): CutResult {
    this.#queue.push(chunk);
    const messages: Buffer[] = [];
    while (this.#queue.length > 0 && this.#queue.length >= this.#needed) {
      this.#skipKeepAlive();
      const size = this.#messageSize();
      if (typeof size === 'string') return { messages, fault: size };
      if (size === undefined) break;
      this.#needed = size;
      if (this.#queue.length < size) break;
      messages.push(this.#queue.take(size));
      this.#needed = 0;
    }
    return { messages };
  }

  /** RFC 3261 7.5 and RFC 5626 3.5.1: CRLFs between messages say nothing. */
  #skipKeepAlive(): void {
    const bytes = this.#queue.view();
    let count = 0;
    while (bytes[count] === 13 && bytes[count + 1] === 10) count += 2;
    if (count > 0) this.#queue.take(count);
  }

  #messageSize(): number | string | undefined {
    const bytes = this.#queue.view();
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return bytes.length > this.#limits.maxHeaderBytes ? 'header section too long' : undefined;
    if (end > this.#limits.maxHeaderBytes) return 'header section too long';
    const match = contentLength.exec(bytes.toString('latin1', 0, end + 2));
    if (!match) return 'no usable Content-Length in a stream';
    const size = end + 4 + Number(match[1]);
    return size > this.#limits.maxMessageBytes ? 'message too long' : size;
  }
}
