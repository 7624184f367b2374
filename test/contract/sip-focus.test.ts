/** The focus on a real SIP server and mixer: calls, rights, subscriptions, faults; seen from the wire. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import type { OccupantFact, RoomFact } from '../../src/conference-info/occupant.ts';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { canonicalAor } from '../../src/identity/aor.ts';
import type { Credentials } from '../../src/identity/credentials.ts';
import { createLog } from '../../src/log.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import { drachtioLimits, unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import type { Mixer } from '../../src/sip-focus/mixer.ts';
import { createSipFocus, type SipFocusSettings } from '../../src/sip-focus/sip-focus.ts';
import { type DialOrder, SignalingDialer } from '../../src/sip-focus/uac-dialer.ts';
import { authorize, headerOf, offer, type PeerDialog, type SipMessage, SipPeer, statusOf } from './sip-focus-peer.ts';

const log = createLog({ level: (process.env.TEST_LOG as 'debug' | undefined) ?? 'silent' });
const link = {
  id: 'tea',
  room: 'tea@rooms.example',
  conference: 'sip:tea@conf.example',
  name: 'Tea',
  maximumUsers: 3,
};
const room: RoomFact = {
  joined: true,
  name: 'Tea',
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: false,
  advertised: 'room',
};
const alice: OccupantFact = {
  nick: 'alice',
  jid: 'alice@example.com',
  role: 'participant',
  affiliation: 'none',
  cause: 'default',
};
const aliceAor = canonicalAor('sip:alice@example.com');
if (aliceAor === null) throw new Error('not an AOR');
const secret = { user: 'alice', password: 'wonderland' };
const ha1 = (algorithm: string) =>
  createHash(algorithm).update(`${secret.user}:example.com:${secret.password}`).digest('hex');
const credentials: Credentials = {
  find: async (username, realm) =>
    username === 'alice' && realm === 'example.com'
      ? { username, aor: aliceAor, ha1: { md5: ha1('md5'), sha256: ha1('sha256') } }
      : null,
};

async function eventually(holds: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`it never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Stands between the focus and its SIP server, so that the connection can be cut. */
async function cuttable(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stop(): void {
      server.close();
      cut();
    },
  };
}

async function stage(settings: Partial<SipFocusSettings> = {}) {
  const agent = await createSipAgent({
    admin: { host: '127.0.0.1', port: 0 },
    secret: 'cymru',
    listen: [{ protocol: 'udp', host: '127.0.0.1', port: 0 }],
    log,
  });
  cleanUp.push(() => agent.stop());
  const address = agent.addresses[0];
  if (!address) throw new Error('the agent has no address');
  const peer = await new SipPeer({ host: '127.0.0.1', port: address.port }).start();
  cleanUp.push(() => peer.stop());
  const wire = await cuttable(agent.adminPort);
  cleanUp.push(() => wire.stop());
  const mixer: Mixer = createEmbeddedMixer({ host: '127.0.0.1', log });
  await mixer.start();
  cleanUp.push(() => mixer.stop());
  const bus = createMemoryBus(log);
  await bus.start();
  const asks = createMemoryAsks(log);
  await bus.publish(link.id, 'link', '-', {
    room: link.room,
    conference: link.conference,
    state: 'open',
    reason: null,
  });
  await bus.publish(link.id, 'room', '-', room);
  const focus = createSipFocus({
    settings: {
      host: '127.0.0.1',
      port: wire.port,
      secret: 'cymru',
      limits: unboundedLimits,
      realm: 'example.com',
      accountDomains: ['example.com'],
      trustedPeers: [],
      authentication: 'offer',
      notifier: { minimumGapMs: 0 },
      ...settings,
    },
    links: [link],
    policy: defaultPolicy,
    bus,
    asks,
    mixer,
    credentials,
    log,
    instance: 'focus-1',
    generation: 'g1',
  });
  await focus.start();
  cleanUp.push(() => focus.stop());
  await eventually(() => focus.ready() && focus.debug().notifyConnected, 'the focus is ready');
  const legs = () => [...bus.facts.meeting(link.id).legs.values()];
  const uri = `sip:tea@conf.example`;
  const call = async (dialog: PeerDialog, headers: Record<string, string> = {}, sdp = offer()) => {
    const answer = await peer.request('INVITE', dialog, { 'Content-Type': 'application/sdp', ...headers }, sdp);
    if (statusOf(answer) === 200) peer.ack(dialog);
    return answer;
  };
  /** A call of alice, proved by digest. */
  const callAlice = async (algorithm: 'SHA-256' | 'MD5' = 'SHA-256') => {
    const dialog = peer.dialog('alice', uri, 'example.com', 'Alice');
    const challenge = await call(dialog);
    expect(statusOf(challenge)).toBe(401);
    const answer = await call(dialog, { Authorization: authorize(challenge, algorithm, secret, 'INVITE', uri) });
    return { dialog, answer };
  };
  return { agent, wire, mixer, bus, asks, focus, peer, legs, uri, call, callAlice };
}

