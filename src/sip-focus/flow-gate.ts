/**
 * How fast frames may go to a SIP server. drachtio-server reads into a fixed buffer of 12,228 bytes: pipelined frames above about
 * 4 KB corrupt its framing, one frame above about 12.2 KB stops it for ever, and many small ones at once make it retransmit.
 * This is the pure part: it holds frames and says which may go now.
 */

/** What a SIP server can take. Sizes in bytes of a whole frame. */
export interface FlowLimits {
  /** Most frames whose end is not known yet. */
  readonly window: number;
  /** A frame above this goes only when no other is unacknowledged, and keeps those behind it waiting. */
  readonly soloBytes: number;
  /** A frame above this is refused. */
  readonly maximumBytes: number;
  /** A frame that nobody answers frees its place after this long, in ms. */
  readonly patienceMs: number;
}

/** Limits of drachtio-server as it is released. */
export const drachtioLimits: FlowLimits = { window: 32, soloBytes: 4000, maximumBytes: 12_200, patienceMs: 1000 };

/**
 * Limits of a server that reads frames of any size. Large ones go one by one all the same: a call that comes meanwhile then waits for one
 * of them, and not for a whole window.
 */
export const unboundedLimits: FlowLimits = { ...drachtioLimits, maximumBytes: Infinity };

const none: readonly never[] = [];

export interface Frame {
  readonly id: string;
  readonly bytes: number;
}

/** Frames waiting and under way on one connection. Times are in ms of any steady clock. */
export class FlowGate<F extends Frame> {
  readonly #limits: FlowLimits;
  /** Deadline and size by id, in the order of sending, so the first one is always due first. */
  readonly #open = new Map<string, { readonly due: number; readonly solo: boolean }>();
  readonly #unacknowledged = new Set<string>();
  #waiting: F[] = [];
  /** Index of the first waiting frame; the array is cut only now and then. */
  #head = 0;

  constructor(limits: FlowLimits) {
    this.#limits = limits;
  }

  /** Frames that have not gone yet. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Frames under way whose end is not known. */
  get underWay(): number {
    return this.#open.size;
  }

  /** False when the frame is larger than the server can ever take. */
  fits(frame: Frame): boolean {
    return frame.bytes <= this.#limits.maximumBytes;
  }

  /** Takes a frame; returns those to write now, in order. */
  push(frame: F, now: number): readonly F[] {
    this.#waiting.push(frame);
    return this.#release(now);
  }

  /** The server has read this frame; its place in the window stays taken. */
  acknowledge(id: string, now: number): readonly F[] {
    return this.#unacknowledged.delete(id) ? this.#release(now) : [];
  }

  /** Nothing more is expected for this frame; returns those to write now. */
  settle(id: string, now: number): readonly F[] {
    this.#unacknowledged.delete(id);
    return this.#open.delete(id) ? this.#release(now) : [];
  }

  /** Frees the places of frames that nobody answered in time: their ids, and the frames to write now. */
  expire(now: number): { readonly lost: readonly string[]; readonly release: readonly F[] } {
    const lost: string[] = [];
    for (const [id, { due }] of this.#open) {
      if (due > now) break;
      lost.push(id);
      this.#open.delete(id);
      this.#unacknowledged.delete(id);
    }
    return { lost, release: lost.length > 0 ? this.#release(now) : [] };
  }

  /** The connection is gone: forgets everything; returns the frames that never went. */
  clear(): readonly F[] {
    const dropped = this.#waiting.slice(this.#head);
    this.#waiting = [];
    this.#head = 0;
    this.#open.clear();
    this.#unacknowledged.clear();
    return dropped;
  }

  #mayGo(frame: F): boolean {
    if (this.#open.size >= this.#limits.window) return false;
    if (frame.bytes > this.#limits.soloBytes) return this.#unacknowledged.size === 0;
    // A large frame is only ever unacknowledged alone, so looking at one is enough.
    const [first] = this.#unacknowledged;
    return first === undefined || !(this.#open.get(first)?.solo ?? false);
  }

  #release(now: number): readonly F[] {
    if (this.#head === this.#waiting.length || this.#open.size >= this.#limits.window) return none;
    const released: F[] = [];
    for (let frame = this.#waiting[this.#head]; frame && this.#mayGo(frame); frame = this.#waiting[this.#head]) {
      this.#head += 1;
      this.#open.set(frame.id, { due: now + this.#limits.patienceMs, solo: frame.bytes > this.#limits.soloBytes });
      this.#unacknowledged.add(frame.id);
      released.push(frame);
    }
    if (this.#head > 1024 || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return released;
  }
}
