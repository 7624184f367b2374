/** Hears when a tone comes and goes, to the packet: for latencies of voice. */
import { strengthOf } from '../harness/sip/goertzel.ts';
import { clock, until } from './measure.ts';

/** Amplitudes of a tone in one packet; phones send 4000. */
const there = 1000;
const gone = 120;

/** Listens for one tone, packet by packet (20 ms). */
export class Ear {
  readonly #hz: number;
  #amplitude = 0;
  #changed = 0;
  #audible = false;

  constructor(hz: number) {
    this.#hz = hz;
  }

  /** Takes a packet. */
  hear(samples: Int16Array): void {
    this.#amplitude = strengthOf(samples, this.#hz).amplitude;
    const audible = this.#audible ? this.#amplitude >= gone : this.#amplitude >= there;
    if (audible === this.#audible) return;
    this.#audible = audible;
    this.#changed = clock();
  }

  /** Waits until the tone is there, or gone, and gives the time when it became so. */
  async until(audible: boolean): Promise<number> {
    await until(() => this.#audible === audible, audible ? 'the tone is heard' : 'the tone falls silent');
    return this.#changed;
  }
}