type Stage = Awaited<ReturnType<typeof stage>>;

describe('the focus and calls', () => {
  let at: Stage;
  beforeEach(async () => {
    at = await stage();
  });

  it('joins a caller, says that it is a focus, publishes the leg and takes it back after BYE', async () => {
    const dialog = at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol');
    const answer = await at.call(dialog);
    expect(statusOf(answer)).toBe(200);
    expect(headerOf(answer, 'contact')).toMatch(/<sip:tea@127\.0\.0\.1:\d+[^>]*>;isfocus/);
    expect(headerOf(answer, 'allow-events')).toBe('conference');
    expect(answer.body).toContain('m=audio');
    await eventually(() => at.legs().length === 1, 'the leg is known');
    expect(at.legs()[0]).toMatchObject({ aor: null, proof: null, label: 'Carol', status: 'connected', muted: false });
    expect(await at.mixer.list()).toHaveLength(1);
    expect(statusOf(await at.peer.request('BYE', dialog))).toBe(200);
    await eventually(() => at.legs().length === 0, 'the leg is withdrawn');
    expect(await at.mixer.list()).toHaveLength(0);
    expect(statusOf(await at.peer.request('OPTIONS', dialog))).toBe(481);
  });

  it.each(['SHA-256', 'MD5'] as const)(
    'proves who calls with %s and refuses the same answer a second time',
    async (algorithm) => {
      const dialog = at.peer.dialog('alice', at.uri, 'example.com');
      const challenge = await at.call(dialog);
      expect(statusOf(challenge)).toBe(401);
      expect(challenge.headers.get('www-authenticate')?.map((line) => /algorithm=([^,]+)/.exec(line)?.[1])).toEqual([
        'SHA-256',
        'MD5',
      ]);
      const answer = authorize(challenge, algorithm, secret, 'INVITE', at.uri);
      expect(statusOf(await at.call(dialog, { Authorization: answer }))).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      expect(at.legs()[0]).toMatchObject({ aor: aliceAor, proof: 'digest' });
      const thief = await at.call(at.peer.dialog('alice', at.uri, 'example.com'), { Authorization: answer });
      expect(statusOf(thief)).toBe(401);
      expect(headerOf(thief, 'www-authenticate')).toContain('stale=true');
    },
  );

  it('refuses wrong passwords, in the end for good', async () => {
    const dialog = at.peer.dialog('alice', at.uri, 'example.com');
    const statuses: number[] = [];
    let challenge = await at.call(dialog);
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const wrong = authorize(challenge, 'SHA-256', { user: 'alice', password: 'x' }, 'INVITE', at.uri);
      const answer = await at.call(dialog, { Authorization: wrong });
      statuses.push(statusOf(answer));
      if (statusOf(answer) === 401) challenge = answer;
    }
    expect(statuses).toEqual([401, 401, 401, 401, 403, 403]);
    expect(at.legs()).toHaveLength(0);
  });

  it('answers what it cannot do as the standards say', async () => {
    const { peer, uri } = at;
    expect(statusOf(await at.call(peer.dialog('carol', 'sip:nobody@conf.example')))).toBe(404);
    expect(statusOf(await at.call(peer.dialog('carol', uri), { Require: 'precondition' }))).toBe(420);
    const small = await at.call(peer.dialog('carol', uri), { Supported: 'timer', 'Session-Expires': '30' });
    expect([statusOf(small), headerOf(small, 'min-se')]).toEqual([422, '90']);
    expect(
      statusOf(await at.call(peer.dialog('carol', uri), {}, offer().replace(/m=audio.*/, 'm=video 4000 RTP/AVP 99'))),
    ).toBe(488);
    const message = await peer.request('MESSAGE', peer.dialog('carol', uri), { 'Content-Type': 'text/plain' }, 'hello');
    expect(statusOf(message)).toBe(405);
    const options = await peer.request('OPTIONS', peer.dialog('carol', uri));
    expect(statusOf(options)).toBe(200);
    expect(headerOf(options, 'contact')).toContain(';isfocus');
    expect(await at.mixer.list()).toHaveLength(0);
  });

  it('is full at its limit', async () => {
    for (let call = 0; call < link.maximumUsers; call += 1) {
      expect(statusOf(await at.call(at.peer.dialog(`caller${call}`, at.uri)))).toBe(200);
    }
    const calls = await Promise.all([1, 2].map((call) => at.call(at.peer.dialog(`late${call}`, at.uri))));
    expect(calls.map(statusOf)).toEqual([486, 486]);
  });

  it('offers media to a caller without an offer and joins them with the ACK', async () => {
    const dialog = at.peer.dialog('carol', at.uri);
    const answer = await at.peer.request('INVITE', dialog);
    expect(statusOf(answer)).toBe(200);
    expect(answer.body).toContain('m=audio');
    at.peer.ack(dialog, offer(40_002, 'sendonly'));
    await eventually(() => at.legs()[0]?.status === 'on-hold', 'the answer in the ACK is taken');
  });

  it('ends a call whose ACK does not answer our offer', async () => {
    const dialog = at.peer.dialog('carol', at.uri);
    await at.peer.request('INVITE', dialog);
    at.peer.ack(dialog);
    expect(headerOf(await at.peer.waitRequest('BYE', dialog), 'reason')).toContain('cause=488');
    await eventually(() => at.legs().length === 0, 'the leg is gone');
    expect(await at.mixer.list()).toHaveLength(0);
  });

  it('tells a call that comes a second time from the one it has', async () => {
    const dialog = at.peer.dialog('carol', at.uri);
    const copy = { ...dialog };
    expect(statusOf(await at.call(dialog))).toBe(200);
    expect(statusOf(await at.call(copy))).toBe(482);
    expect(statusOf(await at.peer.request('OPTIONS', dialog))).toBe(200);
    expect(await at.mixer.list()).toHaveLength(1);
  });

  it('follows hold and resume, and an UPDATE that only refreshes', async () => {
    const dialog = at.peer.dialog('carol', at.uri);
    await at.call(dialog);
    const held = await at.call(dialog, {}, offer(40_000, 'sendonly'));
    expect(held.body).toMatch(/a=(recvonly|inactive)/);
    await eventually(() => at.legs()[0]?.status === 'on-hold', 'on hold');
    await at.call(dialog, {}, offer());
    await eventually(() => at.legs()[0]?.status === 'connected', 'resumed');
    const refreshed = await at.peer.request('UPDATE', dialog, {
      Supported: 'timer',
      'Session-Expires': '600;refresher=uac',
    });
    expect([statusOf(refreshed), headerOf(refreshed, 'session-expires')]).toEqual([200, '600;refresher=uac']);
  });

  it('leaves nothing behind a CANCEL', async () => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const dialog = at.peer.dialog(`carol${attempt}`, at.uri);
      const branch = at.peer.begin(dialog, offer());
      if (attempt % 2) await new Promise((resolve) => setTimeout(resolve, attempt / 4));
      at.peer.cancel(dialog, branch);
      const answer = await at.peer.wait(
        (message) =>
          statusOf(message) >= 200 &&
          headerOf(message, 'cseq').includes('INVITE') &&
          headerOf(message, 'call-id') === dialog.callId,
        'the end of the INVITE',
      );
      if (statusOf(answer) === 200) {
        dialog.to = headerOf(answer, 'to');
        at.peer.ack(dialog);
        await at.peer.request('BYE', dialog);
      }
    }
    await eventually(() => at.legs().length === 0, 'no leg is left');
    await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
    expect(at.agent.counts().dialogs).toBe(0);
  });
});

