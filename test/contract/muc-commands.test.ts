/** XEP-0050 and messages on real servers: who owned a destroyed room reopens its link, and nobody else does. */
import { xml } from '@xmpp/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, commandsAt, fillIn } from '../harness/ad-hoc-command.ts';
import { findXmppServers, startXmppServer, type XmppServer } from '../harness/servers/xmpp-server.ts';
import type { XmppRoom } from '../harness/xmpp-room.ts';
import { StanzaRefused } from '../harness/xmpp-stanza.ts';
import { XmppUser } from '../harness/xmpp-user.ts';
import { Bench } from './muc-bridge-bench.ts';

const kinds = findXmppServers().filter((kind) => (process.env.XMPP_SERVER ?? kind) === kind);
const commandsNamespace = 'http://jabber.org/protocol/commands';

describe.each(kinds)('commands to the focus on %s', (kind) => {
  let server: XmppServer;
  let alice: XmppUser;
  let bob: XmppUser;
  let focus: string;

  beforeAll(async () => {
    server = await startXmppServer(kind);
    for (const name of ['alice', 'bob']) await server.addUser(name, 'pw');
    alice = await XmppUser.connect(server, 'alice', 'pw');
    bob = await XmppUser.connect(server, 'bob', 'pw');
    focus = `focus@${server.componentDomain}`;
  });

  afterAll(async () => {
    alice?.drop();
    bob?.drop();
    await server?.stop();
  });

  /** In a room that alice made, with bob in it; the bridge is stopped at the end. */
  async function inRoomOfAlice(work: (bench: Bench, aliceIn: XmppRoom) => Promise<void>): Promise<void> {
    const bench = new Bench(server);
    try {
      const aliceIn = await alice.join(bench.link.room, 'Alice');
      await aliceIn.configure({ 'muc#roomconfig_persistentroom': true });
      await bench.start();
      await bob.join(bench.link.room, 'Bob');
      await bench.until(() => bench.meeting.affiliations.get(alice.bareJid)?.affiliation === 'owner', 'the owner');
      await bench.until(() => bench.meeting.occupants.size === 2, 'both occupants');
      await work(bench, aliceIn);
    } finally {
      await bench.bridge.stop();
    }
  }

  async function destroyed(bench: Bench, room: XmppRoom): Promise<void> {
    await room.destroy('over');
    await bench.until(() => bench.meeting.room?.joined === false, 'the focus out');
  }

  async function isOwnersAgain(bench: Bench): Promise<void> {
    await bench.until(() => bench.bridge.ready() && bench.meeting.room?.advertised === 'room', 'the room again');
    await bench.until(() => bench.meeting.affiliations.get(alice.bareJid)?.affiliation === 'owner', 'the owner again');
    expect(bench.meeting.link).toEqual({
      room: bench.link.room,
      conference: bench.link.conference,
      state: 'open',
      reason: null,
    });
    const again = await alice.join(bench.link.room, 'Alice');
    expect(again.self).toMatchObject({ affiliation: 'owner', role: 'moderator' });
    const other = await bob.join(bench.link.room, 'Bob');
    expect(other.self).toMatchObject({ affiliation: 'none', role: 'participant' });
  }

  /** Writes to the focus and returns its answer; an answer that comes to a second, later question is none to the first. */
  async function said(user: XmppUser, body: string, to = focus): Promise<string> {
    const before = user.stanzas.length;
    await user.send(xml('message', { to, type: 'chat', id: 'q1' }, xml('body', {}, body)));
    const answer = await user.until(
      () => user.stanzas.slice(before).find(({ name, attrs }) => name === 'message' && attrs.from === to),
      'an answer of the focus',
    );
    expect(answer.attrs).toMatchObject({ type: 'chat', to: user.jid });
    return answer.getChildText('body') ?? '';
  }

  it('are offered to those who may give them, at the domain and at the focus', async () => {
    await inRoomOfAlice(async (bench, aliceIn) => {
      const places = [server.componentDomain, focus];
      for (const at of places) {
        expect((await alice.discoInfo(at)).features).toContain(commandsNamespace);
        expect(await commandsAt(alice, at)).toEqual([]);
      }
      await destroyed(bench, aliceIn);
      for (const at of places) {
        expect(await commandsAt(bob, at)).toEqual([]);
        const [offered, ...others] = await commandsAt(alice, at);
        expect([offered?.node, others]).toEqual(['reopen', []]);
        expect(await alice.discoInfo(at, 'reopen')).toEqual({
          identities: [{ category: 'automation', type: 'command-node', name: offered!.name }],
          features: [commandsNamespace, 'jabber:x:data'],
          forms: [],
        });
      }
      await expect(alice.discoInfo(focus, 'else')).rejects.toMatchObject({ condition: 'item-not-found' });
    });
  });

  it('reopen the room of its former owner by form, and of nobody else', async () => {
    await inRoomOfAlice(async (bench, aliceIn) => {
      const { room } = bench.link;
      await destroyed(bench, aliceIn);
      expect(bench.meeting.link).toMatchObject({ closedBy: 'room', owners: [alice.bareJid] });
      await bench.restart(); // the fact alone remembers who owned the room
      await expect(command(bob, focus, { node: 'reopen' })).rejects.toMatchObject({ condition: 'forbidden' });
      const begun = await command(alice, focus, { node: 'reopen' });
      expect(begun).toMatchObject({
        status: 'executing',
        actions: ['complete'],
        byDefault: 'complete',
        fields: { room: { options: [room], value: room } },
      });
      const { sessionid } = begun;
      const theirs = command(bob, focus, { node: 'reopen', action: 'complete', sessionid }, { room });
      await expect(theirs).rejects.toMatchObject({ condition: 'forbidden' });
      expect(await command(alice, focus, { node: 'reopen', action: 'cancel', sessionid })).toMatchObject({
        status: 'canceled',
      });
      expect(bench.meeting.link?.state).toBe('closed');
      expect(await fillIn(alice, focus, 'reopen', { room })).toMatchObject({
        status: 'completed',
        notes: [{ type: 'info', text: `${room} is open again.` }],
      });
      await isOwnersAgain(bench);
    });
  });

  it('give the room back also when somebody else has made it meanwhile, who is no owner of what was', async () => {
    await inRoomOfAlice(async (bench, aliceIn) => {
      const { room } = bench.link;
      await destroyed(bench, aliceIn);
      const made = await bob.join(room, 'Bob').catch((error: unknown) => {
        if (error instanceof StanzaRefused) return null; // Prosody keeps the name of a destroyed room to its admins
        throw error;
      });
      expect(made === null || made.self?.affiliation === 'owner').toBe(true);
      await expect(command(bob, focus, { node: 'reopen' })).rejects.toMatchObject({ condition: 'forbidden' });
      expect(await fillIn(alice, focus, 'reopen', { room })).toMatchObject({ status: 'completed' });
      await bench.until(
        () => bench.meeting.affiliations.get(alice.bareJid)?.affiliation === 'owner',
        'the owner again',
      );
      const again = await alice.join(room, 'Alice');
      expect(again.self).toMatchObject({ affiliation: 'owner', role: 'moderator' });
    });
  });

  it('do the same in a message, and answer its sender only', async () => {
    await inRoomOfAlice(async (bench, aliceIn) => {
      const { room } = bench.link;
      await destroyed(bench, aliceIn);
      const aliceHas = alice.stanzas.length;
      expect(await said(bob, `!reopen ${room}`)).toMatch(/not its owner/);
      expect(await said(bob, '!reopen', server.componentDomain)).toMatch(/no room of yours/);
      expect(await said(bob, 'Hello?')).toMatch(/!reopen <room>/);
      expect(bench.meeting.link?.state).toBe('closed');
      expect(alice.stanzas.slice(aliceHas)).toEqual([]);
      expect(await said(alice, `!reopen ${room}`)).toBe(`${room} is open again.`);
      await isOwnersAgain(bench);
    });
  });

  it('leave to the operator what an operator closed; the owners own the room again all the same', async () => {
    await inRoomOfAlice(async (bench, aliceIn) => {
      expect(await bench.ask({ act: 'close' })).toEqual({ ok: true, notes: [] });
      expect(bench.meeting.link).toMatchObject({ state: 'closed', closedBy: 'operator' });
      await expect(command(alice, focus, { node: 'reopen' })).rejects.toMatchObject({ condition: 'forbidden' });
      expect(await bench.ask({ act: 'reopen' })).toEqual({ ok: true, notes: [] });
      await bench.until(() => bench.meeting.affiliations.has(alice.bareJid), 'the room again');
      await destroyed(bench, aliceIn);
      expect(await commandsAt(alice, focus)).toHaveLength(1);
      expect(await bench.ask({ act: 'close' })).toMatchObject({ notes: [expect.stringMatching(/only an operator/)] });
      expect(await commandsAt(alice, focus)).toEqual([]);
      expect(await bench.ask({ act: 'reopen' })).toEqual({ ok: true, notes: [] });
      await isOwnersAgain(bench);
    });
  });
});
