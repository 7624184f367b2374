import { describe, expect, it } from 'vitest';
import type { Ask, AskAnswer } from '../../../src/bus/asks.ts';
import type { FactEvent } from '../../../src/bus/bus.ts';
import { createMemoryAsks, createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { globalLink, onlyKey } from '../../../src/conference-info/meeting.ts';
import type { Aor } from '../../../src/identity/aor.ts';
import { createLog } from '../../../src/log.ts';
import { addAdminRoutes } from '../../../src/service/admin.ts';
import { createHttp } from '../../../src/service/http.ts';
import { createMetrics } from '../../../src/service/metrics.ts';
import { bobAor, bobJid, leg, link, occupant, room } from '../policy/meeting-fixture.ts';

const log = createLog({ level: 'silent' });
const nothing = {
  legs: new Map(),
  callsOverRate: 0,
  subscriptions: 0,
  notifies: { sent: 0, failed: 0, tooLarge: 0, waiting: 0 },
  documents: { builds: 0, cut: 0, omitted: 0 },
};
const token = 'a-token-of-the-tests';

async function desk(answer: (ask: Ask) => AskAnswer = () => ({ ok: true, notes: [] })) {
  const bus = createMemoryBus(log);
  const asks = createMemoryAsks(log);
  const asked: Ask[] = [];
  const hear = async (ask: Ask): Promise<AskAnswer> => {
    asked.push(ask);
    return answer(ask);
  };
  asks.serve({ owner: 'room' }, hear);
  asks.serve({ owner: 'focus', instance: 'i' }, hear);
  await bus.start();
  await bus.publish('tea', 'room', onlyKey, room());
  await bus.publish('tea', 'occupant', 'Bob', occupant());
  await bus.publish('tea', 'leg', 'l1', leg());
  await bus.publish('tea', 'leg', 'l2', leg({ leg: 'l2', aor: null, proof: null, label: 'Phone' }));
  await bus.publish(globalLink, 'binding', bobAor, { aor: bobAor, jid: bobJid, proof: 'directory' });
  const server = createHttp({
    ...{ token, log, readiness: () => [], metrics: createMetrics(() => nothing) },
    admin: (admin) => addAdminRoutes(admin, { links: [link], bus, asks }),
  });
  const call = async (method: 'GET' | 'POST', path: string, payload?: object) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await server.inject({ method, url: `/admin${path}`, headers, ...(payload ? { payload } : {}) });
    return { status: response.statusCode, body: response.json() };
  };
  return { bus, asked, call };
}

