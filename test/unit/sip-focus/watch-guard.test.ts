import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bus } from '../../../src/bus/bus.ts';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import type { Aor } from '../../../src/identity/aor.ts';
import { createLog } from '../../../src/log.ts';
import { defaultPolicy } from '../../../src/policy/settings.ts';
import { SubscriptionQuota } from '../../../src/sip-focus/subscription-quota.ts';
import { WatchGuard } from '../../../src/sip-focus/watch-guard.ts';
import type { Watching } from '../../../src/sip-focus/watch-rights.ts';
import { type Watcher, WatcherRegister } from '../../../src/sip-focus/watcher-register.ts';
import { bobAor, bobJid, leg, link, occupant, room } from '../policy/meeting-fixture.ts';

const graceMs = 3000;
const bobIs = { aor: bobAor, jid: bobJid, proof: 'directory' } as const;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A conference with some watchers, and what the guard says of them. */
class Gate {
  readonly bus: Bus = createMemoryBus(createLog({ level: 'silent' }));
  readonly watchers = new WatcherRegister();
  readonly said: string[] = [];
  readonly guard: WatchGuard;

  constructor(watching: Watching) {
    this.guard = new WatchGuard({ watching, policy: defaultPolicy }, graceMs, this.bus.facts, this.watchers, {
      setView: ({ id }, view, self) => this.said.push(`${id} ${view} ${self}`),
      reject: (watcher) => {
        this.said.push(`${watcher.id} rejected`);
        this.watchers.delete(watcher);
        this.guard.forget(watcher);
      },
    });
    this.bus.listen((event) => this.guard.fact(event, link));
  }

  async open(): Promise<this> {
    await this.bus.start();
    await this.bus.publish('_', 'binding', bobAor, bobIs);
    await this.bus.publish(link.id, 'room', '-', room());
    return this;
  }

  watch(id: string, aor: Aor | null, conference = link.id): Watcher {
    const watcher = {
      id,
      link: conference,
      dialogId: id,
      connection: 1,
      event: 'conference',
      contact: '',
      aor,
      leg: null,
      person: null,
    };
    this.watchers.add(watcher);
    this.guard.review(link, watcher);
    return watcher;
  }

  /** What was said since this was last asked. */
  news(): string[] {
    return this.said.splice(0);
  }
}

