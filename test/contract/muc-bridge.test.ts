/** The XMPP half on real servers: what happens in a room becomes facts, and asks become deeds in the room. */
import { xml } from '@xmpp/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryLeases } from '../../src/bus/memory-leases.ts';
import { findXmppServers, startXmppServer, type XmppServer } from '../harness/servers/xmpp-server.ts';
import { XmppUser } from '../harness/xmpp-user.ts';
import { Bench } from './muc-bridge-bench.ts';

const kinds = findXmppServers().filter((kind) => (process.env.XMPP_SERVER ?? kind) === kind);

describe.each(kinds)('muc-bridge on %s', (kind) => {
  let server: XmppServer;
  let alice: XmppUser;
  let bob: XmppUser;

  beforeAll(async () => {
    server = await startXmppServer(kind);
    await server.addUser('alice', 'pw');
    await server.addUser('bob', 'pw');
    await server.addUser('carol', 'pw');
    alice = await XmppUser.connect(server, 'alice', 'pw');
    bob = await XmppUser.connect(server, 'bob', 'pw');
  });

  afterAll(async () => {
    alice?.drop();
    bob?.drop();
    await server?.stop();
  });

  /** A bench whose room has alice as owner and moderator, and bob. */
  async function together(bench: Bench) {
    await bench.start();
    // The focus made the room, so it makes alice an owner as an operator would.
    await bench.ask({ act: 'tell-moderators', text: 'hello' });
    const aliceIn = await alice.join(bench.link.room, 'Alice');
    const bobIn = await bob.join(bench.link.room, 'Bob');
    await bench.until(() => bench.meeting.occupants.size === 2, 'both occupants');
    return { aliceIn, bobIn };
  }

  /** The same in a room that alice made before. */
  async function atHome(bench: Bench) {
    const aliceIn = await alice.join(bench.link.room, 'Alice');
    await aliceIn.configure({ 'muc#roomconfig_persistentroom': true });
    await bench.start();
    const bobIn = await bob.join(bench.link.room, 'Bob');
    await bench.until(() => bench.meeting.occupants.size === 2, 'both occupants');
    return { aliceIn, bobIn };
  }

  async function using(bench: Bench, work: (bench: Bench) => Promise<void>): Promise<void> {
    try {
      await work(bench);
    } finally {
      await bench.bridge.stop();
    }
  }

  it('makes a missing room, advertises the conference and says who comes in', async () => {
    await using(new Bench(server), async (bench) => {
      await together(bench);
      expect(bench.meeting.link).toMatchObject({ state: 'open', room: bench.link.room });
      expect(bench.meeting.room).toMatchObject({ joined: true, advertised: 'room', name: bench.link.name });
      expect(bench.meeting.occupants.get('Bob')).toEqual({
        nick: 'Bob',
        jid: bob.bareJid,
        role: 'participant',
        affiliation: 'none',
        cause: 'default',
      });
      const info = await bob.discoInfo(bench.link.room);
      expect(info.features).toContain('muc_persistent');
      expect(JSON.stringify(info)).toContain(bench.link.conference);
      expect(bench.meeting.occupants.has('call')).toBe(false);
    });
  });

  it('follows voice taken and given', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      await aliceIn.revokeVoice('Bob');
      await bench.until(() => bench.meeting.voicesTaken.has(bob.bareJid), 'voice taken');
      expect(bench.meeting.occupants.get('Bob')).toMatchObject({ role: 'visitor', cause: 'revoked' });
      await aliceIn.grantVoice('Bob');
      await bench.until(() => !bench.meeting.voicesTaken.has(bob.bareJid), 'voice given');
      await bench.until(() => bench.meeting.occupants.get('Bob')?.cause === 'granted', 'the cause of it');
    });
  });

  it('takes voice again from somebody who leaves and comes back, until a moderator gives it', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn, bobIn } = await atHome(bench);
      await aliceIn.revokeVoice('Bob');
      await bench.until(() => bench.meeting.voicesTaken.has(bob.bareJid), 'voice taken');
      await bobIn.leave();
      await bench.until(() => !bench.meeting.occupants.has('Bob'), 'Bob away');
      expect(bench.meeting.voicesTaken.has(bob.bareJid)).toBe(true);
      const again = await bob.join(bench.link.room, 'Robert');
      await again.until((room) => room.self?.role === 'visitor', 'voice taken again');
      await bench.until(() => bench.meeting.occupants.get('Robert')?.role === 'visitor', 'the fact of it');
      await aliceIn.grantVoice('Robert');
      await bench.until(() => bench.meeting.voicesTaken.size === 0, 'voice given');
      await again.until((room) => room.self?.role === 'participant', 'voice seen by Bob');
    });
  });

  it('says who was kicked, and why', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      await aliceIn.kick('Bob', 'too loud');
      await bench.until(() => bench.meeting.expulsions.has(bob.bareJid), 'the expulsion');
      expect(bench.meeting.expulsions.get(bob.bareJid)).toMatchObject({ cause: 'kick', reason: 'too loud' });
      await bench.until(() => !bench.meeting.occupants.has('Bob'), 'Bob away');
      expect(bench.meeting.affiliations.get(bob.bareJid)).toBeUndefined();
    });
  });

  it('says who was banned, once, and who no longer is', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const ids = new Set<string>();
      bench.bus.listen((event) => {
        if (event.kind === 'expulsion' && event.value) ids.add(event.value.id);
      });
      await aliceIn.ban(bob.bareJid);
      await bench.until(() => !bench.meeting.occupants.has('Bob'), 'Bob away');
      expect(bench.meeting.affiliations.get(bob.bareJid)?.affiliation).toBe('outcast');
      expect(bench.meeting.expulsions.get(bob.bareJid)).toMatchObject({ cause: 'ban' });
      expect(ids.size).toBe(1);
      await aliceIn.unban(bob.bareJid);
      await bench.until(() => !bench.meeting.affiliations.has(bob.bareJid), 'the ban lifted');
    });
  });

  it('says who lost the room when it became members-only, and only them', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const carol = await XmppUser.connect(server, 'carol', 'pw');
      await carol.join(bench.link.room, 'Carol');
      await aliceIn.setAffiliation(carol.bareJid, 'member');
      await bench.until(() => bench.meeting.affiliations.get(carol.bareJid)?.affiliation === 'member', 'the member');
      await aliceIn.configure({ 'muc#roomconfig_membersonly': true });
      await bench.until(() => bench.meeting.room?.membersOnly === true, 'members only');
      await bench.until(() => bench.meeting.expulsions.get(bob.bareJid)?.cause === 'membership', 'the expulsion');
      expect([...bench.meeting.occupants.keys()].sort()).toEqual(['Alice', 'Carol']);
      expect([...bench.meeting.expulsions.keys()]).toEqual([bob.bareJid]);
      await carol.disconnect();
    });
  });

  it('keeps what is known over a change of nick', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn, bobIn } = await atHome(bench);
      // ejabberd forbids visitors a new nick by default
      await bobIn.changeNick('Bobby');
      await bench.until(
        () => bench.meeting.occupants.has('Bobby') && !bench.meeting.occupants.has('Bob'),
        'the new nick',
      );
      await aliceIn.revokeVoice('Bobby');
      await bench.until(() => bench.meeting.voicesTaken.has(bob.bareJid), 'voice taken');
      expect(bench.meeting.expulsions.size).toBe(0);
    });
  });

  it('closes the link when the room is destroyed, stays out, and reopens when asked', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      await aliceIn.destroy('over');
      await bench.until(() => bench.meeting.link?.state === 'closed', 'the link closed');
      await bench.until(() => bench.meeting.room?.joined === false, 'the focus out');
      expect(bench.meeting.link?.reason).toBe('over');
      expect(bench.meeting.occupants.size).toBe(0);
      expect(bench.meeting.expulsions.size).toBe(0);
      await bench.restart();
      expect(bench.meeting.link?.state).toBe('closed');
      expect(bench.meeting.room?.joined).toBe(false);
      expect(await bench.ask({ act: 'reopen' })).toMatchObject({ ok: true });
      await bench.until(() => bench.meeting.room?.joined === true, 'the focus back');
      expect(bench.meeting.link?.state).toBe('open');
    });
  });

  it('carries out asks and names those who asked', async () => {
    await using(new Bench(server), async (bench) => {
      const { bobIn } = await together(bench);
      expect(await bench.ask({ act: 'mute', nick: 'Bob' })).toEqual({ ok: true, notes: [] });
      await bench.until(() => bench.meeting.voicesTaken.has(bob.bareJid), 'voice taken');
      expect(bench.meeting.voicesTaken.get(bob.bareJid)?.by).toBe('operator');
      expect(await bench.ask({ act: 'unmute', nick: 'Bob' })).toMatchObject({ ok: true });
      await bench.until(() => bench.meeting.voicesTaken.size === 0, 'voice given');
      expect(await bench.ask({ act: 'kick', nick: 'Bob', reason: 'enough' })).toMatchObject({ ok: true });
      const removal = await bobIn.untilRemoved('Bob');
      expect(removal).toMatchObject({ reason: 'enough' });
      await bench.until(() => bench.meeting.expulsions.get(bob.bareJid)?.by === 'operator', 'the expulsion');
      expect(await bench.ask({ act: 'kick', nick: 'Bob' })).toMatchObject({ ok: false, condition: 'item-not-found' });
      expect(await bench.ask({ act: 'ban', jid: bob.bareJid })).toMatchObject({ ok: true });
      await bench.until(() => bench.meeting.affiliations.get(bob.bareJid)?.affiliation === 'outcast', 'the ban');
      await expect(bob.join(bench.link.room, 'Bob')).rejects.toMatchObject({ condition: 'forbidden' });
      expect(await bench.ask({ act: 'unban', jid: bob.bareJid })).toMatchObject({ ok: true });
      await bench.until(() => !bench.meeting.affiliations.has(bob.bareJid), 'the ban lifted');
    });
  });

  it('gives with the voice what the affiliation gives, and takes nothing from who has voice', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const bobIs = (role: string) =>
        aliceIn.until(({ occupants }) => occupants.get('Bob')?.role === role, `Bob as ${role}`);
      await aliceIn.setAffiliation(bob.bareJid, 'admin');
      await bobIs('moderator');
      expect(await bench.ask({ act: 'mute', nick: 'Bob' })).toEqual({ ok: true, notes: [] });
      await bobIs('visitor');
      await bench.until(() => bench.meeting.occupants.get('Bob')?.role === 'visitor', 'voice taken');
      expect(await bench.ask({ act: 'unmute', nick: 'Bob' })).toEqual({ ok: true, notes: [] });
      await bobIs('moderator');
      await bench.until(() => bench.meeting.occupants.get('Bob')?.role === 'moderator', 'voice given');
      expect(await bench.ask({ act: 'unmute', nick: 'Bob' })).toEqual({ ok: true, notes: [] });
      await aliceIn.say('a round trip');
      expect(aliceIn.occupants.get('Bob')?.role).toBe('moderator');
    });
  });

  it('returns what the room refuses, once', async () => {
    await using(new Bench(server), async (bench) => {
      await atHome(bench);
      const answer = await bench.ask({ act: 'mute', nick: 'Alice' });
      if (kind === 'prosody') {
        expect(answer).toMatchObject({ ok: true });
      } else {
        expect(answer).toMatchObject({ ok: false, condition: 'not-allowed' });
        expect(answer.ok ? '' : answer.text).toContain('--audio-only');
      }
    });
  });

  it('tells the moderators', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn, bobIn } = await atHome(bench);
      expect(await bench.ask({ act: 'tell-moderators', text: 'acted as a kick' })).toMatchObject({ ok: true });
      const told = await aliceIn.until(
        (room) => room.notices.find((notice) => notice.getChildText('body')),
        'the line',
      );
      expect(told.getChildText('body')).toBe('acted as a kick');
      expect(bobIn.notices).toEqual([]);
    });
  });

  it('follows a restart of the bridge: bans made meanwhile are seen, nobody is thrown out or muted', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const carol = await XmppUser.connect(server, 'carol', 'pw');
      await carol.join(bench.link.room, 'Carol');
      await aliceIn.revokeVoice('Carol');
      await bench.until(() => bench.meeting.voicesTaken.has(carol.bareJid), 'voice taken');
      const bobBefore = bench.meeting.occupants.get('Bob');
      await bench.restart(async () => {
        await aliceIn.ban('dave@xmpp.test');
      });
      await bench.until(() => bench.meeting.affiliations.get('dave@xmpp.test')?.affiliation === 'outcast', 'the ban');
      expect(bench.meeting.occupants.get('Bob')).toEqual(bobBefore);
      expect(bench.meeting.occupants.get('Carol')).toMatchObject({ role: 'visitor', cause: 'revoked' });
      expect([...bench.meeting.voicesTaken.keys()]).toEqual([carol.bareJid]);
      expect(bench.meeting.expulsions.size).toBe(0);
      await carol.disconnect();
    });
  });

  it('takes its place back when the focus is kicked or devoiced', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const attempt = await aliceIn.kick('call').then(
        () => 'kicked',
        () => 'refused',
      );
      if (attempt === 'kicked') await bench.until(() => bench.meeting.room?.joined === false, 'the focus out');
      await bench.until(() => bench.meeting.room?.joined === true, 'the focus in');
      expect(bench.meeting.occupants.size).toBe(2);
    });
  });

  it('takes another nick when its own is taken', async () => {
    const bench = new Bench(server);
    await using(bench, async () => {
      const first = await alice.join(bench.link.room, 'call');
      await bench.start();
      await first.until((room) => room.occupants.has('call-2'), 'the other nick');
      expect([...bench.meeting.occupants.keys()]).toEqual(['call']);
    });
  });

  it('shows by a hat who is in the call', async () => {
    await using(new Bench(server, { display: 'hats' }), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const leg = await bench.call(bob.bareJid);
      const wears = () => aliceIn.occupants.get('Bob')?.hats.some((hat) => hat.title === 'In call') ?? false;
      await aliceIn.until(() => wears(), 'the hat');
      await bench.bus.withdraw(bench.link.id, 'leg', leg.leg);
      await aliceIn.until(() => !wears(), 'the hat taken off');
    });
  });

  it('tells beside the hats of callers who cannot wear one', async () => {
    await using(new Bench(server, { display: 'hats' }), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const said = () => aliceIn.messages.filter(({ from, body }) => from === 'call' && body).map(({ body }) => body);
      await bench.call(bob.bareJid);
      await aliceIn.until(({ occupants }) => occupants.get('Bob')?.hats.length === 1, 'the hat');
      const carol = await bench.call('carol@elsewhere.example');
      await aliceIn.until(() => said().length === 1, 'the notice');
      await bench.bus.withdraw(bench.link.id, 'leg', carol.leg);
      await aliceIn.until(() => said().length === 2, 'the notice');
      expect(said()).toEqual(['A caller joined the call', 'A caller left the call']);
    });
  });

  it('says in notices who is in the call', async () => {
    await using(new Bench(server, { display: 'notices' }), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const leg = await bench.call(bob.bareJid);
      await aliceIn.until(
        (room) => room.messages.some((message) => message.body === 'Bob joined the call'),
        'the notice',
      );
      await bench.bus.withdraw(bench.link.id, 'leg', leg.leg);
      await aliceIn.until(
        (room) => room.messages.some((message) => message.body === 'Bob left the call'),
        'the notice',
      );
    });
  });

  it('forgets voice taken when the conference has ended', async () => {
    await using(new Bench(server, { conferenceEndsAfterMs: 300 }), async (bench) => {
      const { aliceIn, bobIn } = await atHome(bench);
      const leg = await bench.call(bob.bareJid);
      await aliceIn.revokeVoice('Bob');
      await bench.until(() => bench.meeting.voicesTaken.has(bob.bareJid), 'voice taken');
      await bobIn.leave();
      await bench.until(() => !bench.meeting.occupants.has('Bob'), 'Bob away');
      expect(bench.meeting.voicesTaken.has(bob.bareJid)).toBe(true);
      await bench.bus.withdraw(bench.link.id, 'leg', leg.leg);
      await bench.until(() => bench.meeting.voicesTaken.size === 0, 'voice forgotten');
    });
  });

  it('locks the call when asked, which the room is told, until it is asked again, or closed', async () => {
    await using(new Bench(server, { display: 'notices' }), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const told = (body: string) =>
        aliceIn.until(({ messages }) => messages.some((message) => message.body?.split('\n').includes(body)), body);
      await bench.call(bob.bareJid);
      expect(await bench.ask({ act: 'lock', reason: 'board only' })).toEqual({ ok: true, notes: [] });
      expect(bench.meeting.link?.locked).toEqual({ by: 'operator', reason: 'board only' });
      await told('The call is locked to new callers: board only');
      expect(await bench.ask({ act: 'lock' })).toMatchObject({ notes: ['The conference was locked already.'] });
      await bench.restart();
      expect(bench.meeting.link?.locked).toEqual({ by: 'operator', reason: null });
      expect(await bench.ask({ act: 'unlock' })).toEqual({ ok: true, notes: [] });
      expect(bench.meeting.link).not.toHaveProperty('locked');
      await told('The call takes new callers again');
      expect(await bench.ask({ act: 'unlock' })).toMatchObject({ notes: ['The conference is not locked.'] });

      await bench.ask({ act: 'lock' });
      await bench.ask({ act: 'close' });
      expect(await bench.ask({ act: 'lock' })).toMatchObject({ ok: false, condition: 'conflict' });
      await bench.ask({ act: 'reopen' });
      expect(bench.meeting.link).toMatchObject({ state: 'open' });
      expect(bench.meeting.link).not.toHaveProperty('locked');
    });
  });

  it('lifts the lock when the conference has ended', async () => {
    await using(new Bench(server, { conferenceEndsAfterMs: 300 }), async (bench) => {
      await atHome(bench);
      const leg = await bench.call(bob.bareJid);
      await bench.ask({ act: 'lock' });
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(bench.meeting.link?.locked).toBeDefined();
      await bench.bus.withdraw(bench.link.id, 'leg', leg.leg);
      await bench.until(() => bench.meeting.link?.locked === undefined, 'the lock lifted');
      expect(bench.meeting.link?.state).toBe('open');
    });
  });

  it('enters a room with a password, whose owner it is', async () => {
    await using(new Bench(server), async (bench) => {
      const aliceIn = await alice.join(bench.link.room, 'Alice');
      await aliceIn.configure({ 'muc#roomconfig_passwordprotectedroom': true, 'muc#roomconfig_roomsecret': 'teapot' });
      await bench.start();
      expect(bench.meeting.room).toMatchObject({ joined: true, passwordProtected: true, advertised: 'room' });
    });
  });

  it('leaves the domain to one process at a time', async () => {
    const leases = createMemoryLeases();
    const first = new Bench(server, {}, leases);
    const second = new Bench(server, {}, leases);
    await using(first, async () => {
      await first.start();
      await using(second, async () => {
        await second.bus.start();
        await second.bridge.start();
        await alice.join(first.link.room, 'Alice');
        await first.until(() => first.meeting.occupants.has('Alice'), 'Alice');
        expect(second.bridge.debug()).toMatchObject({ online: false, standby: true });
        await first.bridge.stop();
        await second.until(() => second.bridge.ready(), 'the second in its place');
      });
    });
  });

  it('publishes nothing for what a stranger writes to the focus', async () => {
    await using(new Bench(server), async (bench) => {
      await together(bench);
      let heard = 0;
      bench.bus.listen(() => {
        heard += 1;
      });
      const to = `focus@${server.componentDomain}/focus`;
      const item = xml('item', { affiliation: 'outcast', role: 'none', jid: alice.bareJid });
      const x = xml(
        'x',
        { xmlns: 'http://jabber.org/protocol/muc#user' },
        item,
        xml('status', { code: '301' }),
        xml('destroy'),
      );
      await bob.send(xml('presence', { to, type: 'unavailable' }, x));
      await bob.send(xml('message', { to, type: 'groupchat' }, x));
      await bob.send(xml('message', { to: `${bench.link.room}/call`, type: 'chat' }, xml('body', {}, 'psst'), x));
      await expect(bob.iq('set', to, xml('query', { xmlns: 'urn:example:unknown' }))).rejects.toMatchObject({
        condition: 'service-unavailable',
      });
      await bench.ask({ act: 'tell-moderators', text: 'a round trip' });
      expect(heard).toBe(0);
      expect(bench.meeting.link?.state).toBe('open');
    });
  });

  it('puts the advertisement back when somebody clears it', async () => {
    await using(new Bench(server), async (bench) => {
      const { aliceIn } = await atHome(bench);
      const advertised = async () =>
        JSON.stringify(await bob.discoInfo(bench.link.room)).includes(bench.link.conference);
      expect(await advertised()).toBe(true);
      await aliceIn.configure({ 'audio-video-uri': '' });
      for (let tries = 0; tries < 100 && !(await advertised()); tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(await advertised()).toBe(true);
    });
  });
});

