/** XEP-0045 8.2, RFC 3326: who is kicked from the room is out of the call as well, and may call again. */
import { expect, it } from 'vitest';
import { userOf } from '../harness/conference/view.ts';
import { untilMeeting, untilShown } from './in-the-call.ts';
import { people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['kick', 'nicks', 'text'];

/** What a second phone of the guest sends. */
const SECOND_TONE = 1930;

describeStacks('A kick', { links }, (stack) => {
  it('ends the call with a reason and takes it out of the mix; the person may call again', async () => {
    const { owner, guest } = await people(stack(), 'kick');
    const [ownerCall, guestCall] = [await owner.call(), await guest.call()];
    const watcher = await stack().watcher('alice', stack().link('kick').conference);
    await Promise.all([ownerCall.hears(guest.tone), untilShown(watcher, guest.aor, 'both')]);

    await owner.room.kick(guest.nick, 'off topic');
    const { by, reason } = await guestCall.ended();
    expect(by).toBe('peer');
    expect(reason).toMatch(/^SIP;\s*cause=603;\s*text="Removed from the room: off topic"/);
    expect((await guest.room.untilRemoved(guest.nick)).statusCodes).toContain(307);
    await Promise.all([ownerCall.silentOf(guest.tone), untilShown(watcher, guest.aor, 'none')]);
    expect(watcher.view.userCount).toBe(1);
    await untilMeeting(stack(), 'kick', { occupants: 1, calls: 1 });

    const again = await guest.call();
    await Promise.all([ownerCall.hears(guest.tone), again.hears(owner.tone)]);
    await untilShown(watcher, guest.aor, 'audio');
  });

  it('under any of their nicks ends every call of a person, and no visit but that one', async () => {
    const { owner, guest } = await people(stack(), 'nicks');
    const elsewhere = await stack().newUser('bob', 'elsewhere');
    const other = await elsewhere.join(stack().link('nicks').room, 'bob-2');
    await owner.room.until(({ occupants }) => occupants.has(other.nick), 'both nicks');
    const ownerCall = await owner.call();
    const calls = [await guest.call(), await guest.call({ tone: SECOND_TONE })];
    await Promise.all([guest.tone, SECOND_TONE].map((tone) => ownerCall.hears(tone)));

    await owner.room.kick(other.nick);
    for (const call of calls)
      expect(await call.ended()).toMatchObject({ by: 'peer', reason: expect.stringMatching(/cause=603/) });
    await Promise.all([guest.tone, SECOND_TONE].map((tone) => ownerCall.silentOf(tone)));
    await untilMeeting(stack(), 'nicks', { calls: 1, persons: [{}, { nicks: [{ nick: guest.nick }], calls: [] }] });
    await guest.room.say('still here');
  });

  it('of somebody who is in the room only ends nobody else’s call', async () => {
    const { owner, guest } = await people(stack(), 'text');
    const ownerCall = await owner.call();
    const stranger = await (await stack().phone('zoe')).call(stack().link('text').conference);
    const watcher = await stack().watcher('alice', stack().link('text').conference);
    await watcher.until(({ users }) => users.length === 3, 'all three');
    const shownGuest = userOf(watcher.view, `xmpp:${guest.jid}`)!.entity;

    await owner.room.kick(guest.nick);
    await untilShown(watcher, shownGuest, 'none');
    await Promise.all([ownerCall.hears(stack().person('zoe').tone), stranger.hears(owner.tone)]);
    expect([ownerCall.status, stranger.status]).toEqual(['up', 'up']);
  });
});