describe('the focus and the room', () => {
  let at: Stage;
  beforeEach(async () => {
    at = await stage();
    await at.bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
    await at.bus.publish(link.id, 'occupant', 'alice', alice);
  });

  it('mutes and unmutes with the voice in the room, once each', async () => {
    await at.callAlice();
    await eventually(() => at.legs().length === 1, 'the leg is known');
    const seen: unknown[] = [];
    at.bus.listen((event) => {
      if (event.kind === 'leg') seen.push([event.value?.mutes, event.value?.muted]);
    });
    await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
    await eventually(() => at.legs()[0]?.muted === true, 'muted');
    expect((await at.mixer.list())[0]?.muted).toBe(true);
    await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, cause: 'granted' });
    await eventually(() => at.legs()[0]?.muted === false, 'unmuted');
    expect(seen).toEqual([
      [['room'], true],
      [[], false],
    ]);
  });

  it('lets in muted whom the room gives no voice', async () => {
    await at.bus.publish(link.id, 'voice-taken', 'alice@example.com', { jid: 'alice@example.com', by: null });
    await at.callAlice();
    await eventually(() => at.legs().length === 1, 'the leg is known');
    expect(at.legs()[0]).toMatchObject({ muted: true, mutes: ['room'] });
  });

  it('keeps an operator mute below the room: giving voice back does not lift it', async () => {
    await at.callAlice();
    await eventually(() => at.legs().length === 1, 'the leg is known');
    const ask = { link: link.id, by: 'operator', reason: null, to: 'focus', leg: at.legs()[0]!.leg } as const;
    const target = { owner: 'focus', instance: 'focus-1' } as const;
    expect(await at.asks.ask(target, { ...ask, act: 'mute' })).toEqual({ ok: true, notes: [] });
    expect(at.legs()[0]).toMatchObject({ muted: true, mutes: ['operator'] });
    await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
    await eventually(() => at.legs()[0]?.mutes.length === 2, 'both reasons');
    expect(await at.asks.ask(target, { ...ask, act: 'unmute' })).toMatchObject({
      ok: true,
      notes: [expect.stringContaining('room')],
    });
    expect(at.legs()[0]).toMatchObject({ muted: true, mutes: ['room'] });
    await at.bus.publish(link.id, 'occupant', 'alice', alice);
    await eventually(() => at.legs()[0]?.muted === false, 'unmuted');
  });

  it('hangs up on whom the room sends out, and lets them call again', async () => {
    const { dialog } = await at.callAlice();
    await eventually(() => at.legs().length === 1, 'the leg is known');
    await at.bus.publish(link.id, 'expulsion', 'alice@example.com', {
      id: 'x1',
      jid: 'alice@example.com',
      cause: 'kick',
      reason: null,
      by: 'bob',
    });
    const bye = await at.peer.waitRequest('BYE', dialog);
    expect(headerOf(bye, 'reason')).toBe('SIP;cause=603;text="Removed from the room"');
    await eventually(() => at.legs().length === 0, 'the leg is gone');
    expect(statusOf((await at.callAlice()).answer)).toBe(200);
  });

  it('bans an address without a person in the room, and tells to use the room for others', async () => {
    await at.callAlice();
    await eventually(() => at.legs().length === 1, 'the leg is known');
    const target = { owner: 'focus', instance: 'focus-1' } as const;
    const ask = () =>
      ({ link: link.id, by: 'operator', reason: null, to: 'focus', act: 'ban', leg: at.legs()[0]!.leg }) as const;
    expect(await at.asks.ask(target, ask())).toMatchObject({ ok: false, condition: 'use-room' });
    await at.bus.withdraw('_', 'binding', aliceAor);
    expect(await at.asks.ask(target, ask())).toEqual({ ok: true, notes: [] });
    await eventually(() => at.legs().length === 0, 'the leg is gone');
    expect(statusOf((await at.callAlice()).answer)).toBe(403);
  });

  it('gives the floor of a moderated room to a phone, and takes it back', async () => {
    await at.bus.publish(link.id, 'room', '-', { ...room, moderated: true });
    await at.call(at.peer.dialog('carol', at.uri));
    await eventually(() => at.legs().length === 1, 'the leg is known');
    expect(at.legs()[0]).toMatchObject({ muted: true, mutes: ['room'] });
    const target = { owner: 'focus', instance: 'focus-1' } as const;
    const ask = { link: link.id, by: 'bob', reason: null, to: 'focus', leg: at.legs()[0]!.leg } as const;
    expect(await at.asks.ask(target, { ...ask, act: 'unmute' })).toEqual({ ok: true, notes: [] });
    expect(at.legs()[0]).toMatchObject({ muted: false, mutes: [], floor: true });
    expect(await at.asks.ask(target, { ...ask, act: 'mute' })).toEqual({ ok: true, notes: [] });
    expect(at.legs()[0]).toMatchObject({ muted: true, mutes: ['room', 'operator'], floor: false });
    expect(await at.asks.ask(target, { ...ask, act: 'remove', reason: 'too\r\nloud' })).toEqual({
      ok: true,
      notes: [],
    });
    expect(await at.asks.ask(target, { ...ask, act: 'remove' })).toMatchObject({
      ok: false,
      condition: 'item-not-found',
    });
    const bye = await at.peer.wait((message) => message.start.startsWith('BYE '), 'BYE');
    expect(headerOf(bye, 'reason')).toBe('SIP;cause=603;text="too loud"');
  });

  it('ends everything when the link is closed', async () => {
    const { dialog } = await at.callAlice();
    await eventually(() => at.legs().length === 1, 'the leg is known');
    await at.bus.publish(link.id, 'link', '-', {
      room: link.room,
      conference: link.conference,
      state: 'closed',
      reason: 'over',
    });
    await at.peer.waitRequest('BYE', dialog);
    expect(statusOf(await at.call(at.peer.dialog('carol', at.uri)))).toBe(404);
  });
});

