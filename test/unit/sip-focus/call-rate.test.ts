/** How often somebody may call: never more than the limit in any window, and always again after the wait that was named. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Aor } from '../../../src/identity/aor.ts';
import { anyCallRate, CallRate } from '../../../src/sip-focus/call-rate.ts';

const bob = 'sip:bob@example.org' as Aor;
const carol = 'sip:carol@example.org' as Aor;

describe('the rate of new calls', () => {
  it('is limited per address, and says how long to wait', () => {
    const rate = new CallRate({ perAddress: 2, perAccount: 0, seconds: 10 });
    expect([rate.take('192.0.2.1', null, 0), rate.take('192.0.2.1', bob, 4_500)]).toEqual([null, null]);
    expect(rate.take('192.0.2.1', carol, 4_600)).toBe(6);
    expect(rate.take('192.0.2.2', carol, 4_600)).toBeNull();
    expect(rate.take('192.0.2.1', null, 9_999)).toBe(1);
    expect(rate.take('192.0.2.1', null, 10_000)).toBeNull();
    expect(rate.take('192.0.2.1', null, 10_001)).toBe(5);
    expect(rate.refused).toBe(3);
  });

  it('is limited per account, from whatever address, and does not count for the address then', () => {
    const rate = new CallRate({ perAddress: 2, perAccount: 1, seconds: 10 });
    expect(rate.take('192.0.2.1', bob, 0)).toBeNull();
    expect(rate.take('192.0.2.2', bob, 1_000)).toBe(9);
    expect([rate.take('192.0.2.2', carol, 1_000), rate.take('192.0.2.2', null, 1_000)]).toEqual([null, null]);
    expect(rate.take('192.0.2.2', null, 1_000)).toBe(10);
  });

  it('is not limited by 0', () => {
    for (const limits of [anyCallRate, { perAddress: 0, perAccount: 0, seconds: 10 }]) {
      const rate = new CallRate(limits);
      for (let call = 0; call < 1_000; call += 1) expect(rate.take('192.0.2.1', bob, 0)).toBeNull();
    }
  });

  it('is never above the limit in any window, and whoever waits as told is taken', () => {
    const steps = fc.array(fc.record({ after: fc.integer({ min: 0, max: 4_000 }), who: fc.constantFrom('a', 'b') }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), (list, most, seconds) => {
        const rate = new CallRate({ perAddress: most, perAccount: 0, seconds });
        const taken = { a: [] as number[], b: [] as number[] };
        let now = 0;
        const call = (who: 'a' | 'b') => {
          const wait = rate.take(who, null, now);
          if (wait === null) taken[who].push(now);
          return wait;
        };
        for (const { after, who } of list) {
          now += after;
          const wait = call(who as 'a' | 'b');
          if (wait === null || after % 2 === 0) continue;
          expect(wait).toBeGreaterThanOrEqual(1);
          expect(wait).toBeLessThanOrEqual(seconds);
          now += wait * 1000;
          expect(call(who as 'a' | 'b')).toBeNull();
        }
        for (const times of Object.values(taken)) {
          for (const [index, at] of times.entries()) {
            expect(at - (times[index - most] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(seconds * 1000);
          }
        }
      }),
    );
  });

  it('is remembered of who called last, and of nobody for longer than it matters', () => {
    const rate = new CallRate({ perAddress: 1, perAccount: 0, seconds: 10 });
    rate.take('first', null, 0);
    for (let other = 0; other < 9_999; other += 1) rate.take(`other ${other}`, null, 1);
    expect(rate.take('first', null, 2)).toBe(10);
    rate.take('one more', null, 2);
    expect(rate.take('first', null, 3)).toBeNull();
  });
});
