/** RFC 4733 2.3, 2.5: receiving telephone events; each key press is told once, whatever is repeated or lost. */

const digits = '0123456789*#ABCD';
/** An event whose end packets were all lost is over after this long without one of its packets. */
const silenceEndsEvent = 200;
const samplesPerMs = 8;

/** One key press. */
export interface KeyPress {
  readonly digit: string;
  /** How long the key was held, in milliseconds. */
  readonly ms: number;
}

interface OpenEvent {
  readonly timestamp: number;
  digit: string;
  duration: number;
  heardAt: number;
}

/** Follows the events of one stream. All times are milliseconds on one monotonic clock. */
export class DtmfReceiver {
  #open: OpenEvent | undefined;
  #told: number | undefined;

  /** Takes a telephone-event payload; returns the presses that are now known to be over. */
  packet(timestamp: number, payload: Uint8Array, now: number): KeyPress[] {
    const [code, flags, high, low] = payload;
    if (code === undefined || flags === undefined || high === undefined || low === undefined) return [];
    const digit = digits[code];
    if (digit === undefined || timestamp === this.#told) return [];
    const pressed = this.#open !== undefined && this.#open.timestamp !== timestamp ? this.#finish() : [];
    const duration = Math.max(this.#open?.duration ?? 0, (high << 8) | low);
    this.#open = { timestamp, digit, duration, heardAt: now };
    return flags & 0x80 ? [...pressed, ...this.#finish()] : pressed;
  }

  /** To be called now and then: ends an event that has gone silent without its end packet. */
  idle(now: number): KeyPress[] {
    return this.#open !== undefined && now - this.#open.heardAt > silenceEndsEvent ? this.#finish() : [];
  }

  #finish(): KeyPress[] {
    const event = this.#open;
    if (event === undefined) return [];
    this.#open = undefined;
    this.#told = event.timestamp;
    return [{ digit: event.digit, ms: Math.round(event.duration / samplesPerMs) }];
  }
}
