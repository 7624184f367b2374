/** RFC 7081 4: room and call are two ways into one meeting; each may be left alone, and everybody sees who is where. */
import { expect, it } from 'vitest';
import { userOf } from '../harness/conference/view.ts';
import { has, moderatedRoom } from './exceptions.ts';
import { untilMeeting, untilShown, untilShownMuted, untilShownSpeaking } from './in-the-call.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const HAT = 'urn:cusax:hat:in-call';

describeStacks('Text, audio or both', { links: ['both', 'hats', 'phones', 'never', 'entering'] }, (stack) => {
  it('is up to each person: leaving the room does not end the call, hanging up does not leave the room', async () => {
    const { owner, guest } = await people(stack(), 'both');
    const ownerCall = await owner.call();
    const watcher = await stack().watcher('alice', stack().link('both').conference);
    const inRoom = { entity: `xmpp:${stack().link('both').room}/${guest.nick}` };
    await untilShown(watcher, inRoom.entity, 'text');
    const guestCall = await guest.call();
    await untilShown(watcher, guest.aor, 'both');
    expect(userOf(watcher.view, guest.aor)!.endpoints).toMatchObject([
      { ...inRoom, media: [{ type: 'message' }] },
      { joiningMethod: 'dialed-in', media: [{ type: 'audio' }] },
    ]);

    await guest.room.leave();
    await untilShown(watcher, guest.aor, 'audio');
    await Promise.all([ownerCall.hears(guest.tone), guestCall.hears(owner.tone)]);
    expect(guestCall.status).toBe('up');

    await guest.room.enter();
    await untilShown(watcher, guest.aor, 'both');
    await guestCall.hangUp();
    await untilShown(watcher, inRoom.entity, 'text');
    await ownerCall.silentOf(guest.tone);
    await guest.room.say('still here');
    await untilMeeting(stack(), 'both', { occupants: 2, persons: [{}, { involvement: 'text', calls: [] }] });
  });

  it('shows in the room by a hat who is in the call too, for as long as they are', async () => {
    const { owner, guest } = await people(stack(), 'hats');
    const wears = (nick: string) => owner.room.occupants.get(nick)?.hats.some(({ uri }) => uri === HAT) ?? false;
    const first = await guest.call();
    const second = await guest.call();
    await owner.room.until(() => wears(guest.nick), 'the hat');
    expect(wears(owner.nick)).toBe(false);
    await first.hangUp();
    await untilMeeting(stack(), 'hats', { calls: 1 });
    await owner.call();
    await owner.room.until(() => wears(owner.nick), 'the hat of the owner');
    expect(wears(guest.nick)).toBe(true);
    await second.hangUp();
    await owner.room.until(() => !wears(guest.nick), 'the hat taken off');
    expect(owner.room.messages.filter(({ from }) => from === 'call')).toEqual([]);
  });

  it('shows in the room by a notice who is in the call only', async () => {
    const { owner, guest } = await people(stack(), 'phones');
    const { conference } = stack().link('phones');
    const said = () =>
      owner.room.messages.flatMap(({ from, body }) => (from === 'call' && body !== null ? [body] : []));
    const untilSaid = (text: string) => owner.room.until(() => said().includes(text), text);
    const stranger = await (await stack().phone('zoe')).call(conference);
    await untilSaid('Zoe joined the call');
    await stranger.hangUp();
    await untilSaid('Zoe left the call');
    const call = await guest.call();
    await owner.room.until(({ occupants }) => occupants.get(guest.nick)?.hats.length === 1, 'the hat');
    await guest.room.leave();
    await untilSaid('bob is still in the call');
    await call.hangUp();
    await untilSaid('bob left the call');
  });

  it('gives who never was in the room the role that their affiliation would get there', async () => {
    const { owner } = await people(stack(), 'never');
    const { conference } = stack().link('never');
    const [carol, dave] = [stack().person('carol'), stack().person('dave')];
    await owner.room.setAffiliation(carol.jid!, 'member');
    await owner.room.configure(moderatedRoom(stack()));
    await untilMeeting(stack(), 'never', { moderated: true });
    const ownerCall = await owner.call();
    await (await stack().phone('carol')).call(conference);
    const daveCall = await (await stack().phone('dave')).call(conference);
    const watcher = await stack().watcher('alice', conference);
    await Promise.all([untilShownSpeaking(watcher, carol.aor!), untilShownMuted(watcher, dave.aor!)]);
    expect(userOf(watcher.view, carol.aor!)!.roles).toEqual(['participant', 'member']);
    expect(userOf(watcher.view, dave.aor!)!.roles).toEqual(['visitor']);
    await Promise.all([ownerCall.hears(carol.tone), ownerCall.silentOf(dave.tone), daveCall.hears(owner.tone)]);

    await owner.room.setAffiliation(dave.jid!, 'member');
    await Promise.all([ownerCall.hears(dave.tone), untilShownSpeaking(watcher, dave.aor!)]);
    await owner.room.setAffiliation(carol.jid!, 'none');
    await ownerCall.silentOf(carol.tone);
    await owner.room.setAffiliation(carol.jid!, 'admin');
    await watcher.until((view) => userOf(view, carol.aor!)?.roles.join() === 'moderator,admin', 'the role of an admin');
    await ownerCall.hears(carol.tone);
  });

  it('is heard alike before and after entering the room, whatever the server gives on entering', async () => {
    const { owner } = await people(stack(), 'entering');
    const dave = stack().person('dave');
    await owner.room.configure({ 'muc#roomconfig_moderatedroom': true });
    await untilMeeting(stack(), 'entering', { moderated: true });
    const ownerCall = await owner.call();
    await (await stack().phone('dave')).call(stack().link('entering').conference);
    const voice = has(stack(), 'guests of a moderated room have voice');
    const asExpected = () => (voice ? ownerCall.hears(dave.tone) : ownerCall.silentOf(dave.tone));
    await untilMeeting(stack(), 'entering', { persons: [{}, {}, { jid: dave.jid, calls: [{ muted: !voice }] }] });
    await asExpected();
    const { room } = await attend(stack(), 'entering', 'dave');
    expect(room.self!.role).toBe(voice ? 'participant' : 'visitor');
    await untilMeeting(stack(), 'entering', { persons: [{}, {}, { involvement: 'both', calls: [{ muted: !voice }] }] });
    await asExpected();
  });
});
