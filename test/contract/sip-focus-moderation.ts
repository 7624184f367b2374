/** What the room and operators do to the calls of a focus, on any SIP server and mixer. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Ask } from '../../src/bus/asks.ts';
import { headerOf, statusOf } from './sip-focus-peer.ts';
import { alice, aliceAor, eventually, link, room, type Stage, type StartPlace, stage } from './sip-focus-stage.ts';

/** Tests of roles, kicks, bans, operator mutes and the floor. */
export function moderationOfTheFocus(start: StartPlace): void {
  describe('the focus and the room', () => {
    let at: Stage;
    beforeEach(async () => {
      at = await stage(start);
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
        by: 'bob@example.com',
      });
      const bye = await at.peer.waitRequest('BYE', dialog);
      expect(headerOf(bye, 'reason')).toBe('SIP;cause=603;text="Removed from the room"');
      await eventually(() => at.legs().length === 0, 'the leg is gone');
      const { departures } = at.bus.facts.meeting(link.id);
      expect([...departures.values()]).toMatchObject([
        { method: 'booted', reason: 'Removed from the room', by: 'xmpp:bob@example.com' },
      ]);
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

    it('takes a ban of a caller without an address for a kick, and tells the asker and the moderators so', async () => {
      const told: Ask[] = [];
      at.asks.serve({ owner: 'room' }, async (ask) => {
        told.push(ask);
        return { ok: true, notes: [] };
      });
      const dialog = at.peer.dialog('carol', at.uri);
      await at.call(dialog);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      const target = { owner: 'focus', instance: 'focus-1' } as const;
      const ask = { link: link.id, by: 'bob', reason: null, to: 'focus', act: 'ban', leg: at.legs()[0]!.leg } as const;
      expect(await at.asks.ask(target, ask)).toEqual({
        ok: true,
        notes: [expect.stringContaining('acted as a kick')],
      });
      await at.peer.waitRequest('BYE', dialog);
      await eventually(() => told.length === 1, 'the room is asked to tell');
      expect(told[0]).toMatchObject({ act: 'tell-moderators', by: 'bob', text: expect.stringMatching(/carol.*kick/) });
      expect(statusOf(await at.call(at.peer.dialog('carol', at.uri)))).toBe(200);
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

    it('removes a call whose phone is dead, and says so in time', async () => {
      await at.callAlice();
      await eventually(() => at.legs().length === 1, 'the leg is known');
      at.peer.answerWith = () => null;
      const ask = {
        to: 'focus',
        act: 'remove',
        leg: at.legs()[0]?.leg ?? '',
        link: link.id,
        by: 'ops',
        reason: null,
      } as const;
      expect(await at.asks.ask({ owner: 'focus', instance: 'focus-1' }, ask, 6_000)).toEqual({ ok: true, notes: [] });
      expect(at.legs()).toEqual([]);
    });

    it('lets nobody into a locked conference but owners of the room; who is in it stays', async () => {
      const stays = at.peer.dialog('carol', at.uri);
      await at.call(stays);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      const open = { room: link.room, conference: link.conference, state: 'open', reason: null } as const;
      await at.bus.publish(link.id, 'link', '-', { ...open, locked: { by: 'the desk', reason: null } });
      const refused = await at.call(at.peer.dialog('dave', at.uri));
      expect(refused.start).toMatch(/ 403 The conference is locked$/);
      expect(statusOf((await at.callAlice()).answer)).toBe(403);
      await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, affiliation: 'owner', role: 'moderator' });
      expect(statusOf((await at.callAlice()).answer)).toBe(200);
      expect(statusOf(await at.peer.request('OPTIONS', stays))).toBe(200);
      await at.bus.publish(link.id, 'link', '-', open);
      expect(statusOf(await at.call(at.peer.dialog('dave', at.uri)))).toBe(200);
      await eventually(() => at.legs().length === 3, 'all three are in the call');
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
}
