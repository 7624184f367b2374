/** RFC 4353 4.1: an operator acts on people by command line or admin API; the room does it to who is there, the mixer to who has only a phone. */
import { expect, it } from 'vitest';
import { userOf } from '../harness/conference/view.ts';
import type { CommandResult } from '../harness/meeting/bridge-process.ts';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import { has } from './exceptions.ts';
import { calledAgain, order, refusal, untilMeeting } from './in-the-call.ts';
import { people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['room', 'phones', 'audio', 'owner', 'locked', 'closed', 'refused'];

const command = (stack: MeetingStack, ...args: string[]): Promise<CommandResult> =>
  stack.bridge.cli(...args, '--config', stack.files.config);

const done = { code: 0, stdout: 'done\n', stderr: '' };

describeStacks('An operator', { links }, (stack) => {
  it('asks the room about who is in the room: its people see it, and the call follows', async () => {
    const { owner, guest } = await people(stack(), 'room');
    const { conference, room } = stack().link('room');
    const [ownerCall, guestCall] = [await owner.call(), await guest.call()];
    await ownerCall.hears(guest.tone);

    expect(await command(stack(), 'mute', 'room', guest.nick, '--by', 'the desk', '--reason', 'noise')).toEqual(done);
    await Promise.all([ownerCall.silentOf(guest.tone), guestCall.hears(owner.tone)]);
    const seen = owner.room.occupants.get(guest.nick)!;
    expect(seen.role).toBe('visitor');
    expect(seen.raw.toString()).toContain('<reason>noise</reason>');
    if (has(stack(), 'visitors write in unmoderated rooms')) {
      await guest.room.say('but I may write');
      await owner.room.configure({ 'muc#roomconfig_moderatedroom': true });
    }
    await expect(guest.room.say('may I write?')).rejects.toMatchObject({ condition: 'forbidden' });
    await untilMeeting(stack(), 'room', {
      ...{ id: 'room', state: 'open', room, conference, calls: 2, voiceTaken: [guest.jid] },
      persons: [
        { jid: owner.jid, involvement: 'both', calls: [{ muted: false }] },
        { jid: guest.jid, nicks: [{ role: 'visitor' }], calls: [{ aor: guest.aor, muted: true, mutes: ['room'] }] },
      ],
    });

    await order(stack(), 'room', 'unmute', { person: guest.nick });
    await ownerCall.hears(guest.tone);
    expect(owner.room.occupants.get(guest.nick)!.role).toBe('participant');

    await order(stack(), 'room', 'kick', { person: guest.nick, reason: 'off topic' });
    expect((await guestCall.ended()).reason).toMatch(/cause=603;\s*text="Removed from the room: off topic"/);
    expect(await guest.room.untilRemoved(guest.nick)).toMatchObject({ reason: 'off topic' });

    await guest.room.enter();
    const again = await guest.call();
    await order(stack(), 'room', 'ban', { person: guest.aor });
    expect((await again.ended()).reason).toMatch(/cause=403;\s*text="Banned from the room"/);
    expect((await refusal(await guest.phone(), conference)).status).toBe(403);
    await guest.room.until(({ removals }) => removals.some(({ statusCodes }) => statusCodes.includes(301)), 'the ban');
    await order(stack(), 'room', 'unban', { person: guest.jid });
    await calledAgain(await guest.phone(), conference);
  });

  it('asks the mixer about who has only a phone: the room does nothing', async () => {
    const { owner } = await people(stack(), 'phones');
    const { conference } = stack().link('phones');
    const [carol, erin] = [stack().person('carol'), stack().person('erin')];
    const ownerCall = await owner.call();
    const calls = new Map([
      [carol.aor!, await (await stack().phone('carol')).call(conference)],
      [erin.aor!, await (await stack().phone('erin')).call(conference)],
      ['Zoe', await (await stack().phone('zoe')).call(conference)],
    ]);
    const tones = [carol.tone, erin.tone, stack().person('zoe').tone];
    await Promise.all(tones.map((tone) => ownerCall.hears(tone)));

    for (const person of calls.keys()) {
      expect(await order(stack(), 'phones', 'mute', { person }), person).toMatchObject({ status: 200 });
    }
    await Promise.all(tones.map((tone) => ownerCall.silentOf(tone)));
    const muted = { muted: true, mutes: ['operator'] };
    await untilMeeting(stack(), 'phones', {
      voiceTaken: [],
      persons: [{}, {}, ...tones.map(() => ({ calls: [muted] }))],
    });
    for (const person of calls.keys()) await order(stack(), 'phones', 'unmute', { person });
    await Promise.all(tones.map((tone) => ownerCall.hears(tone)));

    const { persons } = (await stack().bridge.admin('GET', '/admin/links/phones')).body;
    const callId: string = persons.at(-1).calls[0].call;
    await order(stack(), 'phones', 'kick', { person: carol.jid, reason: 'enough' });
    await order(stack(), 'phones', 'kick', { person: erin.aor });
    await order(stack(), 'phones', 'kick', { person: callId });
    for (const call of calls.values()) expect((await call.ended()).reason).toMatch(/cause=603/);
    expect((await calls.get(carol.aor!)!.ended()).reason).toContain('"enough"');
    expect(owner.room.notices).toEqual([]);
    await (await stack().phone('carol')).call(conference);
  });

  it('can act on the audio alone of anybody: a mute that no voice in the room lifts, an end of the call alone', async () => {
    const { owner, guest } = await people(stack(), 'audio');
    const [ownerCall, guestCall] = [await owner.call(), await guest.call()];
    const watcher = await stack().watcher('alice', stack().link('audio').conference);
    await ownerCall.hears(guest.tone);

    await order(stack(), 'audio', 'mute', { person: guest.nick, 'audio-only': true });
    await Promise.all([ownerCall.silentOf(guest.tone), guestCall.hears(owner.tone)]);
    await guest.room.say('I can still write');
    await watcher.until((view) => userOf(view, guest.aor)?.roles.join() === 'participant', 'the role of before');

    await owner.room.revokeVoice(guest.nick);
    await untilMeeting(stack(), 'audio', { persons: [{}, { calls: [{ mutes: ['room', 'operator'] }] }] });
    await owner.room.grantVoice(guest.nick);
    await untilMeeting(stack(), 'audio', { persons: [{}, { calls: [{ muted: true, mutes: ['operator'] }] }] });
    expect((await order(stack(), 'audio', 'unmute', { person: guest.nick })).body).toEqual({
      ok: true,
      notes: [expect.stringContaining('--audio-only')],
    });
    await ownerCall.silentOf(guest.tone);
    expect(await order(stack(), 'audio', 'unmute', { person: guest.nick, 'audio-only': true })).toMatchObject({
      body: { ok: true, notes: [] },
    });
    await ownerCall.hears(guest.tone);

    await order(stack(), 'audio', 'kick', { person: guest.nick, 'audio-only': true });
    expect(await guestCall.ended()).toMatchObject({ by: 'peer' });
    await guest.room.say('still in the room');
  });

  it('takes and gives the voice of an owner where the server lets anybody, else is told once what works', async () => {
    const { owner, guest } = await people(stack(), 'owner');
    await owner.call();
    const guestCall = await guest.call();
    await guestCall.hears(owner.tone);

    const { status, body } = await order(stack(), 'owner', 'mute', { person: owner.nick });
    if (has(stack(), 'owners cannot be moderated')) {
      expect({ status, body }).toMatchObject({ status: 409, body: { error: 'not-allowed' } });
      expect(body.text).toContain('--audio-only');
      expect((await order(stack(), 'owner', 'kick', { person: owner.nick })).status).toBe(409);
      expect(owner.room.self!.role).toBe('moderator');
      const audioOnly = { person: owner.nick, 'audio-only': true };
      expect(await order(stack(), 'owner', 'mute', audioOnly)).toMatchObject({ status: 200 });
      await guestCall.silentOf(owner.tone);
      await order(stack(), 'owner', 'unmute', audioOnly);
    } else {
      expect({ status, body }).toEqual({ status: 200, body: { ok: true, notes: [] } });
      await guestCall.silentOf(owner.tone);
      expect(guest.room.occupants.get(owner.nick)!.role).toBe('visitor');
      await order(stack(), 'owner', 'unmute', { person: owner.nick });
    }
    await guestCall.hears(owner.tone);
    await guest.room.until(({ occupants }) => occupants.get(owner.nick)?.role === 'moderator', 'a moderator again');
    // Voice is not given a second time: that would make a participant of a moderator.
    expect((await order(stack(), 'owner', 'unmute', { person: owner.nick })).status).toBe(200);
    await guest.room.say('a round trip');
    expect(guest.room.occupants.get(owner.nick)!.role).toBe('moderator');
  });

  it('locks a conference: who is in the call stays, nobody else is let in but who owns the room', async () => {
    const { owner, guest } = await people(stack(), 'locked');
    const { conference } = stack().link('locked');
    const carol = await stack().phone('carol');
    const guestCall = await guest.call();
    const watcher = await stack().watcher('alice', conference);
    expect(watcher.view.locked).toBe(false);

    expect(await command(stack(), 'lock', 'locked', '--by', 'the desk', '--reason', 'board only')).toEqual(done);
    await watcher.until((view) => view.locked === true, 'locked');
    await untilMeeting(stack(), 'locked', { calls: 1, locked: { by: 'the desk', reason: 'board only' } });
    await owner.room.until(
      ({ messages }) => messages.some(({ body }) => body === 'The call is locked to new callers: board only'),
      'the room told',
    );
    expect(await refusal(carol, conference)).toMatchObject({ status: 403, reason: 'The conference is locked' });
    expect((await refusal(await guest.phone(), conference)).status).toBe(403);
    const ownerCall = await owner.call();
    await Promise.all([ownerCall.hears(guest.tone), guestCall.hears(owner.tone)]);

    expect(await command(stack(), 'unlock', 'locked')).toEqual(done);
    await watcher.until((view) => view.locked === false, 'not locked');
    await untilMeeting(stack(), 'locked', { calls: 2, locked: null });
    await calledAgain(carol, conference);
  });

  it('closes a conference and opens it again', async () => {
    const { owner, guest } = await people(stack(), 'closed');
    const { conference } = stack().link('closed');
    const call = await guest.call();
    const watcher = await stack().watcher('alice', conference);
    await order(stack(), 'closed', 'close', { reason: 'lunch' });
    expect(await call.ended()).toMatchObject({ reason: expect.stringMatching(/cause=404.*lunch/) });
    expect(await watcher.ended()).toMatchObject({ reason: 'noresource' });
    await owner.room.untilRemoved('call');
    expect((await refusal(await guest.phone(), conference)).status).toBe(404);
    await order(stack(), 'closed', 'reopen');
    await untilMeeting(stack(), 'closed', { state: 'open', roomJoined: true, occupants: 2 });
    await calledAgain(await guest.phone(), conference);
  });

  it('is told what cannot be done', async () => {
    await people(stack(), 'refused');
    const nobody = await command(stack(), 'kick', 'refused', 'nobody-here');
    expect(nobody).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Nobody in this meeting') });
    expect(await order(stack(), 'refused', 'mute', { person: stack().person('erin').aor })).toMatchObject({
      status: 404,
    });
    expect(await order(stack(), 'nowhere', 'mute', { person: 'bob' })).toMatchObject({ status: 404 });
    expect(await order(stack(), 'refused', 'mute', { persson: 'bob' })).toMatchObject({ status: 400 });
    const stranger = await fetch(`${stack().bridge.url}/admin/links/refused/mute`, { method: 'POST' });
    expect(stranger.status).toBe(401);
  });
});
