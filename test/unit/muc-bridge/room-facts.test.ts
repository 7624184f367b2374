/** The end of a room and its coming back, as facts: who owned it is known until they own it again. */
import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { mostOwners } from '../../../src/conference-info/link.ts';
import { onlyKey } from '../../../src/conference-info/meeting.ts';
import type { Affiliation } from '../../../src/conference-info/occupant.ts';
import { createLog } from '../../../src/log.ts';
import { restoreOwners } from '../../../src/muc-bridge/room-entry.ts';
import { RoomFacts } from '../../../src/muc-bridge/room-facts.ts';
import type { RoomAnswer, RoomService } from '../../../src/muc-bridge/room-service.ts';
import { Rooms } from '../../../src/muc-bridge/rooms.ts';
import { mayReopen } from '../../../src/policy/command-rights.ts';
import { alice, bob, desk } from './command-stage.ts';

const log = createLog({ level: 'silent' });
const link = {
  id: 'tea',
  room: 'tea@rooms.example',
  conference: 'sip:tea@conf.example',
  name: 'Tea',
  maximumUsers: 10,
};

class Stage {
  readonly bus = createMemoryBus(log);
  readonly facts = new RoomFacts(this.bus, link);

  get linkFact() {
    return this.facts.meeting.link;
  }

  async listed(jid: string, affiliation: Exclude<Affiliation, 'none'>): Promise<void> {
    await this.bus.publish('tea', 'affiliation', jid, { jid, affiliation });
  }

  async seen(nick: string, jid: string | null, affiliation: Affiliation): Promise<void> {
    await this.bus.publish('tea', 'occupant', nick, { nick, jid, role: 'moderator', affiliation, cause: 'default' });
  }

  /** As a new process finds things. */
  async restarted(): Promise<void> {
    const rooms = new Rooms({
      ...{ links: [link], bus: this.bus, log, nick: 'call', service: {} as RoomService, onEvent: () => undefined },
      ...{ resyncAfterMs: 1, healAfterMs: 1, selfPingEveryMs: 1, entriesAtOnce: 1 },
    });
    await rooms.publishLinks();
  }
}

const open = { room: link.room, conference: link.conference, state: 'open', reason: null };

async function destroyed(): Promise<Stage> {
  const stage = new Stage();
  await stage.facts.open();
  await stage.listed(alice, 'owner');
  await stage.listed(bob, 'admin');
  await stage.facts.close('over', 'room', desk);
  return stage;
}

describe('a lock', () => {
  const locked = { by: 'the desk', reason: 'board only' };
  const lockedLink = async () => {
    const stage = new Stage();
    await stage.facts.open();
    await stage.facts.lock(locked);
    return stage;
  };

  it('stands until it is lifted, over a restart', async () => {
    const stage = await lockedLink();
    await stage.restarted();
    expect(stage.linkFact).toEqual({ ...open, locked });
    await stage.facts.lock(null);
    expect(stage.linkFact).toEqual(open);
  });

  it('ends with the link, and is not put on a closed one', async () => {
    const stage = await lockedLink();
    await stage.facts.close('over', 'operator', desk);
    await stage.facts.lock(locked);
    expect(stage.linkFact).toEqual({ ...open, state: 'closed', reason: 'over', closedBy: 'operator' });
    await stage.facts.open();
    expect(stage.linkFact).toEqual(open);
  });
});

