/** XEP-0045 4.2 and RFC 4353 4.1: in a moderated room voice must be given, by the room to who is there, by an operator to who has only a phone. */
import { expect, it } from 'vitest';
import { moderatedRoom } from './exceptions.ts';
import { order, untilMeeting, untilShownMuted, untilShownSpeaking } from './in-the-call.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

/** What a second phone sends. */
const SECOND_TONE = 1930;

describeStacks('A moderated room', { links: ['phones', 'people', 'turned'] }, (stack) => {
  it('has callers without a JID start muted, and speak once an operator gives them the floor', async () => {
    const { owner } = await people(stack(), 'phones');
    const { conference } = stack().link('phones');
    const { aor, tone } = stack().person('erin');
    await owner.room.configure(moderatedRoom(stack()));
    await untilMeeting(stack(), 'phones', { moderated: true });
    const ownerCall = await owner.call();
    const callers = [
      await (await stack().phone('zoe')).call(conference),
      await (await stack().phone('erin')).call(conference),
    ];
    const watcher = await stack().watcher('alice', conference);
    await untilShownMuted(watcher, aor!);
    await Promise.all([
      ...callers.map((call) => call.hears(owner.tone)),
      ...[stack().person('zoe').tone, tone].map((hz) => ownerCall.silentOf(hz)),
    ]);

    expect(await order(stack(), 'phones', 'unmute', { person: aor })).toMatchObject({
      status: 200,
      body: { notes: [] },
    });
    await Promise.all([ownerCall.hears(tone), untilShownSpeaking(watcher, aor!)]);
    await ownerCall.silentOf(stack().person('zoe').tone);
    await order(stack(), 'phones', 'unmute', { person: 'Zoe' });
    await ownerCall.hears(stack().person('zoe').tone);

    await order(stack(), 'phones', 'mute', { person: aor });
    await Promise.all([ownerCall.silentOf(tone), untilShownMuted(watcher, aor!)]);
    await order(stack(), 'phones', 'unmute', { person: aor });
    await ownerCall.hears(tone);
  });

  it('gives voice in the call to whom it gives it in the room', async () => {
    const { owner } = await people(stack(), 'people');
    await owner.room.configure(moderatedRoom(stack()));
    await untilMeeting(stack(), 'people', { moderated: true });
    await owner.room.setAffiliation(stack().person('carol').jid!, 'member');
    const [carol, dave] = [await attend(stack(), 'people', 'carol'), await attend(stack(), 'people', 'dave')];
    expect([carol.room.self!.role, dave.room.self!.role]).toEqual(['participant', 'visitor']);
    const ownerCall = await owner.call();
    await carol.call();
    const daveCall = await dave.call();
    const watcher = await stack().watcher('alice', stack().link('people').conference);
    await Promise.all([ownerCall.hears(carol.tone), untilShownMuted(watcher, dave.aor)]);
    await Promise.all([ownerCall.silentOf(dave.tone), daveCall.hears(owner.tone)]);
    await untilShownSpeaking(watcher, carol.aor);

    await owner.room.grantVoice(dave.nick);
    await Promise.all([ownerCall.hears(dave.tone), untilShownSpeaking(watcher, dave.aor)]);
    await owner.room.revokeVoice(dave.nick);
    await ownerCall.silentOf(dave.tone);
  });

  it('once it has become one, mutes phones that are in the call, and nobody who has voice in the room', async () => {
    const { owner, guest } = await people(stack(), 'turned');
    const { conference } = stack().link('turned');
    const ownerCall = await owner.call();
    await guest.call();
    const stranger = await (await stack().phone('zoe', { tone: SECOND_TONE })).call(conference);
    await Promise.all([ownerCall.hears(SECOND_TONE), stranger.hears(guest.tone)]);

    await owner.room.configure(moderatedRoom(stack()));
    await Promise.all([ownerCall.silentOf(SECOND_TONE), stranger.hears(owner.tone)]);
    await ownerCall.hears(guest.tone);

    await owner.room.configure({ 'muc#roomconfig_moderatedroom': false });
    await ownerCall.hears(SECOND_TONE);
  });
});
