import { describe, expect, it } from 'vitest';
import { TickClock, tickMs } from '../../../../src/embedded/mixer/clock.ts';

/** Time that passes only when told; `stall` holds every timer back. */
function simulated() {
  let time = 1000;
  let timer: { at: number; run: () => void } | undefined;
  const ticks: number[] = [];
  let skipped = 0;
  const clock = new TickClock({
    now: () => time,
    after: (ms, run) => {
      // As Node does: never earlier than 1 ms, and not to the fraction.
      timer = { at: time + Math.max(1, ms) + 0.4, run };
      return () => {
        timer = undefined;
      };
    },
    tick: (now) => ticks.push(now),
    skip: (count) => {
      skipped += count;
    },
  });
  function runUntil(end: number): void {
    while (timer !== undefined && timer.at <= end) {
      const due = timer;
      timer = undefined;
      time = Math.max(time, due.at);
      due.run();
    }
    time = Math.max(time, end);
  }
  const stall = (ms: number): void => {
    time += ms;
  };
  return { clock, ticks, runUntil, stall, skipped: () => skipped };
}

describe('the 20 ms clock', () => {
  it('does not drift', () => {
    const { clock, ticks, runUntil } = simulated();
    clock.start();
    runUntil(61_002);
    expect(ticks).toHaveLength(3000);
    for (const [index, at] of ticks.entries()) {
      expect(Math.abs(at - (1000 + (index + 1) * tickMs))).toBeLessThan(2);
    }
    expect(clock.latenessP99()).toBeLessThan(2);
  });

  it('catches up after a short stall', () => {
    const { clock, ticks, runUntil, stall, skipped } = simulated();
    clock.start();
    runUntil(1202);
    stall(150);
    runUntil(2002);
    expect(ticks).toHaveLength(50);
    expect(skipped()).toBe(0);
  });

  it('skips and counts after a long stall', () => {
    const { clock, ticks, runUntil, stall, skipped } = simulated();
    clock.start();
    runUntil(1202);
    stall(1000);
    runUntil(3002);
    expect(ticks.length + skipped()).toBe(100);
    expect(skipped()).toBeGreaterThan(40);
    expect(clock.skipped).toBe(skipped());
  });

  it('stops', () => {
    const { clock, ticks, runUntil } = simulated();
    clock.start();
    runUntil(1102);
    clock.stop();
    runUntil(2000);
    expect(ticks).toHaveLength(5);
  });
});
