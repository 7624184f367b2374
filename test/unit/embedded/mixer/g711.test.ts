import * as alawmulaw from 'alawmulaw';
import { describe, expect, it } from 'vitest';
import { g711 } from '../../../../src/embedded/mixer/g711.ts';

// A CommonJS package whose types describe its ES module: at run time everything hangs on `default`.
const oracle = (alawmulaw as unknown as { default: typeof alawmulaw }).default;
const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768);

describe('G.711', () => {
  it('decodes both laws like alawmulaw', () => {
    expect([...g711.PCMU.decode]).toEqual([...oracle.mulaw.decode(codes)]);
    expect([...g711.PCMA.decode]).toEqual([...oracle.alaw.decode(codes)]);
  });

  it('encodes mu-law like alawmulaw', () => {
    const expected = oracle.mulaw.encode(samples);
    expect(samples.every((sample, index) => g711.PCMU.encode[sample & 0xffff] === expected[index])).toBe(true);
  });

  it('encodes A-law like alawmulaw but on negative decision values, where either neighbour is right', () => {
    const expected = oracle.alaw.encode(samples);
    const different = [...samples].filter((sample, index) => g711.PCMA.encode[sample & 0xffff] !== expected[index]);
    expect(different).toHaveLength(127);
    expect(different[0]).toBe(-31_744);
    for (const sample of different) {
      const ours = g711.PCMA.decode[g711.PCMA.encode[sample & 0xffff]!]!;
      const theirs = oracle.alaw.decodeSample(oracle.alaw.encodeSample(sample));
      // The sample lies between the two decoded values: at most half a step of its segment from each.
      expect(Math.min(ours, theirs)).toBeLessThan(sample);
      expect(Math.max(ours, theirs)).toBeGreaterThan(sample);
      expect(Math.abs(ours - sample)).toBeLessThanOrEqual(Math.abs(theirs - sample));
    }
  });

  it('mirrors A-law about -0.5 as the ITU-T reference software does', () => {
    for (let sample = 0; sample < 32_768; sample += 1) {
      const positive = g711.PCMA.encode[sample]!;
      expect(g711.PCMA.encode[~sample & 0xffff]).toBe(positive ^ 0x80);
    }
  });

  it.each(['PCMU', 'PCMA'] as const)('gives every %s code back', (law) => {
    const { decode, encode } = g711[law];
    for (let code = 0; code < 256; code += 1) {
      // Mu-law has two codes for zero.
      if (law === 'PCMU' && code === 0x7f) continue;
      expect(encode[decode[code]! & 0xffff]).toBe(code);
    }
  });

  it('knows silence', () => {
    expect([g711.PCMU.silence, g711.PCMA.silence]).toEqual([0xff, 0xd5]);
  });
});