describe('the focus and its watchers', () => {
  let at: Stage;
  beforeEach(async () => {
    at = await stage();
    await at.bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
    await at.bus.publish(link.id, 'occupant', 'alice', alice);
  });

  const subscription = { Event: 'conference', Accept: 'application/conference-info+xml', Expires: '600' };

  /** Subscribes as alice, who is in the room. */
  async function watch(headers: Record<string, string> = {}) {
    const dialog = at.peer.dialog('alice', at.uri, 'example.com');
    const challenge = await at.peer.request('SUBSCRIBE', dialog, { ...subscription, ...headers });
    expect(statusOf(challenge)).toBe(401);
    const Authorization = authorize(challenge, 'SHA-256', secret, 'SUBSCRIBE', at.uri);
    const answer = await at.peer.request('SUBSCRIBE', dialog, { ...subscription, ...headers, Authorization });
    return { dialog, answer };
  }

  it('tells the whole state at once, then changes, with versions that count up', async () => {
    const { dialog, answer } = await watch();
    expect([statusOf(answer), headerOf(answer, 'expires')]).toEqual([200, '600']);
    const first = await at.peer.waitRequest('NOTIFY', dialog);
    expect(headerOf(first, 'event')).toBe('conference');
    expect(headerOf(first, 'subscription-state')).toMatch(/^active;expires=(600|599)$/);
    expect(headerOf(first, 'contact')).toMatch(/<sip:tea@127\.0\.0\.1:\d+/);
    expect(headerOf(first, 'content-type')).toBe('application/conference-info+xml');
    expect(first.body).toMatch(/state="full" version="1"/);
    await at.call(at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol'));
    const second = await at.peer.waitRequest('NOTIFY', dialog);
    expect(second.body).toMatch(/state="partial" version="2"/);
    expect(second.body).toContain('Carol');
  });

  it('ends a subscription when asked, by time, and with the conference', async () => {
    const { dialog } = await watch();
    await at.peer.waitRequest('NOTIFY', dialog);
    expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, { ...subscription, Expires: '0' }))).toBe(200);
    expect(headerOf(await at.peer.waitRequest('NOTIFY', dialog), 'subscription-state')).toBe(
      'terminated;reason=timeout',
    );
    expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, subscription))).toBe(481);
    const other = await watch();
    await at.peer.waitRequest('NOTIFY', other.dialog);
    await at.bus.publish(link.id, 'link', '-', {
      room: link.room,
      conference: link.conference,
      state: 'closed',
      reason: 'over',
    });
    const last = await at.peer.waitRequest('NOTIFY', other.dialog);
    expect(headerOf(last, 'subscription-state')).toBe('terminated;reason=noresource');
    await eventually(() => at.focus.debug().subscriptions === 0, 'nobody watches');
  });

  it('answers a fetch with one document', async () => {
    const { dialog, answer } = await watch({ Expires: '0' });
    expect(statusOf(answer)).toBe(200);
    const only = await at.peer.waitRequest('NOTIFY', dialog);
    expect(headerOf(only, 'subscription-state')).toBe('terminated;reason=timeout');
    expect(only.body).toContain('state="full"');
  });

  it('refreshes with a full state and refuses what it cannot serve', async () => {
    const { dialog } = await watch();
    await at.peer.waitRequest('NOTIFY', dialog);
    expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, subscription))).toBe(200);
    expect((await at.peer.waitRequest('NOTIFY', dialog)).body).toMatch(/state="full" version="2"/);
    const statuses = async (headers: Record<string, string>) =>
      statusOf(await at.peer.request('SUBSCRIBE', at.peer.dialog('alice', at.uri, 'example.com'), headers));
    expect(await statuses({ ...subscription, Event: 'presence' })).toBe(489);
    expect(await statuses({ ...subscription, Accept: 'application/pidf+xml' })).toBe(406);
    expect(await statuses({ ...subscription, Expires: '5' })).toBe(423);
  });

  it('serves a caller who subscribes inside the call, and the end of that does not end the call', async () => {
    const call = at.peer.dialog('carol', at.uri);
    await at.call(call);
    expect(statusOf(await at.peer.request('SUBSCRIBE', call, subscription))).toBe(200);
    expect((await at.peer.waitRequest('NOTIFY', call)).body).toContain('state="full"');
    expect(statusOf(await at.peer.request('SUBSCRIBE', call, { ...subscription, Expires: '0' }))).toBe(200);
    expect(headerOf(await at.peer.waitRequest('NOTIFY', call), 'subscription-state')).toContain('terminated');
    expect(statusOf(await at.peer.request('OPTIONS', call))).toBe(200);
    await eventually(() => at.legs().length === 1, 'the leg is known');
  });

  it('forgets a watcher who says that there is no such subscription', async () => {
    const { dialog } = await watch();
    await at.peer.waitRequest('NOTIFY', dialog);
    at.peer.answerWith = () => 481;
    await at.call(at.peer.dialog('carol', at.uri));
    await eventually(() => at.focus.debug().subscriptions === 0, 'the watcher is forgotten');
  });

  it('sends watchers away, ready to come back, when the process stops', async () => {
    const { dialog } = await watch();
    await at.peer.waitRequest('NOTIFY', dialog);
    await at.focus.stop();
    expect(headerOf(await at.peer.waitRequest('NOTIFY', dialog), 'subscription-state')).toBe(
      'terminated;reason=deactivated',
    );
  });
});

