/** What this project's server modules promise (deploy/prosody, deploy/ejabberd), asked of each server this machine has. */
import { type ComponentEntity, component, type Element, xml } from '@xmpp/component';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findXmppServers, startXmppServer, type XmppServer } from '../harness/servers/xmpp-server.ts';
import { findSlixmpp, SlixmppUser } from '../harness/slixmpp.ts';
import type { XmppRoom } from '../harness/xmpp-room.ts';
import { submitForm } from '../harness/xmpp-stanza.ts';
import { XmppUser } from '../harness/xmpp-user.ts';

const FIELD = 'audio-video-uri';
const ROOMINFO = 'http://jabber.org/protocol/muc#roominfo';
const URI = 'sip:tea@sip.example.org;transport=tls';

/** The bridge's place in these tests: a bare component connection whose focus is owner of all rooms. */
class Focus {
  readonly jid: string;
  readonly #entity: ComponentEntity;

  constructor(server: XmppServer) {
    this.jid = `focus@${server.componentDomain}/1`;
    this.#entity = component({
      service: `xmpp://127.0.0.1:${server.componentPort}`,
      domain: server.componentDomain,
      password: server.componentSecret,
    });
    this.#entity.reconnect.stop();
    this.#entity.on('error', () => undefined);
  }

  async start(): Promise<void> {
    await this.#entity.start();
  }

  async stop(): Promise<void> {
    await this.#entity.stop();
  }

  /** Enters a room; resolves when the room says that it is in. */
  async join(room: string): Promise<void> {
    const inside = new Promise<void>((resolve) => {
      this.#entity.on('stanza', (stanza) => {
        const codes = stanza.getChild('x', 'http://jabber.org/protocol/muc#user')?.getChildren('status') ?? [];
        if (stanza.is('presence') && codes.some((status) => status.attrs.code === '110')) resolve();
      });
    });
    const x = xml('x', { xmlns: 'http://jabber.org/protocol/muc' });
    await this.#entity.send(xml('presence', { from: this.jid, to: `${room}/focus` }, x));
    await inside;
  }

  /** Sends an IQ of type set; rejects with an error that has `type` and `condition`. */
  async set(to: string, payload: Element): Promise<void> {
    await this.#entity.iqCaller.request(xml('iq', { type: 'set', from: this.jid, to }, payload));
  }

  setUri(room: string, uri: string): Promise<void> {
    const form = submitForm('http://jabber.org/protocol/muc#roomconfig', { [FIELD]: uri });
    return this.set(room, xml('query', { xmlns: 'http://jabber.org/protocol/muc#owner' }, form));
  }
}

async function publishedUri(user: XmppUser, room: string): Promise<string[] | undefined> {
  const { forms } = await user.discoInfo(room);
  return forms.find((form) => ROOMINFO in form)?.[ROOMINFO]?.[FIELD];
}

const unacceptable = { type: 'modify', condition: 'not-acceptable' };

it.runIf(findXmppServers().length === 0)('finds no XMPP server: our modules are not run', ({ skip }) => skip());

