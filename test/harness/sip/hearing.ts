/** What a phone hears: cuts received audio into windows of 100 ms and waits until tones are in them, or gone. */
import { sampleRate, strengthOf, tonesIn } from './goertzel.ts';

const windowLength = sampleRate / 10;
/** A tone is there from this amplitude and share of the energy on; phones send an amplitude of 4000. */
const there = { amplitude: 300, share: 0.015 };
/** A tone is gone below this amplitude: more than 30 dB under what phones send. */
const goneAmplitude = 120;
/** Windows in a row that must agree. */
const run = 3;
/** Silence of the network after which an unfinished window is thrown away, in milliseconds. */
const gap = 200;

type Judge = (window: Int16Array) => boolean;

/** The audio a phone receives. */
export class Hearing {
  /** Called with the samples of each packet, when it comes. */
  onPacket: ((samples: Int16Array) => void) | undefined;
  readonly #window = new Int16Array(windowLength);
  readonly #judges = new Set<(window: Int16Array) => void>();
  #filled = 0;
  #pushedAt = 0;
  #last: Int16Array | undefined;
  #packets = 0;

  /** Takes the samples of a packet. */
  push(samples: Int16Array, now = performance.now()): void {
    if (now - this.#pushedAt > gap) this.#filled = 0;
    this.#pushedAt = now;
    this.#packets += 1;
    this.onPacket?.(samples);
    for (const sample of samples) {
      this.#window[this.#filled] = sample;
      this.#filled += 1;
      if (this.#filled === windowLength) this.#complete();
    }
  }

  /** Packets of audio received so far. */
  get packets(): number {
    return this.#packets;
  }

  /** Resolves once a tone is in 300 ms of audio that came from now on; rejects after the limit and says what was heard. */
  hears(hz: number, limitMs: number): Promise<void> {
    return this.#until(`${hz} Hz was not heard`, limitMs, (window) => {
      const { amplitude, share } = strengthOf(window, hz);
      return amplitude >= there.amplitude && share >= there.share;
    });
  }

  /** Resolves once 300 ms of audio that came from now on are without a tone; no packets are no silence. */
  silentOf(hz: number, limitMs: number): Promise<void> {
    return this.#until(`${hz} Hz did not fall silent`, limitMs, (window) => {
      return strengthOf(window, hz).amplitude < goneAmplitude;
    });
  }

  /** The tones in the last 100 ms, in words. */
  describe(): string {
    if (this.#last === undefined) return 'no audio has come';
    const tones = tonesIn(this.#last).map(({ hz, amplitude }) => `${hz} Hz (${amplitude})`);
    return tones.length === 0 ? 'silence was last heard' : `last heard were ${tones.join(', ')}`;
  }

  #until(what: string, limitMs: number, judge: Judge): Promise<void> {
    const packetsBefore = this.#packets;
    // What is half full began before the question was asked.
    let skip = this.#filled > 0;
    let agreeing = 0;
    return new Promise((resolve, reject) => {
      const look = (window: Int16Array): void => {
        if (skip) skip = false;
        else agreeing = judge(window) ? agreeing + 1 : 0;
        if (agreeing < run) return;
        clearTimeout(timer);
        this.#judges.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#judges.delete(look);
        const came = this.#packets - packetsBefore;
        reject(new Error(`${what} within ${limitMs} ms: ${this.describe()}; ${came} packets came in that time`));
      }, limitMs);
      this.#judges.add(look);
    });
  }

  #complete(): void {
    this.#filled = 0;
    this.#last = this.#window.slice();
    for (const judge of [...this.#judges]) judge(this.#last);
  }
}
