import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { createLog } from '../../../src/log.ts';
import { Departures } from '../../../src/sip-focus/departures.ts';
import { newLeg } from '../../../src/sip-focus/leg.ts';
import { Legs } from '../../../src/sip-focus/legs.ts';
import type { Mixer } from '../../../src/sip-focus/mixer.ts';
import type { DialogRequest, Signaling } from '../../../src/sip-focus/signaling.ts';
import { legFact } from './leg-fixture.ts';

const log = createLog({ level: 'silent' });
const link = { id: 'tea', room: 'tea@r.example', conference: 'sip:tea@c.example', name: 'Tea', maximumUsers: 9 };
const dialog = 'leg-a;from-tag=t';
const cause = { status: 603, text: 'Removed' };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** One leg whose 200 has gone out. */
async function stage() {
  const bus = createMemoryBus(log);
  await bus.start();
  const sent: DialogRequest[] = [];
  const signaling = {
    request: async (request: DialogRequest) => {
      sent.push(request);
      return { status: 200, reason: 'OK' };
    },
  };
  const removed: string[] = [];
  const mixer = { remove: async (leg: string) => void removed.push(leg) };
  const departures = new Departures(bus, { instance: 'f', generation: 'g' }, 0, log);
  const legs = new Legs(bus, mixer as unknown as Mixer, signaling as unknown as Signaling, departures, log);
  const leg = newLeg(link, legFact('leg-a', 'f', 'g'), 1, { sdp: '' });
  legs.reserve(leg);
  legs.answering(leg);
  await legs.publish(leg);
  const left = () => [...bus.facts.meeting('tea').legs.keys()];
  return { legs, leg, sent, removed, left };
}

describe('BYE to a caller who has not acknowledged our 200', () => {
  it('waits for the ACK, and for nothing else that ends with the call', async () => {
    const at = await stage();
    const ended = at.legs.end(at.leg, cause);
    await vi.advanceTimersByTimeAsync(10);
    expect([at.sent, at.removed, at.left(), at.legs.size]).toEqual([[], ['leg-a'], [], 0]);
    await vi.advanceTimersByTimeAsync(5000);
    await ended;
    expect(at.sent).toEqual([]);
    at.legs.acknowledged(dialog);
    await vi.advanceTimersByTimeAsync(0);
    expect(at.sent).toMatchObject([
      { method: 'BYE', dialogId: dialog, headers: { Reason: expect.stringContaining('603') } },
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at.sent).toHaveLength(1);
  });

  it('goes when the ACK can come no more, once, and nothing is left', async () => {
    const at = await stage();
    void at.legs.end(at.leg, cause);
    await vi.advanceTimersByTimeAsync(32_000);
    expect(at.sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(at.sent).toMatchObject([{ method: 'BYE', dialogId: dialog }]);
    at.legs.acknowledged(dialog);
    expect(at.legs.overtaken(dialog)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    expect(at.sent).toHaveLength(1);
  });

  it('goes at once when the ACK has come, or when the call is too old for one', async () => {
    const [one, other] = [await stage(), await stage()];
    one.legs.acknowledged(dialog);
    void one.legs.end(one.leg, cause);
    expect(one.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(34_000);
    void other.legs.end(other.leg, cause);
    expect(other.sent).toHaveLength(1);
  });

  it('does not go when the other side says it first', async () => {
    const at = await stage();
    void at.legs.end(at.leg, cause);
    expect(at.legs.overtaken(dialog)).toBe(true);
    expect(at.legs.overtaken(dialog)).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not go when the 200 could not: a CANCEL was faster', async () => {
    const at = await stage();
    void at.legs.end(at.leg, cause);
    await at.legs.ended(at.leg);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at.sent).toEqual([]);
  });

  it('is not held back for long by a process that stops, also that of a call which ended before', async () => {
    const at = await stage();
    void at.legs.end(at.leg, cause);
    await vi.advanceTimersByTimeAsync(3000);
    const released = at.legs.released();
    await vi.advanceTimersByTimeAsync(1500);
    await released;
    expect(at.sent).toMatchObject([{ method: 'BYE', dialogId: dialog }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