for (const kind of findXmppServers()) {
  describe(`our modules on ${kind}`, () => {
    let server: XmppServer;
    let focus: Focus;
    let alice: XmppUser;
    let bob: XmppUser;
    let rooms = 0;
    const newRoom = (): string => `room-${++rooms}@${server.mucDomain}`;

    beforeAll(async () => {
      server = await startXmppServer(kind);
      for (const name of ['alice', 'bob']) await server.addUser(name, 'pw');
      focus = new Focus(server);
      await focus.start();
      alice = await XmppUser.connect(server, 'alice', 'pw');
      bob = await XmppUser.connect(server, 'bob', 'pw');
    });

    afterAll(async () => {
      await server?.stop();
    });

    describe(FIELD, () => {
      it('is set by the room owner, announced with 104, and read by anyone, also from outside', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        expect(await publishedUri(bob, room.jid)).toBeUndefined();
        await room.configure({ [FIELD]: URI });
        await room.until((r) => r.messages.some((message) => message.statusCodes.includes(104)), 'status 104');
        expect(await publishedUri(bob, room.jid)).toEqual([URI]);
        expect((await room.config())[FIELD]).toEqual([URI]);
      });

      it('is set by the focus in a room of somebody else, without being in it', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        await focus.setUri(room.jid, URI);
        expect(await publishedUri(alice, room.jid)).toEqual([URI]);
      });

      it.runIf(findSlixmpp() !== null)('is read by a client that has never heard of us (slixmpp)', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        await room.configure({ [FIELD]: URI });
        const foreign = await SlixmppUser.connect(server, 'bob', 'pw');
        expect(await foreign.audioVideoUri(room.jid)).toBe(URI);
        await foreign.disconnect();
      });

      it('can neither be set nor seen in the form by one who is no owner', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        const asBob = await bob.join(room.jid, 'Bob');
        await expect(asBob.configure({ [FIELD]: URI })).rejects.toMatchObject({ condition: 'forbidden' });
        await expect(asBob.config()).rejects.toMatchObject({ condition: 'forbidden' });
        expect(await publishedUri(alice, room.jid)).toBeUndefined();
      });

      it.each([
        ['another scheme', 'http://sip.example.org/'],
        ['a telephone number', 'tel:+15551234'],
        ['no address', 'sip:'],
        ['no user', 'sip:sip.example.org'],
        ['a space', 'sip:tea room@sip.example.org'],
        ['a line break', 'sip:tea@sip.example.org\r\nContact: x'],
        ['a password', 'sip:tea:secret@sip.example.org'],
        ['headers', 'sip:tea@sip.example.org?Replaces=x'],
        ['a port out of range', 'sip:tea@sip.example.org:99999'],
        ['port zero', 'sip:tea@sip.example.org:0'],
        ['an empty port', 'sip:tea@sip.example.org:'],
        ['a host with an empty label', 'sip:tea@sip..example.org'],
        ['a host that ends in a hyphen', 'sip:tea@sip-'],
        ['two hosts', 'sip:tea@sip.example.org@evil.example'],
        ['more than 255 octets', `sip:${'x'.repeat(240)}@sip.example.org`],
        ['letters beyond ASCII', 'sip:t\u00e9@sip.example.org'],
        ['empty parameters', 'sip:tea@sip.example.org;;transport=tls'],
        ['a broken escape', 'sip:te%zz@sip.example.org'],
        ['quotes', 'sip:"tea"@sip.example.org'],
      ])('refuses %s and says why', async (_what, uri) => {
        const room = await alice.join(`refusals@${server.mucDomain}`, 'Alice');
        await expect(room.configure({ [FIELD]: uri })).rejects.toMatchObject({
          ...unacceptable,
          text: expect.stringMatching(new RegExp(`^${FIELD}: .{5,}`)),
        });
        expect(await publishedUri(alice, room.jid)).toBeUndefined();
      });

      it.each([
        'sip:tea@sip.example.org',
        'sips:tea@sip.example.org:5061',
        'sip:conf-%31+x@192.0.2.1;transport=tcp;lr',
        'SIP:tea@[2001:db8::1]:5060',
      ])('accepts %s', async (uri) => {
        const room = await alice.join(newRoom(), 'Alice');
        await room.configure({ [FIELD]: uri });
        expect(await publishedUri(bob, room.jid)).toEqual([uri]);
      });

      it('applies nothing of a form in which it is refused', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        const form = { 'muc#roomconfig_roomdesc': 'changed', [FIELD]: 'sip:bad uri' };
        await expect(room.configure(form)).rejects.toMatchObject(unacceptable);
        expect((await room.config())['muc#roomconfig_roomdesc']?.[0] ?? '').not.toBe('changed');
      });

      it('stays when a form leaves it out, and goes with an empty value', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        await room.configure({ [FIELD]: URI });
        await room.configure({ 'muc#roomconfig_roomdesc': 'afternoon' });
        expect(await publishedUri(bob, room.jid)).toEqual([URI]);
        await room.configure({ [FIELD]: '' });
        expect(await publishedUri(bob, room.jid)).toBeUndefined();
      });

      it('is forgotten when the room is destroyed', async () => {
        const room = await alice.join(newRoom(), 'Alice');
        await room.configure({ [FIELD]: URI, 'muc#roomconfig_persistentroom': true });
        expect(await publishedUri(bob, room.jid)).toEqual([URI]);
        await room.destroy('over');
        await room.until((r) => !r.present, 'the end of the room');
        await focus.join(room.jid); // the focus may make it anew at once
        expect(await publishedUri(bob, room.jid)).toBeUndefined();
      });
    });

    it('does not let an owner kick, devoice or ban the focus', async () => {
      const room = await alice.join(newRoom(), 'Alice');
      await focus.join(room.jid);
      await room.until((r) => r.occupants.get('focus'), 'the focus');
      await expect(room.kick('focus')).rejects.toMatchObject({ condition: 'not-allowed' });
      await expect(room.revokeVoice('focus')).rejects.toMatchObject({ condition: 'not-allowed' });
      await expect(room.ban(`focus@${server.componentDomain}`)).rejects.toMatchObject({ name: 'StanzaRefused' });
      await room.say('still there?'); // the room answers in order: anything done to the focus would have come before
      expect(room.occupants.get('focus')).toMatchObject({ role: 'moderator', affiliation: 'owner' });
      expect(room.removals).toEqual([]);
    });

    it('still lets an owner kick an ordinary occupant', async () => {
      const room = await alice.join(newRoom(), 'Alice');
      const asBob = await bob.join(room.jid, 'Bob');
      await room.kick('Bob', 'for the test');
      expect(await asBob.untilRemoved('Bob')).toMatchObject({ reason: 'for the test' });
    });

    it('tells all occupants who was dropped when the room became members-only (322)', async () => {
      const room = await alice.join(newRoom(), 'Alice');
      await focus.join(room.jid);
      const asBob = await bob.join(room.jid, 'Bob');
      await room.configure({ 'muc#roomconfig_membersonly': true });
      for (const view of [room, asBob]) {
        const { statusCodes } = await view.untilRemoved('Bob');
        expect(statusCodes).toContain(322);
      }
      await room.say('and then'); // later than anything else the room has to say about it
      expect(room.removals.map(({ nick }) => nick)).toEqual(['Bob']);
      expect([...room.occupants.keys()].sort()).toEqual(['Alice', 'focus']);
    });

    it('keeps the URI of a persistent room over a restart', async () => {
      const room = await alice.join(newRoom(), 'Alice');
      await room.configure({ [FIELD]: URI, 'muc#roomconfig_persistentroom': true });
      await focus.stop();
      await server.restart();
      focus = new Focus(server);
      await focus.start();
      alice = await XmppUser.connect(server, 'alice', 'pw');
      bob = await XmppUser.connect(server, 'bob', 'pw');
      expect(await publishedUri(bob, room.jid)).toEqual([URI]);
    });
  });

  describe(`the options of our modules on ${kind}`, () => {
    let server: XmppServer;
    let focus: Focus;
    let alice: XmppUser;
    let room: XmppRoom;
    const avuri = { setBy: 'admin', allowedHosts: ['sip.example.org'], clarkNamespace: 'urn:example:cusax' } as const;

    beforeAll(async () => {
      server = await startXmppServer(kind, { avuri });
      await server.addUser('alice', 'pw');
      focus = new Focus(server);
      await focus.start();
      alice = await XmppUser.connect(server, 'alice', 'pw');
      room = await alice.join(`tea@${server.mucDomain}`, 'Alice');
    });

    afterAll(async () => {
      await server?.stop();
    });

    it('keep the URI in the hands of the bridge, and owners may still configure the rest', async () => {
      await focus.setUri(room.jid, URI);
      await expect(room.configure({ [FIELD]: 'sip:other@sip.example.org' })).rejects.toMatchObject({
        type: 'auth',
        condition: 'forbidden',
      });
      await room.configure({ 'muc#roomconfig_roomdesc': 'afternoon', [FIELD]: URI });
      expect(await publishedUri(alice, room.jid)).toEqual([URI]);
    });

    it('publish a second copy under a Clark name', async () => {
      await focus.setUri(room.jid, URI);
      const { forms } = await alice.discoInfo(room.jid);
      const roominfo = forms.find((form) => ROOMINFO in form)?.[ROOMINFO];
      expect(roominfo).toMatchObject({ [FIELD]: [URI], [`{urn:example:cusax}${FIELD}`]: [URI] });
    });

    it('allow only the SIP domains named', async () => {
      await expect(focus.setUri(room.jid, 'sip:tea@elsewhere.example')).rejects.toMatchObject(unacceptable);
    });
  });
}