describe('the rights of watchers', () => {
  it('follow who becomes a moderator and who is one no longer, and nobody else is looked at', async () => {
    const at = await new Gate('anyone').open();
    at.watch('bob', bobAor);
    at.watch('other', 'sip:eve@example.org' as Aor);
    at.watch('nobody', null);
    expect(at.news()).toEqual([
      `bob ordinary jid:${bobJid}`,
      'other ordinary aor:sip:eve@example.org',
      'nobody ordinary null',
    ]);
    await at.bus.publish(link.id, 'occupant', 'Bob', occupant({ role: 'moderator' }));
    expect(at.news()).toEqual([`bob moderator jid:${bobJid}`]);
    await at.bus.publish(link.id, 'occupant', 'Bob', occupant());
    expect(at.news()).toEqual([`bob ordinary jid:${bobJid}`]);
    await at.bus.publish(link.id, 'affiliation', bobJid, { jid: bobJid, affiliation: 'owner' });
    // What the room says of them now is newer than its list.
    expect(at.news()).toEqual([`bob ordinary jid:${bobJid}`]);
    await at.bus.withdraw(link.id, 'occupant', 'Bob');
    expect(at.news()).toEqual([`bob moderator jid:${bobJid}`]);
    await at.bus.publish(link.id, 'leg', 'l9', leg({ leg: 'l9', aor: null }));
    expect(at.news()).toEqual([]);
  });

  it('end at once for the banned and the expelled, also where anyone may watch', async () => {
    const at = await new Gate('anyone').open();
    for (const id of ['one', 'two', 'three']) at.watch(id, bobAor);
    at.watch('other', 'sip:eve@example.org' as Aor);
    at.news();
    const kick = { id: 'k1', jid: bobJid, cause: 'kick', reason: null, by: null } as const;
    await at.bus.publish(link.id, 'expulsion', bobJid, kick);
    expect(at.news()).toEqual(['one rejected', 'two rejected', 'three rejected']);
    at.watch('again', bobAor);
    await at.bus.publish(link.id, 'affiliation', bobJid, { jid: bobJid, affiliation: 'outcast' });
    expect(at.news()).toEqual([`again ordinary jid:${bobJid}`, 'again rejected']);
    const eve = 'sip:eve@example.org' as Aor;
    await at.bus.publish(link.id, 'caller-ban', eve, { aor: eve, reason: null, by: null });
    expect(at.news()).toEqual(['other rejected']);
  });

  it('outlast a moment outside of the room, but not two', async () => {
    const at = await new Gate('participants').open();
    await at.bus.publish(link.id, 'occupant', 'Bob', occupant());
    at.watch('bob', bobAor);
    await at.bus.withdraw(link.id, 'occupant', 'Bob');
    expect(at.news()).toEqual([`bob ordinary jid:${bobJid}`, 'bob ordinary null']);
    await vi.advanceTimersByTimeAsync(graceMs - 1);
    await at.bus.publish(link.id, 'occupant', 'Robert', occupant({ nick: 'Robert' }));
    await vi.advanceTimersByTimeAsync(graceMs * 2);
    expect(at.news()).toEqual([`bob ordinary jid:${bobJid}`]);
    await at.bus.withdraw(link.id, 'occupant', 'Robert');
    await vi.advanceTimersByTimeAsync(graceMs);
    expect(at.news()).toEqual(['bob ordinary null', 'bob rejected']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('of who hangs up are those of the room, if they are there', async () => {
    const at = await new Gate('participants').open();
    await at.bus.publish(link.id, 'leg', 'l1', leg());
    at.watch('bob', bobAor);
    await at.bus.publish(link.id, 'leg', 'l1', leg({ muted: true }));
    await at.bus.withdraw(link.id, 'leg', 'l1');
    expect(at.news()).toEqual([`bob ordinary jid:${bobJid}`, 'bob ordinary null']);
    await vi.advanceTimersByTimeAsync(graceMs);
    expect(at.news()).toEqual(['bob rejected']);
  });

  it('of people in a room that nobody sees at the moment wait until it is seen again', async () => {
    const at = await new Gate('moderators').open();
    await at.bus.publish(link.id, 'occupant', 'Bob', occupant({ role: 'moderator' }));
    at.watch('bob', bobAor);
    await at.bus.publish(link.id, 'room', '-', room({ joined: false }));
    await at.bus.withdraw(link.id, 'occupant', 'Bob');
    await vi.advanceTimersByTimeAsync(graceMs * 3);
    expect(at.news()).not.toContain('bob rejected');
    await at.bus.publish(link.id, 'room', '-', room());
    await vi.advanceTimersByTimeAsync(graceMs);
    expect(at.news()).toContain('bob rejected');
  });

  it('of everybody are looked at when the room is for members only', async () => {
    const at = await new Gate('anyone').open();
    at.watch('bob', bobAor);
    at.watch('nobody', null);
    await at.bus.publish(link.id, 'affiliation', bobJid, { jid: bobJid, affiliation: 'member' });
    at.news();
    await at.bus.publish(link.id, 'room', '-', room({ subject: 'Cake' }));
    expect(at.news()).toEqual([]);
    await at.bus.publish(link.id, 'room', '-', room({ membersOnly: true }));
    expect(at.news()).toEqual([`bob ordinary jid:${bobJid}`, 'nobody rejected']);
  });

  it('follow who somebody turns out to be', async () => {
    const at = await new Gate('anyone').open();
    at.watch('bob', bobAor);
    at.news();
    await at.bus.withdraw('_', 'binding', bobAor);
    expect(at.news()).toEqual([`bob ordinary aor:${bobAor}`]);
    await at.bus.publish(link.id, 'occupant', 'Bob', occupant({ role: 'moderator' }));
    expect(at.news()).toEqual([]);
    await at.bus.publish('_', 'binding', bobAor, bobIs);
    expect(at.news()).toEqual([`bob moderator jid:${bobJid}`]);
  });

  it('concern the watchers of that conference alone', async () => {
    const at = await new Gate('anyone').open();
    at.watch('bob', bobAor);
    at.watch('bob elsewhere', bobAor, 'milk');
    at.news();
    await at.bus.publish(link.id, 'occupant', 'Bob', occupant({ role: 'moderator' }));
    expect(at.news()).toEqual([`bob moderator jid:${bobJid}`]);
  });
});

describe('the register of watchers', () => {
  it('forgets in every way whom it forgets', () => {
    const register = new WatcherRegister();
    const base = { dialogId: 'd', connection: 1, event: 'conference', contact: '' };
    const a = { ...base, id: 'a', link: 'tea', aor: bobAor, leg: 'l1', person: 'jid:x' };
    const b = { ...base, id: 'b', link: 'tea', aor: null, leg: null, person: null };
    register.add(a);
    register.add(b);
    const found = () => [
      register.ofLink('tea'),
      register.ofAor(bobAor),
      register.ofLeg('l1'),
      register.ofPerson('jid:x'),
    ];
    expect(found().map(({ length }) => length)).toEqual([2, 1, 1, 1]);
    register.setPerson(a, 'jid:y');
    expect([register.ofPerson('jid:x').length, register.ofPerson('jid:y').length]).toEqual([0, 1]);
    register.delete({ ...a });
    expect(register.size).toBe(2);
    register.delete(a);
    expect([...found(), register.ofPerson('jid:y')].map(({ length }) => length)).toEqual([1, 0, 0, 0, 0]);
    expect([...register.all]).toEqual([b]);
  });
});

describe('how many subscriptions there may be', () => {
  it('is counted by conference and by account, and given back', () => {
    const quota = new SubscriptionQuota({ perConference: 3, perAccount: 2 });
    expect(quota.claim('tea', 'bob')).toBe('granted');
    expect(quota.claim('milk', 'bob')).toBe('granted');
    expect(quota.claim('tea', 'bob')).toBe('account-full');
    expect(quota.claim('tea', null)).toBe('granted');
    expect(quota.claim('tea', null)).toBe('granted');
    expect(quota.claim('tea', 'eve')).toBe('conference-full');
    quota.release('tea', 'bob');
    expect(quota.claim('tea', 'bob')).toBe('granted');
    quota.release('milk', 'bob');
    quota.release('tea', 'bob');
    expect(['bob', 'bob'].map((account) => quota.claim('milk', account))).toEqual(['granted', 'granted']);
  });
});
