/**
 * The playout buffer of one received stream: a ring of samples addressed by RTP timestamp, so that any packetisation (10 to 60 ms), reordering and
 * duplication within the playout delay give the same samples back. Its weakness: the delay is fixed; it does not learn from the jitter it sees.
 */

/** Samples in one frame of the mixer: 20 ms at 8 kHz. */
export const frameSamples = 160;
/** Playout starts this far (40 ms) behind the first packet. */
export const playoutDelay = 2 * frameSamples;

const capacity = 8192;
const mask = capacity - 1;
/** The longest packet taken: 200 ms. */
const longestPacket = 1600;
/** So many late packets in a row mean that our idea of the sender's clock is wrong, not that the packets are late. */
const lateBeforeReanchor = 3;
/** Lost frames are bridged for 60 ms; then the stream counts as paused, and its next packet starts playout afresh. */
const longestConcealment = 3;
/** What may pile up beyond the delay (100 ms) before playout jumps ahead at once, for instance after a burst that a stall held back. */
const mostPiledUp = 800;
/** Every 2 s, delay that was never needed in that time is given back when it is more than 40 ms. */
const reviewFrames = 100;
const unneededDelay = 320;

/** What happened to the packets and frames of a stream since its beginning. */
export interface RingCounts {
  late: number;
  concealed: number;
  reanchored: number;
}

/** The playout buffer of one stream. Times are RTP timestamps (32 bits, wrapping). */
export class SampleRing {
  readonly counts: RingCounts = { late: 0, concealed: 0, reanchored: 0 };
  readonly #samples = new Int16Array(capacity);
  readonly #present = new Uint8Array(capacity);
  readonly #last = new Int16Array(frameSamples);
  #anchored = false;
  #play = 0;
  /** Just after the newest sample, relative to `#play`. */
  #depth = 0;
  #leadIn = 0;
  #lateInRow = 0;
  #missedInRow = 0;
  #reviewed = 0;
  #least = capacity;

  /** Puts the samples of a packet (8-bit codes and the table that decodes them) in their places. */
  write(timestamp: number, payload: Uint8Array, decode: Int16Array): void {
    const length = payload.length;
    if (length > longestPacket) return;
    if (!this.#anchored) this.#anchor(timestamp);
    const ahead = this.#place(timestamp, length);
    for (let i = Math.max(0, -ahead); i < length; i += 1) {
      const at = (timestamp + i) & mask;
      this.#samples[at] = decode[payload[i] as number] as number;
      this.#present[at] = 1;
    }
    this.#depth = Math.max(this.#depth, ahead + length);
    const piledUp = this.#depth - length - playoutDelay;
    if (piledUp > mostPiledUp) this.#advance(piledUp);
  }

  /** Takes the next 20 ms into `out` (`frameSamples` long). True when the stream gave, or concealment made, sound; false: silence. */
  pull(out: Int16Array): boolean {
    if (!this.#anchored) {
      out.fill(0);
      return false;
    }
    this.#review();
    const found = this.#take(out);
    const leadIn = this.#leadIn > 0;
    this.#advance(frameSamples);
    if (found > 0) {
      this.#missedInRow = 0;
      return true;
    }
    return !leadIn && this.#conceal(out);
  }

  /** Forgets everything: the next packet starts a new stream. */
  reset(): void {
    this.#anchored = false;
    this.#present.fill(0);
    this.#last.fill(0);
  }

  /** How far the packet lies ahead of playout, after any change of anchor; negative when (partly) late. */
  #place(timestamp: number, length: number): number {
    const ahead = (timestamp - this.#play) | 0;
    if (ahead >= 0 && ahead + length <= capacity) {
      this.#lateInRow = 0;
      return ahead;
    }
    if (ahead < 0) {
      this.counts.late += 1;
      this.#lateInRow += 1;
      if (this.#lateInRow < lateBeforeReanchor) return ahead;
    }
    this.counts.reanchored += 1;
    this.#anchor(timestamp);
    return playoutDelay;
  }

  #anchor(timestamp: number): void {
    this.#present.fill(0);
    this.#anchored = true;
    this.#play = (timestamp - playoutDelay) >>> 0;
    this.#depth = playoutDelay;
    this.#leadIn = playoutDelay;
    this.#lateInRow = 0;
    this.#missedInRow = 0;
    this.#reviewed = 0;
    this.#least = capacity;
  }

  /** Copies a frame; each sample that is missing repeats the one a frame before at half level. Returns how many were there. */
  #take(out: Int16Array): number {
    let found = 0;
    for (let i = 0; i < frameSamples; i += 1) {
      const at = (this.#play + i) & mask;
      if (this.#present[at] === 1) {
        out[i] = this.#samples[at] as number;
        found += 1;
      } else {
        out[i] = (this.#last[i] as number) >> 1;
      }
    }
    this.#last.set(out);
    return found;
  }

  /** A frame of which nothing came: true while the fading repetition in `out` stands for it. */
  #conceal(out: Int16Array): boolean {
    this.#missedInRow += 1;
    if (this.#missedInRow <= longestConcealment) {
      this.counts.concealed += 1;
      return true;
    }
    out.fill(0);
    if (this.#depth <= 0) this.reset();
    return false;
  }

  #advance(samples: number): void {
    for (let i = 0; i < Math.min(samples, capacity); i += 1) this.#present[(this.#play + i) & mask] = 0;
    this.#play = (this.#play + samples) >>> 0;
    this.#depth -= samples;
    this.#leadIn = Math.max(0, this.#leadIn - samples);
  }

  #review(): void {
    this.#least = Math.min(this.#least, this.#depth);
    this.#reviewed += 1;
    if (this.#reviewed < reviewFrames) return;
    const unneeded = this.#least - playoutDelay;
    this.#reviewed = 0;
    this.#least = capacity;
    if (unneeded > unneededDelay) this.#advance(unneeded);
  }
}
