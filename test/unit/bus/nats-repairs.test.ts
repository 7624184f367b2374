/** When a fact is said again in place of a stranger's message. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FactRepairs } from '../../../src/bus/nats-repairs.ts';
import { createLog, type Logger } from '../../../src/log.ts';

const log: Logger = createLog({ level: 'silent' });

describe('repairs of facts', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function begin(repair?: (subject: string) => void) {
    const done: string[] = [];
    const repairs = new FactRepairs({ repair: repair ?? ((subject) => done.push(subject)), log });
    repairs.resume();
    return { repairs, done };
  }

  it('come at once, then after pauses that double up to a minute, and at once again after a calm', () => {
    const at: number[] = [];
    // A stranger who writes again as soon as the fact stands.
    const { repairs } = begin((subject) => {
      at.push(performance.now());
      repairs.readable(subject);
      repairs.unreadable(subject);
    });
    repairs.claim('s');
    repairs.unreadable('s');
    vi.advanceTimersByTime(200_000);
    const pauses = at.map((time, index) => Math.round((time - (at[index - 1] ?? time)) / 1_000));
    expect(pauses).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60]);
    repairs.readable('s');
    vi.advanceTimersByTime(200_000);
    repairs.unreadable('s');
    vi.advanceTimersByTime(1);
    expect(at).toHaveLength(pauses.length + 1);
  });

  it('are for subjects that this process speaks for', () => {
    const { repairs, done } = begin();
    repairs.unreadable('never said');
    repairs.claim('said by another since');
    repairs.disclaim('said by another since');
    repairs.unreadable('said by another since');
    vi.advanceTimersByTime(200_000);
    expect(done).toEqual([]);
    expect(repairs.spoiled('never said')).toBe(true);
  });

  it('are not made when somebody else was faster', () => {
    const { repairs, done } = begin();
    repairs.claim('s');
    repairs.unreadable('s');
    repairs.readable('s');
    vi.advanceTimersByTime(200_000);
    expect(done).toEqual([]);
    expect(repairs.spoiled('s')).toBe(false);
  });

  it('wait while the server is away', () => {
    const { repairs, done } = begin();
    repairs.claim('s');
    repairs.unreadable('s');
    repairs.pause();
    repairs.unreadable('s');
    vi.advanceTimersByTime(200_000);
    expect(done).toEqual([]);
    repairs.resume();
    vi.advanceTimersByTime(1);
    expect(done).toEqual(['s']);
  });

  it('are tried again when they fail', () => {
    let tries = 0;
    const { repairs } = begin(() => {
      tries += 1;
      if (tries === 1) throw new Error('no room');
    });
    repairs.claim('s');
    repairs.unreadable('s');
    vi.advanceTimersByTime(10_000);
    expect(tries).toBe(2);
  });
});
