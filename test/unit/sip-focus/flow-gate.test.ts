import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drachtioLimits, FlowGate, type Frame, unboundedLimits } from '../../../src/sip-focus/flow-gate.ts';

const limits = { window: 4, soloBytes: 100, maximumBytes: 1000, patienceMs: 50 };
const ids = (frames: readonly Frame[]): string[] => frames.map((frame) => frame.id);

describe('the flow gate', () => {
  it('sends a large frame only when nothing is unacknowledged, and keeps the rest behind it', () => {
    const gate = new FlowGate(limits);
    expect(ids(gate.push({ id: 'a', bytes: 10 }, 0))).toEqual(['a']);
    expect(ids(gate.push({ id: 'B', bytes: 500 }, 0))).toEqual([]);
    expect(ids(gate.push({ id: 'c', bytes: 10 }, 0))).toEqual([]);
    expect(ids(gate.acknowledge('a', 0))).toEqual(['B']);
    expect(ids(gate.acknowledge('B', 0))).toEqual(['c']);
  });

  it('keeps the place of an acknowledged frame until it is settled', () => {
    const gate = new FlowGate(limits);
    for (const id of ['a', 'b', 'c', 'd', 'e']) gate.push({ id, bytes: 1 }, 0);
    expect(gate.waiting).toBe(1);
    expect(ids(gate.acknowledge('a', 0))).toEqual([]);
    expect(ids(gate.settle('a', 0))).toEqual(['e']);
  });

  it('frees the places of frames that nobody answers', () => {
    const gate = new FlowGate(limits);
    gate.push({ id: 'a', bytes: 1 }, 0);
    gate.push({ id: 'B', bytes: 500 }, 10);
    expect(gate.expire(49)).toEqual({ lost: [], release: [] });
    const { lost, release } = gate.expire(50);
    expect(lost).toEqual(['a']);
    expect(ids(release)).toEqual(['B']);
  });

  it('knows what a server can never take', () => {
    expect(new FlowGate(drachtioLimits).fits({ id: 'a', bytes: 12_201 })).toBe(false);
    expect(new FlowGate(drachtioLimits).fits({ id: 'a', bytes: 12_200 })).toBe(true);
    expect(new FlowGate(unboundedLimits).fits({ id: 'a', bytes: 1e7 })).toBe(true);
  });

  it('keeps the order, loses nothing and never breaks its limits, whatever happens when', () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant('push' as const), bytes: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ act: fc.constantFrom('acknowledge' as const, 'settle' as const), pick: fc.nat() }),
      fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 80 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const gate = new FlowGate(limits);
        const sent: string[] = [];
        const open = new Set<string>();
        const unacknowledged = new Map<string, number>();
        let now = 0;
        let count = 0;
        const sizes = new Map<string, number>();
        const write = (frames: readonly Frame[]): void => {
          for (const { id, bytes } of frames) {
            expect(open.size).toBeLessThan(limits.window);
            if (bytes > limits.soloBytes) expect(unacknowledged.size).toBe(0);
            expect([...unacknowledged.values()].every((size) => size <= limits.soloBytes)).toBe(true);
            sent.push(id);
            open.add(id);
            unacknowledged.set(id, bytes);
          }
        };
        const free = (id: string, settled: boolean): void => {
          unacknowledged.delete(id);
          if (settled) open.delete(id);
        };
        for (const { act, ...with_ } of steps) {
          if ('bytes' in with_) {
            const id = String(count++);
            sizes.set(id, with_.bytes);
            write(gate.push({ id, bytes: with_.bytes }, now));
          } else if ('ms' in with_) {
            now += with_.ms;
            const { lost, release } = gate.expire(now);
            for (const id of lost) free(id, true);
            write(release);
          } else {
            const id = [...open][with_.pick % Math.max(1, open.size)];
            if (id === undefined) continue;
            free(id, act === 'settle');
            write(act === 'settle' ? gate.settle(id, now) : gate.acknowledge(id, now));
          }
        }
        while (gate.underWay > 0) {
          now += limits.patienceMs;
          const { lost, release } = gate.expire(now);
          for (const id of lost) free(id, true);
          write(release);
        }
        expect(sent).toEqual([...sizes.keys()]);
      }),
    );
  });
});
