/** The harness's own G.711 beside another implementation, and its tone measure beside known sums of tones. */
import * as alawmulaw from 'alawmulaw';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aLawOf, decodeSamples, encodeSamples, fromALaw, fromMuLaw, muLawOf } from '../../harness/sip/g711.ts';
import { strengthOf, tonesIn } from '../../harness/sip/goertzel.ts';

// A CommonJS package whose types describe its ES module: at run time everything hangs on `default`.
const { alaw, mulaw } = (alawmulaw as unknown as { default: typeof alawmulaw }).default;
const codes = Array.from({ length: 256 }, (_, code) => code);
const sample = fc.integer({ min: -32_768, max: 32_767 });

describe('G.711', () => {
  it('decodes every code as another implementation does', () => {
    expect(codes.map(fromMuLaw)).toEqual(Array.from(mulaw.decode(Uint8Array.from(codes))));
    expect(codes.map(fromALaw)).toEqual(Array.from(alaw.decode(Uint8Array.from(codes))));
  });

  it('encodes mu-law as another implementation does', () => {
    const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768);
    expect(Array.from(encodeSamples('PCMU', samples))).toEqual(Array.from(mulaw.encode(samples)));
  });

  it('has no code that changes by being decoded and encoded, but for the second zero of mu-law', () => {
    expect(codes.filter((code) => muLawOf(fromMuLaw(code)) !== code)).toEqual([0x7f]);
    expect(codes.filter((code) => aLawOf(fromALaw(code)) !== code)).toEqual([]);
  });

  it('is never off by more than half a step, and keeps the order of samples', () => {
    fc.assert(
      fc.property(sample, sample, (one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const mu = (value: number): number => fromMuLaw(muLawOf(value));
        const a = (value: number): number => fromALaw(aLawOf(value));
        // A step is a sixteenth of its segment, and a segment begins at half its end.
        expect(Math.abs(mu(one) - one)).toBeLessThanOrEqual((Math.abs(one) + 132) / 32 + 4);
        expect(Math.abs(a(one) - one)).toBeLessThanOrEqual(Math.abs(one) / 32 + 9);
        expect(mu(low)).toBeLessThanOrEqual(mu(high));
        expect(a(low)).toBeLessThanOrEqual(a(high));
      }),
    );
  });
});

describe('tones', () => {
  const tone = (hz: number, amplitude: number, length = 800, start = 0): number[] =>
    Array.from({ length }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * (i + start)) / 8000));
  const mix = (...tones: number[][]): Int16Array =>
    Int16Array.from({ length: tones[0]?.length ?? 0 }, (_, i) => tones.reduce((sum, one) => sum + (one[i] ?? 0), 0));

  it('are measured in amplitude and share, alone and in a mix, in both laws', () => {
    const three = mix(tone(440, 4000), tone(620, 4000), tone(1230, 2000));
    for (const codec of ['PCMU', 'PCMA'] as const) {
      const heard = decodeSamples(codec, encodeSamples(codec, three));
      for (const [hz, amplitude, share] of [
        [440, 4000, 4 / 9],
        [620, 4000, 4 / 9],
        [1230, 2000, 1 / 9],
      ] as const) {
        const strength = strengthOf(heard, hz);
        expect(Math.abs(strength.amplitude - amplitude) / amplitude).toBeLessThan(0.02);
        expect(Math.abs(strength.share - share)).toBeLessThan(0.02);
      }
      for (const absent of [350, 500, 550, 700, 880, 1000])
        expect(strengthOf(heard, absent).amplitude).toBeLessThan(60);
      expect(
        tonesIn(heard)
          .slice(0, 3)
          .map(({ hz }) => hz)
          .sort(),
      ).toEqual([1230, 440, 620]);
    }
  });

  it('that break off within a window do not sound like others', () => {
    const broken = mix([...tone(440, 4000, 411), ...tone(440, 4000, 389, 57)]);
    expect(strengthOf(broken, 440).amplitude).toBeGreaterThan(300);
    for (const absent of [620, 880, 1000]) expect(strengthOf(broken, absent).amplitude).toBeLessThan(250);
  });

  it('are not in silence', () => {
    expect(strengthOf(new Int16Array(800), 440)).toEqual({ amplitude: 0, share: 0 });
    expect(tonesIn(new Int16Array(800))).toEqual([]);
  });
});
