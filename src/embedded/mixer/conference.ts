/** Mix-minus: every 20 ms each listener gets the sum of all the others. */
import { g711, type Law } from './g711.ts';
import { frameSamples } from './sample-ring.ts';

/** What the mix needs of a leg. */
export interface MixedLeg {
  /** Samples of this tick, mixed when `active`. */
  readonly pcm: Int16Array;
  readonly active: boolean;
  /** Law and payload type to send, or undefined when the leg is sent nothing now. */
  readonly listening: { readonly law: Law; readonly payloadType: number } | undefined;
  pull(now: number): void;
  send(payloadType: number, codes: Uint8Array): void;
  pause(samples: number): void;
}

const silence: Readonly<Record<Law, Uint8Array>> = {
  PCMU: new Uint8Array(frameSamples).fill(g711.PCMU.silence),
  PCMA: new Uint8Array(frameSamples).fill(g711.PCMA.silence),
};

/** The sum of the frames in `sum`, less the own frame when there is one, clipped and encoded into `out`. */
export function encodeMix(sum: Int32Array, own: Int16Array | undefined, law: Law, out: Uint8Array): void {
  const encode = g711[law].encode;
  for (let i = 0; i < frameSamples; i += 1) {
    const mixed = (sum[i] as number) - (own === undefined ? 0 : (own[i] as number));
    const clipped = Math.max(-32_768, Math.min(32_767, mixed));
    out[i] = encode[clipped & 0xffff] as number;
  }
}

/** One conference: its legs and the work of one tick. */
export class Conference<L extends MixedLeg> {
  readonly legs = new Set<L>();
  readonly #sum = new Int32Array(frameSamples);
  readonly #own = new Uint8Array(frameSamples);
  readonly #shared = { PCMU: new Uint8Array(frameSamples), PCMA: new Uint8Array(frameSamples) };

  /** Takes 20 ms from every leg and sends 20 ms to every listener. `now` is monotonic milliseconds. */
  tick(now: number): void {
    const talkers = this.#collect(now);
    const ready: Record<Law, boolean> = { PCMU: false, PCMA: false };
    for (const leg of this.legs) {
      const media = leg.listening;
      if (media === undefined) leg.pause(frameSamples);
      else leg.send(media.payloadType, this.#frameFor(leg, media.law, talkers, ready));
    }
  }

  /** Lets ticks pass that came too late to be mixed. */
  skip(ticks: number): void {
    for (const leg of this.legs) leg.pause(ticks * frameSamples);
  }

  #collect(now: number): number {
    const sum = this.#sum.fill(0);
    let talkers = 0;
    for (const leg of this.legs) {
      leg.pull(now);
      if (!leg.active) continue;
      talkers += 1;
      for (let i = 0; i < frameSamples; i += 1) sum[i] = (sum[i] as number) + (leg.pcm[i] as number);
    }
    return talkers;
  }

  /** Those who do not talk hear the same, so each law is encoded once for all of them. */
  #frameFor(leg: L, law: Law, talkers: number, ready: Record<Law, boolean>): Uint8Array {
    if (talkers === 0 || (talkers === 1 && leg.active)) return silence[law];
    if (leg.active) {
      encodeMix(this.#sum, leg.pcm, law, this.#own);
      return this.#own;
    }
    if (!ready[law]) {
      encodeMix(this.#sum, undefined, law, this.#shared[law]);
      ready[law] = true;
    }
    return this.#shared[law];
  }
}
