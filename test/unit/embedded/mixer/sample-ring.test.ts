import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { g711 } from '../../../../src/embedded/mixer/g711.ts';
import { frameSamples, playoutDelay, SampleRing } from '../../../../src/embedded/mixer/sample-ring.ts';

const { decode } = g711.PCMA;

/** Code number `at` of a stream in which no two neighbouring stretches are alike. */
const codeAt = (at: number): number => (at * 7 + (at >> 8) * 13) & 0xff;
const codes = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => codeAt(from + i));

interface Arrival {
  readonly at: number;
  readonly from: number;
  readonly length: number;
}

/** Runs the ring in media time: each packet is written before the first frame that is due at or after its arrival (in samples). */
function play(ring: SampleRing, arrivals: readonly Arrival[], start: number, frames: number): number[] {
  const waiting = [...arrivals].sort((a, b) => a.at - b.at);
  const heard: number[] = [];
  const out = new Int16Array(frameSamples);
  for (let frame = 0; frame < frames; frame += 1) {
    while (waiting[0] !== undefined && waiting[0].at <= frame * frameSamples) {
      const { from, length } = waiting.shift()!;
      ring.write((start + from) >>> 0, codes(from, length), decode);
    }
    ring.pull(out);
    heard.push(...out);
  }
  return heard;
}

const decoded = (length: number): number[] => [...codes(0, length)].map((code) => decode[code]!);

describe('the playout ring', () => {
  it('gives the same samples back for any packetisation, reordering and duplication within the delay', () => {
    const packet = fc.record({
      ms: fc.constantFrom(10, 20, 30, 40, 50, 60),
      delay: fc.integer({ min: 0, max: playoutDelay }),
      copies: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(packet, { minLength: 4, maxLength: 60 }), fc.nat(0xffffffff), (packets, start) => {
        const arrivals: Arrival[] = [];
        let from = 0;
        for (const [index, { ms, delay, copies }] of packets.entries()) {
          // The first packet sets the clock. Another may take as long as the frame that holds its first sample is not yet due.
          const length = ms * 8;
          const window = index === 0 ? 0 : playoutDelay - (from % frameSamples);
          for (let copy = 0; copy < copies; copy += 1) {
            arrivals.push({ at: from + ((delay + copy * 40) % (window + 1)), from, length });
          }
          from += length;
        }
        const ring = new SampleRing();
        const frames = Math.floor((from + playoutDelay) / frameSamples);
        const heard = play(ring, arrivals, start, frames);
        expect(heard.slice(0, playoutDelay)).toEqual(Array(playoutDelay).fill(0));
        expect(heard.slice(playoutDelay)).toEqual(decoded(frames * frameSamples - playoutDelay));
        expect(ring.counts).toEqual({ late: 0, concealed: 0, reanchored: 0 });
      }),
    );
  });

  /** Packets of 20 ms, all on time, but those that `skip` names. */
  function steady(count: number, skip: (index: number) => boolean = () => false, shift = 0): Arrival[] {
    return Array.from({ length: count }, (_, index) => ({
      at: index * 160 + shift,
      from: index * 160,
      length: 160,
    })).filter((_, index) => !skip(index));
  }

  it('bridges a lost packet with the fading frame before it', () => {
    const ring = new SampleRing();
    const heard = play(
      ring,
      steady(10, (index) => index === 5),
      0,
      12,
    );
    const before = heard.slice(playoutDelay + 4 * 160, playoutDelay + 5 * 160);
    expect(heard.slice(playoutDelay + 5 * 160, playoutDelay + 6 * 160)).toEqual(before.map((sample) => sample >> 1));
    expect(heard.slice(playoutDelay + 6 * 160)).toEqual(decoded(1600).slice(6 * 160));
    expect(ring.counts.concealed).toBe(1);
  });

  it('is silent after 60 ms without packets and starts afresh with the next one', () => {
    const ring = new SampleRing();
    play(ring, steady(5), 0, 7);
    const out = new Int16Array(frameSamples);
    expect(Array.from({ length: 5 }, () => ring.pull(out))).toEqual([true, true, true, false, false]);
    expect(out.every((sample) => sample === 0)).toBe(true);
    // Long after, and with a timestamp that did not move on while nothing was sent.
    ring.write(800, codes(800, 160), decode);
    expect([ring.pull(out), ring.pull(out), ring.pull(out)]).toEqual([false, false, true]);
    expect([...out]).toEqual(decoded(960).slice(800));
  });

  it('finds its clock again after three late packets in a row', () => {
    const ring = new SampleRing();
    // From packet 10 on everything comes 100 ms too late, as after a stall of the path.
    const arrivals = steady(60).map((arrival, index) => (index < 10 ? arrival : { ...arrival, at: arrival.at + 800 }));
    const heard = play(ring, arrivals, 0xffffff00, 60);
    expect(ring.counts.late).toBeLessThanOrEqual(3);
    const tail = heard.slice(-160);
    const whole = decoded(60 * 160).join();
    expect(whole).toContain(tail.join());
  });

  it('follows a sender whose timestamps jump, forwards or back', () => {
    for (const jump of [1_000_000, -1_000_000]) {
      const ring = new SampleRing();
      const out = new Int16Array(frameSamples);
      for (let index = 0; index < 40; index += 1) {
        const timestamp = (index * 160 + (index < 20 ? 0 : jump)) >>> 0;
        ring.write(timestamp, codes(index * 160, 160), decode);
        ring.pull(out);
      }
      expect([...out]).toEqual(decoded(38 * 160).slice(37 * 160));
    }
  });

  it('bounds the delay after a burst', () => {
    const ring = new SampleRing();
    const out = new Int16Array(frameSamples);
    for (let index = 0; index < 40; index += 1) ring.write(index * 160, codes(index * 160, 160), decode);
    // The newest sample is due within the delay, one packet and what may pile up: 160 ms.
    const frames = (playoutDelay + 800 + 160) / 160;
    const last = decoded(40 * 160)
      .slice(39 * 160)
      .join();
    let found = 0;
    for (let frame = 1; frame <= frames; frame += 1) {
      ring.pull(out);
      if (out.join() === last) found = frame;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('gives unneeded delay back after a while', () => {
    const ring = new SampleRing();
    const out = new Int16Array(frameSamples);
    // The path is 80 ms faster than the first packet was.
    for (let index = 0; index < 5; index += 1) ring.write(index * 160, codes(index * 160, 160), decode);
    for (let index = 5; index < 130; index += 1) {
      ring.write(index * 160, codes(index * 160, 160), decode);
      ring.pull(out);
    }
    expect(
      decoded(130 * 160)
        .slice(126 * 160)
        .join(),
    ).toContain(out.join());
  });

  it('never throws and never leaves the range of samples', () => {
    const step = fc.record({ timestamp: fc.nat(0xffffffff), length: fc.nat(2000), pulls: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const ring = new SampleRing();
        const out = new Int16Array(frameSamples);
        for (const { timestamp, length, pulls } of steps) {
          ring.write(timestamp, new Uint8Array(length), decode);
          for (let pull = 0; pull < pulls; pull += 1) ring.pull(out);
        }
      }),
    );
  });
});
