import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { createLog } from '../../../src/log.ts';
import { Adoption } from '../../../src/sip-focus/adoption.ts';
import { Departures } from '../../../src/sip-focus/departures.ts';
import { Foci } from '../../../src/sip-focus/foci.ts';
import { Legs } from '../../../src/sip-focus/legs.ts';
import type { Mixer } from '../../../src/sip-focus/mixer.ts';
import type { DialogRequest, Signaling } from '../../../src/sip-focus/signaling.ts';
import { legFact } from './leg-fixture.ts';

const log = createLog({ level: 'silent' });
const link = { id: 'tea', room: 'tea@r.example', conference: 'sip:tea@c.example', name: 'Tea', maximumUsers: 9 };
async function stage(outlivesProcess: boolean, alive: readonly string[]) {
  const bus = createMemoryBus(log);
  await bus.start();
  const byes: string[] = [];
  const removed: string[] = [];
  const signaling = {
    request: async ({ method, dialogId }: DialogRequest) => {
      byes.push(`${method} ${dialogId}`);
      return { status: 481, reason: 'Gone' };
    },
  };
  const mixer = {
    name: 'fs',
    outlivesProcess,
    adopt: async ({ leg, ref }: { leg: string; ref: Record<string, string> }) =>
      alive.includes(leg) && ref.uuid === leg,
    remove: async (leg: string) => void removed.push(leg),
  };
  const me = { instance: 'focus-1', generation: 'new' };
  const departures = new Departures(bus, me, 60_000, log);
  const legs = new Legs(bus, mixer as unknown as Mixer, signaling as unknown as Signaling, departures, log);
  const adoption = new Adoption(bus, mixer as unknown as Mixer, legs, new Foci([link]), departures, me, log);
  for (const fact of [
    legFact('leg-a', 'focus-1', 'old'),
    legFact('leg-b', 'focus-1', 'old'),
    legFact('leg-other', 'focus-2', 'old'),
    legFact('leg-mine', 'focus-1', 'new'),
  ]) {
    await bus.publish('tea', 'leg', fact.leg, fact);
  }
  const facts = () =>
    [...bus.facts.meeting('tea').legs.values()].map((fact) => `${fact.leg} ${fact.generation}`).sort();
  return { bus, legs, adoption, byes, removed, facts };
}

describe('legs of an earlier process', () => {
  it('go on where the mixer still has them; the others are cleared away; nobody else is touched', async () => {
    const at = await stage(true, ['leg-a']);
    await at.adoption.takeOver();
    expect(at.facts()).toEqual(['leg-a new', 'leg-mine new', 'leg-other old']);
    expect(at.byes).toEqual(['BYE leg-b;from-tag=t']);
    expect(at.legs.byId('leg-a')?.fact).toMatchObject({ muted: true, mutes: ['room'] });
    const lost = [...at.bus.facts.meeting('tea').departures.values()];
    expect(lost).toMatchObject([
      { leg: { leg: 'leg-b', generation: 'new' }, method: 'failed', reason: expect.stringContaining('restarted') },
    ]);
  });

  it('are all cleared away when the mixer died with the process', async () => {
    const at = await stage(false, ['leg-a']);
    await at.adoption.takeOver();
    expect(at.facts()).toEqual(['leg-mine new', 'leg-other old']);
    expect(at.byes).toHaveLength(2);
  });

  it('survive a reconnection, since their dialogs never hung on it, and can still be ended', async () => {
    const at = await stage(true, ['leg-a', 'leg-b']);
    await at.adoption.takeOver();
    await at.adoption.reconnected(2);
    expect(at.legs.size).toBe(2);
    const leg = at.legs.byId('leg-a');
    if (!leg) throw new Error('not adopted');
    await Promise.all([at.legs.end(leg, { status: 603, text: 'x' }), at.legs.end(leg, { status: 603, text: 'x' })]);
    expect(at.byes).toEqual(['BYE leg-a;from-tag=t']);
    expect(at.removed).toEqual(['leg-a']);
    expect(at.facts()).toEqual(['leg-b new', 'leg-mine new', 'leg-other old']);
  });
});
