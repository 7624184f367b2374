/** XEP-0045 9.1, RFC 4353 5.4: who is banned is put out of the call, and refused by it until the ban is lifted. */
import { expect, it } from 'vitest';
import { calledAgain, order, refusal, untilMeeting } from './in-the-call.ts';
import { people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['room', 'away', 'phone', 'nobody'];

describeStacks('A ban', { links }, (stack) => {
  it('ends the call with a reason, and the same proved account is refused until it is lifted', async () => {
    const { owner, guest } = await people(stack(), 'room');
    const { conference } = stack().link('room');
    const [ownerCall, guestCall] = [await owner.call(), await guest.call()];
    await ownerCall.hears(guest.tone);

    await owner.room.ban(guest.jid, 'spam');
    const { by, reason } = await guestCall.ended();
    expect(by).toBe('peer');
    expect(reason).toMatch(/^SIP;\s*cause=403;\s*text="Banned from the room: spam"/);
    expect((await guest.room.untilRemoved(guest.nick)).statusCodes).toContain(301);
    await ownerCall.silentOf(guest.tone);

    const another = await guest.phone({ displayName: 'Somebody else', transport: 'tcp' });
    expect(await refusal(another, conference)).toMatchObject({ status: 403, reason: 'Banned from the room' });
    await expect(stack().watcher('bob', conference)).rejects.toMatchObject({ status: 403 });

    await owner.room.unban(guest.jid);
    await calledAgain(another, conference);
    await ownerCall.hears(guest.tone);
  });

  it('reaches who is in the call and never was in the room', async () => {
    const { owner } = await people(stack(), 'away');
    const { conference } = stack().link('away');
    const phone = await stack().phone('carol');
    const call = await phone.call(conference);
    await untilMeeting(stack(), 'away', { calls: 1 });

    await owner.room.ban(stack().person('carol').jid!);
    expect(await call.ended()).toMatchObject({
      by: 'peer',
      reason: expect.stringMatching(/^SIP;\s*cause=403;\s*text="Banned from the room"/),
    });
    expect((await refusal(phone, conference)).status).toBe(403);
    await owner.room.unban(stack().person('carol').jid!);
    await calledAgain(phone, conference);
  });

  it('of a caller who has an account and no JID is kept by the address of the account', async () => {
    const { conference } = stack().link('phone');
    const { aor } = stack().person('erin');
    const phone = await stack().phone('erin');
    const call = await phone.call(conference);
    await untilMeeting(stack(), 'phone', { calls: 1 });

    expect(await order(stack(), 'phone', 'ban', { person: aor, reason: 'noise' })).toEqual({
      status: 200,
      body: { ok: true, notes: [] },
    });
    expect(await call.ended()).toMatchObject({
      by: 'peer',
      reason: expect.stringMatching(/^SIP;\s*cause=403;\s*text="Banned from the conference: noise"/),
    });
    expect(await refusal(phone, conference)).toMatchObject({ status: 403, reason: 'Banned from the conference' });
    await untilMeeting(stack(), 'phone', { calls: 0, callerBans: [aor] });

    expect((await order(stack(), 'phone', 'unban', { person: aor })).status).toBe(200);
    await calledAgain(phone, conference);
    await untilMeeting(stack(), 'phone', { calls: 1, callerBans: [] });
  });

  it('of a caller who proved nothing acts as a kick, and the moderators are told so', async () => {
    const { owner, guest } = await people(stack(), 'nobody');
    const { conference } = stack().link('nobody');
    const phone = await stack().phone('zoe');
    const call = await phone.call(conference);
    await untilMeeting(stack(), 'nobody', { calls: 1 });

    const { status, body } = await order(stack(), 'nobody', 'ban', { person: 'Zoe', by: 'the desk' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { ok: true, notes: [expect.stringMatching(/acted as a kick/)] },
    });
    expect(await call.ended()).toMatchObject({ by: 'peer', reason: expect.stringMatching(/cause=603/) });
    const [told] = await owner.room.until(({ notices }) => notices.length > 0 && notices, 'a word to the moderator');
    expect(told!.getChildText('body')).toMatch(/Zoe.*kick/);
    expect(guest.room.notices).toEqual([]);
    await phone.call(conference);
  });
});
