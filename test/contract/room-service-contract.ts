/** What every RoomService must do; run on each server. */
import { expect, it } from 'vitest';
import type { RoomService } from '../../src/muc-bridge/room-service.ts';
import type { XmppRoom } from '../harness/xmpp-room.ts';
import type { XmppUser } from '../harness/xmpp-user.ts';

/** A service whose focus is owner of all rooms, and two users; each test takes a room of its own. */
export interface RoomServiceBench {
  readonly service: RoomService;
  readonly alice: XmppUser;
  readonly bob: XmppUser;
  /** A room with alice (owner), bob and the focus in it. */
  room(): Promise<{ room: string; aliceIn: XmppRoom; bobIn: XmppRoom }>;
  /** Where no room is. */
  nowhere(): string;
}

/** Registers the tests; `bench` is asked inside each. */
export function roomServiceContract(bench: () => RoomServiceBench): void {
  it('reads what a room is', async () => {
    const { service, room: make } = bench();
    const { room, aliceIn } = await make();
    await aliceIn.configure({ 'muc#roomconfig_moderatedroom': true, 'muc#roomconfig_roomname': 'Tea time' });
    const info = await service.info(room);
    expect(info).toMatchObject({
      ok: true,
      value: { name: 'Tea time', moderated: true, membersOnly: false, audioVideoUri: null },
    });
  });

  it('reads what a room gives to guests', async () => {
    const { service, room: make } = bench();
    const { room, aliceIn, bobIn } = await make();
    const guestsHaveVoice = async () => {
      const info = await service.info(room);
      return info.ok ? info.value.guestsHaveVoice : info.condition;
    };
    expect(await guestsHaveVoice()).toBe(true);
    for (const fields of [{ 'muc#roomconfig_moderatedroom': true }, { members_by_default: false }]) {
      await aliceIn.configure(fields);
      await bobIn.leave();
      await bobIn.enter();
      expect(await guestsHaveVoice()).toBe(bobIn.self?.role === 'participant');
    }
    expect(bobIn.self?.role).toBe('visitor');
  });

  it('refuses what is not there as a value', async () => {
    const { service, nowhere } = bench();
    expect(await service.info(nowhere())).toMatchObject({ ok: false, condition: 'item-not-found' });
  });

  it('sets and reads the advertisement, and says why a bad one is refused', async () => {
    const { service, room: make } = bench();
    const { room } = await make();
    expect(await service.configure(room, { 'audio-video-uri': 'sip:tea@conf.example' })).toMatchObject({ ok: true });
    expect(await service.info(room)).toMatchObject({ ok: true, value: { audioVideoUri: 'sip:tea@conf.example' } });
    const refused = await service.configure(room, { 'audio-video-uri': 'http://conf.example' });
    expect(refused).toMatchObject({ ok: false, condition: 'not-acceptable' });
    expect(refused.ok ? '' : refused.text).not.toBe('');
    expect(await service.info(room)).toMatchObject({ ok: true, value: { audioVideoUri: 'sip:tea@conf.example' } });
  });

  it('changes roles with a reason and lists them', async () => {
    const { service, bob, room: make } = bench();
    const { room, bobIn } = await make();
    expect(await service.setRole(room, 'Bob', 'visitor', 'too loud')).toMatchObject({ ok: true });
    await bobIn.until((seen) => seen.self?.role === 'visitor', 'the new role');
    const listed = await service.occupants(room);
    expect(listed.ok && listed.value.find(({ nick }) => nick === 'Bob')).toEqual({
      nick: 'Bob',
      jid: bob.bareJid,
      role: 'visitor',
    });
    expect(await service.setRole(room, 'Nobody', 'visitor', null)).toMatchObject({ ok: false });
    expect(await service.setRole(room, 'Bob', 'none', 'enough')).toMatchObject({ ok: true });
    expect(await bobIn.untilRemoved('Bob')).toMatchObject({
      reason: 'enough',
      statusCodes: expect.arrayContaining([307]),
    });
  });

  it('changes affiliations and lists all kinds', async () => {
    const { service, alice, room: make } = bench();
    const { room } = await make();
    const wanted = {
      outcast: 'dave@xmpp.test',
      member: 'erin@xmpp.test',
      admin: 'faye@xmpp.test',
      owner: alice.bareJid,
    } as const;
    for (const affiliation of ['outcast', 'member', 'admin'] as const) {
      expect(await service.setAffiliation(room, wanted[affiliation], affiliation, null)).toMatchObject({ ok: true });
    }
    const listed = await service.affiliations(room);
    const expected = Object.entries(wanted).map(([affiliation, jid]) => ({ jid, affiliation }));
    expect(listed.ok && listed.value).toEqual(expect.arrayContaining(expected));
  });

  it('reads the password from the owner form', async () => {
    const { service, room: make } = bench();
    const { room, aliceIn } = await make();
    await aliceIn.configure({ 'muc#roomconfig_passwordprotectedroom': true, 'muc#roomconfig_roomsecret': 'teapot' });
    const form = await service.ownerForm(room);
    expect(form.ok && form.value['muc#roomconfig_roomsecret']).toEqual(['teapot']);
    expect(await service.info(room)).toMatchObject({ ok: true, value: { passwordProtected: true } });
  });

  it('speaks to all and to one', async () => {
    const { service, room: make } = bench();
    const { room, aliceIn, bobIn } = await make();
    await service.say(room, 'hello all');
    await bobIn.until((seen) => seen.messages.some((message) => message.body === 'hello all'), 'the message');
    await service.whisper(room, 'Alice', 'hello Alice');
    await aliceIn.until(
      (seen) => seen.notices.some((notice) => notice.getChildText('body') === 'hello Alice'),
      'the whisper',
    );
    expect(bobIn.notices).toEqual([]);
  });

  it('puts a hat on and takes it off', async () => {
    const { service, bob, room: make } = bench();
    const { room, aliceIn } = await make();
    const hat = { uri: 'urn:example:hat', title: 'Example' };
    const worn = () => aliceIn.occupants.get('Bob')?.hats ?? [];
    expect(await service.setHat(room, bob.bareJid, hat, true)).toMatchObject({ ok: true });
    await aliceIn.until(() => worn().some(({ uri }) => uri === hat.uri), 'the hat');
    expect(await service.setHat(room, bob.bareJid, hat, false)).toMatchObject({ ok: true });
    await aliceIn.until(() => worn().length === 0, 'the hat off');
  });

  it('knows whether the focus is still in', async () => {
    const { service, room: make } = bench();
    const { room, aliceIn } = await make();
    expect(await service.stillIn(room, 'call')).toBe(true);
    await service.leave(room, 'call');
    await aliceIn.untilRemoved('call');
    expect(await service.stillIn(room, 'call')).toBe(false);
  });
}