describe('an operator', () => {
  it('sees each person once, with what reaches them', async () => {
    const { call } = await desk();
    const { body } = await call('GET', '/links/tea');
    expect(body.persons).toMatchObject([
      { jid: bobJid, involvement: 'both', nicks: [{ nick: 'Bob' }], calls: [{ call: 'l1', muted: false }] },
      { jid: null, involvement: 'media', nicks: [], calls: [{ label: 'Phone' }] },
    ]);
    expect((await call('GET', '/links')).body).toMatchObject([{ id: 'tea', occupants: 1, calls: 2 }]);
  });

  it('asks, and hears what the owner says', async () => {
    const { call, asked } = await desk(() => ({ ok: true, notes: ['still muted by the caller'] }));
    const answer = await call('POST', '/links/tea/mute', { person: 'Bob', reason: 'noise', by: 'dora' });
    expect(answer).toEqual({ status: 200, body: { ok: true, notes: ['still muted by the caller'] } });
    expect(asked).toEqual([{ to: 'room', link: 'tea', act: 'mute', nick: 'Bob', by: 'dora', reason: 'noise' }]);
    await call('POST', '/links/tea/reopen');
    expect(asked[1]).toEqual({ to: 'room', link: 'tea', act: 'reopen', by: 'operator', reason: null });
  });

  it.each(['reopen', 'close', 'lock', 'unlock'] as const)('asks the room to %s the link', async (act) => {
    const { call, asked } = await desk();
    expect((await call('POST', `/links/tea/${act}`, { reason: 'lunch' })).status).toBe(200);
    expect(asked).toEqual([{ to: 'room', link: 'tea', act, by: 'operator', reason: 'lunch' }]);
    expect((await call('POST', `/links/none/${act}`)).status).toBe(404);
  });

  it('sees who locked a conference, and why', async () => {
    const { call, bus } = await desk();
    expect((await call('GET', '/links/tea')).body.locked).toBeNull();
    const locked = { by: 'dora', reason: 'board only' };
    await bus.publish('tea', 'link', onlyKey, { room: 'r', conference: 'c', state: 'open', reason: null, locked });
    expect((await call('GET', '/links')).body).toMatchObject([{ id: 'tea', locked }]);
    expect((await call('GET', '/links/tea')).body).toMatchObject({ locked });
  });

  it('hears a refusal once, with the way out', async () => {
    const text = 'The room does not allow this (not-allowed). The call alone can be muted with --audio-only.';
    const { call, asked } = await desk(() => ({ ok: false, condition: 'not-allowed', text }));
    const answer = await call('POST', '/links/tea/mute', { person: 'Bob' });
    expect(answer).toEqual({ status: 409, body: { error: 'not-allowed', text } });
    expect(asked).toHaveLength(1);
  });

  it('lifts the ban of a caller without a JID', async () => {
    const { call, bus } = await desk();
    const aor = 'sip:carol@elsewhere.example' as Aor;
    await bus.publish('tea', 'caller-ban', aor, { aor, reason: null, by: null });
    expect((await call('POST', '/links/tea/unban', { person: aor })).body).toEqual({ ok: true, notes: [] });
    expect(bus.facts.meeting('tea').callerBans.size).toBe(0);
    expect((await call('POST', '/links/tea/unban', { person: aor })).body.notes).toHaveLength(1);
  });

  it.each([
    ['an unknown link', '/links/none/mute', { person: 'Bob' }, 404],
    ['an unknown act', '/links/tea/tickle', { person: 'Bob' }, 404],
    ['an unknown person', '/links/tea/mute', { person: 'Zoe' }, 404],
    ['no person', '/links/tea/mute', {}, 400],
    ['a key that is none', '/links/tea/mute', { person: 'Bob', audioOnly: true }, 400],
    ['a value of another kind', '/links/tea/mute', { person: 7 }, 400],
    ['a link of which nothing stands', '/links/none/forget', {}, 404],
    ['force that is no yes or no', '/links/none/forget', { force: 'yes' }, 400],
    ['a body that is a list', '/links/tea/mute', [], 400],
  ])('is told what is wrong with %s', async (_, path, payload, status) => {
    const { call, asked } = await desk();
    const answer = await call('POST', path, payload);
    expect(answer.status).toBe(status);
    expect(answer.body.text).toMatch(/\w{3}/);
    expect(asked).toEqual([]);
  });

  describe('forgets a link', () => {
    const everything = async () => {
      const { bus, call } = await desk();
      const aor = 'sip:carol@elsewhere.example' as Aor;
      await bus.publish('old', 'link', onlyKey, { room: 'old@rooms.x', conference: 'c', state: 'open', reason: null });
      await bus.publish('old', 'room', onlyKey, room({ joined: false }));
      await bus.publish('old', 'occupant', 'Bob', occupant());
      await bus.publish('old', 'affiliation', bobJid, {
        jid: bobJid,
        affiliation: 'outcast',
        reason: null,
        by: null,
      });
      await bus.publish('old', 'voice-taken', bobJid, { jid: bobJid, by: null });
      await bus.publish('old', 'expulsion', 'e1', { id: 'e1', jid: bobJid, cause: 'kick', reason: null, by: null });
      await bus.publish('old', 'caller-ban', aor, { aor, reason: null, by: null });
      return { bus, call };
    };

    it('that is not in the configuration any more: nothing of it stands, and no other link is touched', async () => {
      const { bus, call } = await everything();
      const events: FactEvent[] = [];
      bus.listen((event) => events.push(event));
      expect(await call('POST', '/links/old/forget')).toEqual({
        status: 200,
        body: { ok: true, notes: ['7 facts were taken back'] },
      });
      expect(events.map(({ link, value }) => [link, value])).toEqual(Array(7).fill(['old', null]));
      expect((await call('POST', '/links/old/forget')).status).toBe(404);
      expect(bus.facts.meeting('tea').occupants.size).toBe(1);
    });

    it('but none that is configured, even by force', async () => {
      const { bus, call } = await everything();
      expect((await call('POST', '/links/tea/forget', { force: true })).status).toBe(409);
      expect(bus.facts.meeting('tea').room).not.toBeNull();
    });

    it.each(['a room that is entered', 'a call'])('and one with %s by force only', async (what) => {
      const { bus, call } = await everything();
      if (what === 'a call') await bus.publish('old', 'leg', 'l9', leg({ leg: 'l9' }));
      else await bus.publish('old', 'room', onlyKey, room());
      const refused = await call('POST', '/links/old/forget');
      expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
      expect(bus.facts.meeting('old').occupants.size).toBe(1);
      expect((await call('POST', '/links/old/forget', { force: true })).status).toBe(200);
      expect(bus.facts.meeting('old')).toMatchObject({ link: null, room: null });
      expect(bus.facts.meeting('old').legs.size).toBe(0);
    });
  });

  it('is told when the instance that holds a call does not answer', async () => {
    const { call, bus } = await desk();
    await bus.publish('tea', 'leg', 'l2', leg({ leg: 'l2', aor: null, proof: null, label: 'Phone', instance: 'gone' }));
    expect((await call('POST', '/links/tea/mute', { person: 'Phone' })).status).toBe(503);
  });
});