describe('a link whose room is destroyed', () => {
  it('knows who owned it, by its lists and by sight, once each, without the focus', async () => {
    const stage = new Stage();
    await stage.facts.open();
    await stage.listed(alice, 'owner');
    await stage.listed(desk, 'owner');
    await stage.listed('member@example.org', 'member');
    await stage.seen('Alice', alice, 'owner');
    await stage.seen('Bob', bob, 'owner');
    await stage.seen('Admin', 'admin@example.org', 'admin');
    await stage.seen('Somebody', null, 'owner');
    await stage.facts.close('over', 'room', desk);
    expect(stage.linkFact).toEqual({
      ...open,
      state: 'closed',
      reason: 'over',
      closedBy: 'room',
      owners: [alice, bob],
    });
    expect([stage.facts.meeting.affiliations.size, stage.facts.meeting.occupants.size]).toEqual([0, 0]);
    expect([alice, bob, 'admin@example.org', desk].map((jid) => mayReopen(jid, stage.linkFact))).toEqual([
      ...[true, true, false, false],
    ]);
  });

  it('remembers no more than can be said', async () => {
    const stage = new Stage();
    for (let each = 0; each < mostOwners + 5; each += 1) await stage.listed(`p${each}@example.org`, 'owner');
    await stage.facts.close('x'.repeat(5_000), 'room', desk);
    expect(stage.linkFact?.owners).toHaveLength(mostOwners);
    expect(stage.linkFact?.reason).toHaveLength(1_000);
  });

  it('is closed once', async () => {
    const stage = await destroyed();
    await stage.listed(bob, 'owner');
    await stage.facts.close('again', 'room', desk);
    expect(stage.linkFact).toMatchObject({ reason: 'over', owners: [alice] });
  });

  it('keeps its owners over a restart before and after it is open again, until they own the room', async () => {
    const stage = await destroyed();
    await stage.restarted();
    expect(stage.linkFact).toMatchObject({ state: 'closed', closedBy: 'room', owners: [alice] });
    await stage.facts.open();
    await stage.restarted();
    expect(stage.linkFact).toEqual({ ...open, owners: [alice] });
    expect(mayReopen(alice, stage.linkFact)).toBe(false);
    await stage.facts.forgetOwners();
    expect(stage.linkFact).toEqual(open);
    await stage.facts.forgetOwners();
    await stage.restarted();
    expect(stage.linkFact).toEqual(open);
  });

  it('that is destroyed again before its owners were back knows them still', async () => {
    const stage = await destroyed();
    await stage.facts.open();
    await stage.seen('Bob', bob, 'owner');
    await stage.facts.close('again', 'room', desk);
    await stage.facts.forgetOwners(); // of the entry that was under way
    expect(stage.linkFact).toMatchObject({ state: 'closed', owners: [alice, bob] });
  });

  it('is an operator’s to reopen once an operator has closed it, but its owners are not forgotten', async () => {
    const stage = await destroyed();
    await stage.facts.close('no more', 'operator', desk);
    expect(stage.linkFact).toMatchObject({ reason: 'over', closedBy: 'operator', owners: [alice] });
    expect(mayReopen(alice, stage.linkFact)).toBe(false);
  });
});

describe('a link that an operator closes', () => {
  it('is no owner’s to reopen, and gives nobody the room', async () => {
    const stage = new Stage();
    await stage.facts.open();
    await stage.listed(alice, 'owner');
    await stage.facts.close('lunch', 'operator', desk);
    expect(stage.linkFact).toEqual({ ...open, state: 'closed', reason: 'lunch', closedBy: 'operator' });
    expect(mayReopen(alice, stage.linkFact)).toBe(false);
  });

  it('before the owners were back keeps them for the day when it is opened', async () => {
    const stage = await destroyed();
    await stage.facts.open();
    await stage.facts.close('lunch', 'operator', desk);
    expect(stage.linkFact).toMatchObject({ closedBy: 'operator', owners: [alice] });
  });

  it('is an operator’s also when an earlier version said so, or nobody said anything', async () => {
    const stage = new Stage();
    await stage.bus.publish('tea', 'link', onlyKey, { ...open, state: 'closed', reason: 'over' });
    expect(mayReopen(alice, stage.linkFact)).toBe(false);
    expect(mayReopen(alice, null)).toBe(false);
  });
});

describe('owners of a destroyed room', () => {
  /** A room service that grants or refuses, and remembers of whom. */
  function service(answer: (jid: string) => RoomAnswer): { made: string[][]; service: RoomService } {
    const made: string[][] = [];
    const setAffiliation: RoomService['setAffiliation'] = async (room, jid, affiliation) => {
      made.push([room, jid, affiliation]);
      return answer(jid);
    };
    return { made, service: { setAffiliation } as RoomService };
  }

  it('are made owners again, each of them, whatever becomes of the others', async () => {
    const { made, service: rooms } = service((jid) =>
      jid === alice ? { ok: false, condition: 'forbidden', text: '' } : { ok: true, value: null },
    );
    await restoreOwners(rooms, { ...open, state: 'open', owners: [alice, bob] }, log);
    expect(made).toEqual([
      [link.room, alice, 'owner'],
      [link.room, bob, 'owner'],
    ]);
  });

  it('are none where nothing was destroyed', async () => {
    const { made, service: rooms } = service(() => ({ ok: true, value: null }));
    await restoreOwners(rooms, { ...open, state: 'open' }, log);
    await restoreOwners(rooms, null, log);
    expect(made).toEqual([]);
  });
});
