import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { createLog } from '../../../src/log.ts';
import type { Mixer, MixerMember } from '../../../src/sip-focus/mixer.ts';
import { StrayMembers } from '../../../src/sip-focus/stray-members.ts';
import { legFact } from './leg-fixture.ts';

const log = createLog({ level: 'silent' });
const member = (leg: string): MixerMember => ({
  ...{ conference: 'tea', leg, muted: false, talking: false },
  ref: { channel: leg },
});

async function stage() {
  const bus = createMemoryBus(log);
  await bus.start();
  await bus.publish('tea', 'leg', 'leg-known', legFact('leg-known', 'focus-2', 'g'));
  const members = [member('leg-known'), member('leg-stray'), member('leg-joining')];
  const removed: string[] = [];
  const mixer = {
    list: async () => members,
    adopt: async () => true,
    remove: async (leg: string) => void removed.push(leg),
  };
  return { bus, members, removed, strays: new StrayMembers(bus, mixer as unknown as Mixer, log, 1) };
}

describe('members of the mixer that no fact speaks of', () => {
  it('are ended when nothing is known of them later either; who was joining or came later is not', async () => {
    const at = await stage();
    await at.strays.look();
    await at.bus.publish('tea', 'leg', 'leg-joining', legFact('leg-joining', 'focus-2', 'g'));
    at.members.push(member('leg-later'));
    await expect.poll(() => at.removed).toEqual(['leg-stray']);
  });

  it('are left alone while the bus is away, and after the end of the process', async () => {
    const at = await stage();
    await at.strays.look();
    await at.bus.close();
    const stopped = await stage();
    await stopped.strays.look();
    stopped.strays.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([at.removed, stopped.removed]).toEqual([[], []]);
  });
});
