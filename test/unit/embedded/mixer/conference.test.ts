import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Conference, type MixedLeg } from '../../../../src/embedded/mixer/conference.ts';
import { g711, type Law } from '../../../../src/embedded/mixer/g711.ts';
import { frameSamples } from '../../../../src/embedded/mixer/sample-ring.ts';

class FakeLeg implements MixedLeg {
  readonly pcm = new Int16Array(frameSamples);
  readonly sent: Array<{ payloadType: number; codes: Uint8Array }> = [];
  paused = 0;
  readonly active: boolean;
  readonly listening: { law: Law; payloadType: number } | undefined;

  constructor(active: boolean, law: Law | undefined, samples: readonly number[] = []) {
    this.active = active;
    this.listening = law && { law, payloadType: law === 'PCMU' ? 0 : 8 };
    this.pcm.set(samples);
  }

  pull(): void {}

  send(payloadType: number, codes: Uint8Array): void {
    this.sent.push({ payloadType, codes: Uint8Array.from(codes) });
  }

  pause(samples: number): void {
    this.paused += samples;
  }
}

const clip = (value: number): number => Math.max(-32_768, Math.min(32_767, value));

describe('a conference', () => {
  it('sends everyone the sum of all others, clipped, in their own law', () => {
    const leg = fc.record({
      active: fc.boolean(),
      law: fc.constantFrom<Law | undefined>('PCMU', 'PCMA', undefined),
      samples: fc.array(fc.integer({ min: -32_768, max: 32_767 }), {
        minLength: frameSamples,
        maxLength: frameSamples,
      }),
    });
    fc.assert(
      fc.property(fc.array(leg, { maxLength: 8 }), (settings) => {
        const legs = settings.map(({ active, law, samples }) => new FakeLeg(active, law, samples));
        const conference = new Conference<FakeLeg>();
        for (const each of legs) conference.legs.add(each);
        conference.tick(0);
        for (const listener of legs) {
          const law = listener.listening?.law;
          if (law === undefined) {
            expect([listener.sent.length, listener.paused]).toEqual([0, frameSamples]);
            continue;
          }
          const expected = Uint8Array.from({ length: frameSamples }, (_, i) => {
            const others = legs.filter((other) => other !== listener && other.active);
            return g711[law].encode[clip(others.reduce((sum, other) => sum + other.pcm[i]!, 0)) & 0xffff]!;
          });
          expect(listener.sent).toEqual([{ payloadType: law === 'PCMU' ? 0 : 8, codes: expected }]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('lets skipped time pass for everybody', () => {
    const leg = new FakeLeg(false, 'PCMU');
    const conference = new Conference<FakeLeg>();
    conference.legs.add(leg);
    conference.skip(3);
    expect(leg.paused).toBe(3 * frameSamples);
  });
});
