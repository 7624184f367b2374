import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { createLog } from '../../../src/log.ts';
import { Departures, hungUp } from '../../../src/sip-focus/departures.ts';
import { legFact } from './leg-fixture.ts';

const log = createLog({ level: 'silent' });
const link = { id: 'tea', room: 'tea@r.example', conference: 'sip:tea@c.example', name: 'Tea', maximumUsers: 9 };
const fact = legFact('leg-a', 'focus-1', 'new');
const booted = { method: 'booted', reason: 'Too loud' } as const;

async function stage(shownMs: number) {
  const bus = createMemoryBus(log);
  await bus.start();
  await bus.publish('tea', 'leg', fact.leg, fact);
  await bus.publish('tea', 'occupant', 'Bob', {
    nick: 'Bob',
    jid: null,
    role: 'moderator',
    affiliation: 'owner',
    cause: 'default',
  });
  const departures = new Departures(bus, { instance: 'focus-1', generation: 'new' }, shownMs, log);
  const told = () => [...bus.facts.meeting('tea').departures.values()];
  return { bus, departures, told };
}

describe('departures', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are told of for as long as the setting says', async () => {
    const { departures, told } = await stage(10_000);
    await departures.tell(link, fact, { ...booted, by: 'Bob' });
    expect(told()).toEqual([
      { leg: fact, ...booted, by: 'xmpp:tea@r.example/Bob', when: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(told()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(told()).toEqual([]);
  });

  it.each([
    ['amy@im.example', 'xmpp:amy@im.example'],
    ['sip:amy@sip.example', 'sip:amy@sip.example'],
    ['the operator', null],
    [null, null],
  ])('name who did it by address (%s)', async (by, uri) => {
    const { departures, told } = await stage(10_000);
    await departures.tell(link, fact, { ...booted, by });
    expect(told()[0]?.by).toBe(uri);
  });

  it('are not told of when the setting is 0, or when nobody knew of the call', async () => {
    const none = await stage(0);
    await none.departures.tell(link, fact, hungUp);
    const some = await stage(10_000);
    await some.departures.tell(link, legFact('leg-b', 'focus-1', 'new'), hungUp);
    expect([none.told(), some.told()]).toEqual([[], []]);
  });

  it('go with the process, or are taken back by the next one; those of others stay', async () => {
    const { bus, departures, told } = await stage(10_000);
    await departures.tell(link, fact, hungUp);
    for (const [id, instance, generation] of [
      ['leg-o', 'focus-1', 'old'],
      ['leg-x', 'focus-2', 'old'],
    ] as const) {
      const leg = legFact(id, instance, generation);
      await bus.publish('tea', 'departure', id, { leg, ...booted, when: '2026-01-01T00:00:00Z', by: null });
    }
    await departures.takeOver();
    expect(told().map(({ leg }) => leg.leg)).toEqual(['leg-a', 'leg-x']);
    await departures.close();
    await departures.tell(link, fact, hungUp);
    expect(told().map(({ leg }) => leg.leg)).toEqual(['leg-x']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