describe.runIf(findXmppServers().includes('prosody'))('mod_muc_call_hats on prosody', () => {
  let server: XmppServer;
  let focus: Focus;
  let alice: XmppUser;

  const hat = (attrs: Record<string, string>): Element => xml('hat', { xmlns: 'urn:cusax:hats:0', ...attrs });
  const inCall = { uri: 'urn:cusax:hat:in-call', title: 'In call' };

  beforeAll(async () => {
    server = await startXmppServer('prosody');
    for (const name of ['alice', 'bob']) await server.addUser(name, 'pw');
    focus = new Focus(server);
    await focus.start();
    alice = await XmppUser.connect(server, 'alice', 'pw');
  });

  afterAll(async () => {
    await server?.stop();
  });

  it('shows a hat to present and later occupants until the bridge takes it off', async () => {
    const room = await alice.join(`hats@${server.mucDomain}`, 'Alice');
    await focus.set(room.jid, hat({ jid: alice.bareJid, ...inCall }));
    await room.until((r) => r.self?.hats.length === 1, 'the hat');
    expect(room.self?.hats).toEqual([inCall]);

    const bob = await XmppUser.connect(server, 'bob', 'pw');
    const asBob = await bob.join(room.jid, 'Bob');
    expect(asBob.occupants.get('Alice')?.hats).toEqual([inCall]);
    expect(asBob.self?.hats).toEqual([]);

    await focus.set(room.jid, hat({ jid: alice.bareJid, uri: inCall.uri }));
    await asBob.until((r) => r.occupants.get('Alice')?.hats.length === 0, 'a bare head');
  });

  it('obeys nobody but the bridge and refuses what is no hat', async () => {
    const room = await alice.join(`hats-2@${server.mucDomain}`, 'Alice');
    const order = hat({ jid: alice.bareJid, ...inCall });
    await expect(alice.iq('set', room.jid, order)).rejects.toMatchObject({ condition: 'forbidden' });
    await expect(focus.set(room.jid, hat({ jid: alice.bareJid }))).rejects.toMatchObject({ condition: 'bad-request' });
    await expect(focus.set(room.jid, hat({ jid: '@@', ...inCall }))).rejects.toMatchObject({
      condition: 'bad-request',
    });
    await expect(focus.set(`no-room@${server.mucDomain}`, order)).rejects.toMatchObject({
      condition: 'item-not-found',
    });
  });
});