describe.each(kinds)('muc-bridge when %s fails', (kind) => {
  let server: XmppServer;

  beforeAll(async () => {
    server = await startXmppServer(kind);
    await server.addUser('alice', 'pw');
    await server.addUser('bob', 'pw');
  });
  afterAll(() => server?.stop());

  it.each(['killed', 'stopped'] as const)(
    'is right again after the server was %s: still muted, nobody thrown out',
    async (how) => {
      const bench = new Bench(server);
      let alice = await XmppUser.connect(server, 'alice', 'pw');
      let bob = await XmppUser.connect(server, 'bob', 'pw');
      try {
        const aliceIn = await alice.join(bench.link.room, 'Alice');
        await aliceIn.configure({ 'muc#roomconfig_persistentroom': true });
        await bench.start();
        await bob.join(bench.link.room, 'Bob');
        await aliceIn.until((room) => room.occupants.has('Bob'), 'Bob');
        await aliceIn.revokeVoice('Bob');
        await bench.until(() => bench.meeting.voicesTaken.has(bob.bareJid), 'voice taken');
        if (how === 'killed') await server.kill();
        else await server.shutDown();
        await bench.until(() => bench.meeting.room?.joined === false, 'the loss noticed');
        expect(await bench.ask({ act: 'kick', nick: 'Bob' })).toMatchObject({ ok: false });
        await server.restart();
        // A killed ejabberd may have lost what it stored last: accounts, even the room. Then both are made again.
        for (const name of ['alice', 'bob']) await server.addUser(name, 'pw').catch(() => undefined);
        alice = await XmppUser.connect(server, 'alice', 'pw');
        bob = await XmppUser.connect(server, 'bob', 'pw');
        await alice.join(bench.link.room, 'Alice');
        const bobIn = await bob.join(bench.link.room, 'Bob');
        await bench.until(() => bench.bridge.ready(), 'the focus in the room again');
        await bobIn.until((room) => room.self?.role === 'visitor', 'voice taken again');
        await bench.until(() => bench.meeting.occupants.get('Bob')?.role === 'visitor', 'the fact of it');
        expect([...bench.meeting.voicesTaken.keys()]).toEqual([bob.bareJid]);
        expect(bench.meeting.expulsions.size).toBe(0);
        expect(bench.meeting.link?.state).toBe('open');
        expect([...bench.meeting.occupants.keys()].sort()).toEqual(['Alice', 'Bob']);
      } finally {
        await bench.bridge.stop();
        alice.drop();
        bob.drop();
      }
    },
  );
});