describe('the focus and many watchers', () => {
  it('tells everybody of a change once, within the limits of drachtio-server', async () => {
    const at = await stage({ watching: 'anyone', limits: drachtioLimits });
    const watchers = Array.from({ length: 200 }, (_, index) => at.peer.dialog(`w${index}`, at.uri));
    for (const watcher of watchers) {
      expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(200);
      await at.peer.waitRequest('NOTIFY', watcher);
    }
    await at.call(at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol'));
    for (const watcher of watchers) {
      const told = await at.peer.waitRequest('NOTIFY', watcher);
      expect(told.body).toMatch(/state="partial" version="2"/);
      expect(told.body).toContain('Carol');
    }
    await eventually(() => at.focus.debug().notify.unanswered === 0, 'every answer has been heard');
    expect(at.peer.heard.filter((message) => message.start.startsWith('NOTIFY'))).toEqual([]);
    expect(at.focus.debug().subscriptions).toBe(200);
  });
});

describe('the focus and the loss of its SIP server', () => {
  it('ends the calls of the lost connection, sends watchers to subscribe anew, and takes calls again', async () => {
    const at = await stage({ watching: 'anyone' });
    const call = at.peer.dialog('carol', at.uri);
    await at.call(call);
    const watcher = at.peer.dialog('dave', at.uri);
    expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(200);
    await at.peer.waitRequest('NOTIFY', watcher);
    await eventually(() => at.legs().length === 1, 'the leg is known');
    at.wire.cut();
    await eventually(() => !at.focus.ready(), 'the loss is seen');
    await eventually(() => at.focus.ready() && at.focus.debug().notifyConnected, 'connected again');
    await eventually(() => at.legs().length === 0, 'the dead leg is withdrawn');
    await eventually(() => at.focus.debug().subscriptions === 0, 'the dead subscription is forgotten');
    expect(await at.mixer.list()).toHaveLength(0);
    expect(statusOf(await at.call(at.peer.dialog('carol', at.uri)))).toBe(200);
    await eventually(() => at.legs().length === 1, 'the leg is known');
  });

  it('comes up when the SIP server comes later, and joins nobody while the mixer is away', async () => {
    const at = await stage();
    await at.mixer.stop();
    await eventually(() => !at.focus.ready(), 'not ready without a mixer');
    const answer = await at.call(at.peer.dialog('carol', at.uri));
    expect(statusOf(answer)).toBe(503);
    expect(Number(headerOf(answer, 'retry-after'))).toBeGreaterThan(0);
  });

  it('challenges everybody but trusted peers when proof is required', async () => {
    const at = await stage({ authentication: 'require' });
    expect(statusOf(await at.call(at.peer.dialog('carol', at.uri)))).toBe(401);
  });

  it('believes a trusted peer about who calls', async () => {
    const at = await stage({ authentication: 'require', trustedPeers: [{ address: '127.0.0.1' }] });
    const dialog = at.peer.dialog('anonymous', at.uri, 'anonymous.invalid', 'Anonymous');
    const headers = { 'P-Asserted-Identity': '<sip:alice@example.com>', Privacy: 'id' };
    expect(statusOf(await at.call(dialog, headers))).toBe(200);
    await eventually(() => at.legs().length === 1, 'the leg is known');
    expect(at.legs()[0]).toMatchObject({ aor: aliceAor, proof: 'trusted-peer', label: null, contact: null });
  });
});

describe('calls that the focus makes', () => {
  const order = (at: Stage, changes: Partial<DialOrder> = {}): DialOrder => ({
    uri: `sip:conf-tea@127.0.0.1:${at.peer.port}`,
    from: '<sip:leg-1@focus>',
    offer: offer(41_000),
    limitMs: 5000,
    onEnded: () => undefined,
    ...changes,
  });
  const dialer = (at: Stage) => new SignalingDialer(at.focus.signaling, log);
  const of = (method: string) => (message: SipMessage) => message.start.startsWith(`${method} `);

  it('offer, renegotiate and hang up', async () => {
    const at = await stage();
    at.peer.sdp = offer(42_000);
    const calls = dialer(at);
    const call = await calls.dial(order(at));
    expect(call.sdp).toBe(offer(42_000));
    const invite = await at.peer.wait(of('INVITE'), 'INVITE');
    expect(headerOf(invite, 'from')).toContain('<sip:leg-1@focus>');
    expect(invite.body).toBe(offer(41_000));
    at.peer.sdp = offer(42_002, 'recvonly');
    expect(await call.reoffer(offer(41_000, 'sendonly'))).toBe(offer(42_002, 'recvonly'));
    await calls.hangUp(call.dialogId);
    await at.peer.wait(of('BYE'), 'BYE');
  });

  it('take the offer of the called party and answer it in the ACK', async () => {
    const at = await stage();
    at.peer.sdp = offer(42_000);
    const call = await dialer(at).dial(order(at, { offer: null }));
    expect((await at.peer.wait(of('INVITE'), 'INVITE')).body).toBe('');
    await call.confirm(offer(41_000));
    expect((await at.peer.wait(of('ACK'), 'ACK')).body).toBe(offer(41_000));
  });

  it('fail with the status, after the limit, and without a SIP server', async () => {
    const at = await stage();
    at.peer.answerWith = () => 486;
    await expect(dialer(at).dial(order(at))).rejects.toMatchObject({
      code: 'SIP_REQUEST_FAILED',
      detail: { status: 486 },
    });
    at.peer.answerWith = () => null;
    await expect(dialer(at).dial(order(at, { limitMs: 100 }))).rejects.toMatchObject({ code: 'SIP_REQUEST_FAILED' });
    at.wire.stop();
    await eventually(() => !at.focus.ready(), 'the loss is seen');
    await expect(dialer(at).dial(order(at))).rejects.toMatchObject({ code: 'SIP_SERVER_UNAVAILABLE' });
  });
});
