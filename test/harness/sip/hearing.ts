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

/** Somebody who waits for windows that fit. */
interface Listener {
  fits(window: Int16Array): boolean;
  resolve(): void;
  /** The window that is being filled began before the question was asked. */
  skip: boolean;
  /** Windows in a row that fitted. */
  agreeing: number;
}

/** The audio a phone receives. */
export class Hearing {
  /** Called with the samples of each packet, when it comes. */
  onPacket: ((samples: Int16Array) => void) | undefined;
  readonly #window = new Int16Array(windowLength);
  readonly #listeners = new Set<Listener>();
  #filled = 0;
  #pushedAt = 0;
  #last: Int16Array | undefined;
  #packets = 0;

  /** Takes the samples of a packet. */
  push(samples: Int16Array, now = performance.now()): void {
    if (now - this.#pushedAt > gap) this.#interrupted();
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

  #until(what: string, limitMs: number, fits: Listener['fits']): Promise<void> {
    const before = this.#packets;
    return new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
      const timer = setTimeout(() => {
        over();
        const came = this.#packets - before;
        reject(new Error(`${what} within ${limitMs} ms: ${this.describe()}; ${came} packets came in that time`));
      }, limitMs);
      const listener: Listener = {
        fits,
        resolve: () => {
          over();
          resolve();
        },
        skip: this.#filled > 0,
        agreeing: 0,
      };
      this.#listeners.add(listener);
    });
  }

  /** Nothing came for a while: what came before is no part of what comes now. */
  #interrupted(): void {
    this.#filled = 0;
    for (const listener of this.#listeners) {
      listener.skip = false;
      listener.agreeing = 0;
    }
  }

  #complete(): void {
    this.#filled = 0;
    const window = this.#window.slice();
    this.#last = window;
    for (const listener of [...this.#listeners]) {
      if (listener.skip) listener.skip = false;
      else listener.agreeing = listener.fits(window) ? listener.agreeing + 1 : 0;
      if (listener.agreeing >= run) listener.resolve();
    }
  }
}