describe.each(kinds)('muc-bridge on a plain %s', (kind) => {
  let server: XmppServer;

  beforeAll(async () => {
    server = await startXmppServer(kind, { modules: false });
    await server.addUser('alice', 'pw');
  });
  afterAll(() => server?.stop());

  it('answers for the room where the server has no module, also under a Clark name', async () => {
    const bench = new Bench(server, { clarkNamespace: 'urn:example:cusax', display: 'hats' });
    const alice = await XmppUser.connect(server, 'alice', 'pw');
    try {
      await bench.start();
      expect(bench.meeting.room?.advertised).toBe('focus');
      const room = await alice.join(bench.link.room, 'Alice');
      const info = JSON.stringify(await alice.discoInfo(`${bench.link.room}/call`));
      expect(info).toContain(`"audio-video-uri"`);
      expect(info).toContain('{urn:example:cusax}audio-video-uri');
      expect(info).toContain(bench.link.conference);
      if (kind !== 'prosody') return;
      // No hats either: notices take their place.
      await bench.until(() => bench.meeting.occupants.has('Alice'), 'Alice');
      await bench.call(alice.bareJid);
      await room.until(
        (seen) => seen.messages.some((message) => message.body === 'Alice joined the call'),
        'the notice',
      );
    } finally {
      await bench.bridge.stop();
      alice.drop();
    }
  });
});
