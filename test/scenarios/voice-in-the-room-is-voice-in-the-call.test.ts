/** XEP-0045 8.3, 8.4 and RFC 4353 4.1: whose voice the room takes is muted in the call, but hears on, until it is given back. */
import { expect, it } from 'vitest';
import { userOf } from '../harness/conference/view.ts';
import { shown, untilMeeting, untilShownMuted, untilShownSpeaking } from './in-the-call.ts';
import { people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const wishes = {
  links: ['taken', 'legs', 'nicks', 'absent', 'ended'],
  settings: { xmpp: { 'conference-ends-after': 1 } },
};

/** What further phones of the guest send. */
const SECOND_TONE = 1930;
const THIRD_TONE = 2230;

describeStacks('Voice in the room', wishes, (stack) => {
  it('is voice in the call: taken, nobody hears the person, who hears on; given back, all do', async () => {
    const { owner, guest } = await people(stack(), 'taken');
    const [ownerCall, guestCall] = [await owner.call(), await guest.call()];
    const watcher = await stack().watcher('alice', stack().link('taken').conference);
    await Promise.all([ownerCall.hears(guest.tone), untilShownSpeaking(watcher, guest.aor)]);
    expect(userOf(watcher.view, guest.aor)!.roles).toEqual(['participant']);

    await owner.room.revokeVoice(guest.nick);
    await Promise.all([ownerCall.silentOf(guest.tone), untilShownMuted(watcher, guest.aor)]);
    await guestCall.hears(owner.tone);
    await watcher.until((view) => userOf(view, guest.aor)?.roles.join() === 'visitor', 'the role of a visitor');
    expect(shown(watcher.view, guest.aor, 'message')).toEqual([{ is: 'connected', status: 'recvonly' }]);
    await untilMeeting(stack(), 'taken', { voiceTaken: [guest.jid] });

    await owner.room.grantVoice(guest.nick);
    await Promise.all([ownerCall.hears(guest.tone), untilShownSpeaking(watcher, guest.aor)]);
    await watcher.until((view) => userOf(view, guest.aor)?.roles.join() === 'participant', 'the role of before');
    expect(shown(watcher.view, guest.aor, 'message')).toEqual([{ is: 'connected', status: 'sendrecv' }]);
    await untilMeeting(stack(), 'taken', { voiceTaken: [] });
  });

  it('is voice on every phone of a person', async () => {
    const { owner, guest } = await people(stack(), 'legs');
    const ownerCall = await owner.call();
    await guest.call();
    await guest.call({ tone: SECOND_TONE });
    const watcher = await stack().watcher('alice', stack().link('legs').conference);
    await Promise.all([guest.tone, SECOND_TONE].map((tone) => ownerCall.hears(tone)));

    await owner.room.revokeVoice(guest.nick);
    await Promise.all([guest.tone, SECOND_TONE].map((tone) => ownerCall.silentOf(tone)));
    await untilShownMuted(watcher, guest.aor);
    expect(shown(watcher.view, guest.aor, 'audio')).toHaveLength(2);
    const late = await guest.call({ tone: THIRD_TONE });
    await late.hears(owner.tone);
    await untilMeeting(stack(), 'legs', { calls: 4 });
    await untilShownMuted(watcher, guest.aor);
    await ownerCall.silentOf(THIRD_TONE);

    await owner.room.grantVoice(guest.nick);
    await Promise.all([guest.tone, SECOND_TONE, THIRD_TONE].map((tone) => ownerCall.hears(tone)));
  });

  it('is the least that a person has under any of their nicks', async () => {
    const { owner, guest } = await people(stack(), 'nicks');
    const elsewhere = await stack().newUser('bob', 'elsewhere');
    const other = await elsewhere.join(stack().link('nicks').room, 'bob-2');
    await owner.room.until(({ occupants }) => occupants.has(other.nick), 'both nicks');
    const ownerCall = await owner.call();
    await guest.call();
    await ownerCall.hears(guest.tone);

    await owner.room.revokeVoice(other.nick);
    await ownerCall.silentOf(guest.tone);
    await owner.room.revokeVoice(guest.nick);
    await untilMeeting(stack(), 'nicks', { persons: [{}, { nicks: [{ role: 'visitor' }, { role: 'visitor' }] }] });
    await owner.room.grantVoice(guest.nick);
    await untilMeeting(stack(), 'nicks', {
      persons: [{}, { nicks: [{ role: 'participant' }, { role: 'visitor' }], calls: [{ muted: true }] }],
    });
    await ownerCall.silentOf(guest.tone);
    await owner.room.grantVoice(other.nick);
    await ownerCall.hears(guest.tone);
  });

  it('stays taken from who leaves the room, calls again or comes back, until a moderator gives it', async () => {
    const { owner, guest } = await people(stack(), 'absent');
    const [ownerCall, guestCall] = [await owner.call(), await guest.call()];
    await ownerCall.hears(guest.tone);
    await owner.room.revokeVoice(guest.nick);
    await ownerCall.silentOf(guest.tone);

    await guest.room.leave();
    await untilMeeting(stack(), 'absent', { occupants: 1, voiceTaken: [guest.jid] });
    await ownerCall.silentOf(guest.tone);
    await guestCall.hangUp();
    const redialled = await guest.call();
    await redialled.hears(owner.tone);
    await untilMeeting(stack(), 'absent', { calls: 2, persons: [{}, { calls: [{ muted: true, mutes: ['room'] }] }] });
    await ownerCall.silentOf(guest.tone);

    await guest.room.enter();
    await owner.room.until(({ occupants }) => occupants.get(guest.nick)?.role === 'visitor', 'a visitor again');
    await ownerCall.silentOf(guest.tone);
    await owner.room.grantVoice(guest.nick);
    await ownerCall.hears(guest.tone);
    await untilMeeting(stack(), 'absent', { voiceTaken: [] });
  });

  it('is no longer taken after the conference has ended', async () => {
    const { owner, guest } = await people(stack(), 'ended');
    const guestCall = await guest.call();
    await owner.room.revokeVoice(guest.nick);
    await guest.room.leave();
    await untilMeeting(stack(), 'ended', { voiceTaken: [guest.jid], persons: [{}, { calls: [{ muted: true }] }] });
    await guestCall.hangUp();
    await untilMeeting(stack(), 'ended', { voiceTaken: [] });

    await guest.room.enter();
    const ownerCall = await owner.call();
    await guest.call();
    await ownerCall.hears(guest.tone);
    expect(guest.room.self!.role).toBe('participant');
  });
});
