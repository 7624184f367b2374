/** XEP-0045 9.3 and RFC 4353 5.4: a room for members only has a call for members only; phones without a JID by the operator's setting. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { calledAgain, refusal, untilMeeting } from './in-the-call.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const MEMBERS_ONLY = 'muc#roomconfig_membersonly';

describeStacks('A room for members only', { links: ['closed', 'turned', 'lost', 'phones'] }, (stack) => {
  it('lets members call, and refuses people who are none and phones that nobody of the room answers for', async () => {
    const { owner } = await people(stack(), 'closed');
    const { conference } = stack().link('closed');
    await owner.room.setAffiliation(stack().person('carol').jid!, 'member');
    await owner.room.configure({ [MEMBERS_ONLY]: true });
    await untilMeeting(stack(), 'closed', { membersOnly: true });

    const ownerCall = await owner.call();
    const member = await (await stack().phone('carol')).call(conference);
    await Promise.all([ownerCall.hears(stack().person('carol').tone), member.hears(owner.tone)]);
    for (const outsider of ['dave', 'erin', 'zoe']) {
      const answer = await refusal(await stack().phone(outsider), conference);
      expect(answer, outsider).toMatchObject({ status: 403, reason: 'Members only' });
    }
    await expect(stack().watcher('dave', conference)).rejects.toMatchObject({ status: 403 });

    await owner.room.setAffiliation(stack().person('dave').jid!, 'member');
    await calledAgain(await stack().phone('dave'), conference);
    await ownerCall.hears(stack().person('dave').tone);
  });

  it('once it has become one, ends the calls of those who could not come in now', async () => {
    const { owner, guest } = await people(stack(), 'turned');
    const { conference } = stack().link('turned');
    await owner.room.setAffiliation(stack().person('carol').jid!, 'member');
    const carol = await attend(stack(), 'turned', 'carol');
    const staying = [await owner.call(), await carol.call()] as const;
    const outsiders = [await guest.call()];
    for (const name of ['dave', 'erin', 'zoe']) outsiders.push(await (await stack().phone(name)).call(conference));
    await untilMeeting(stack(), 'turned', { calls: 6 });

    await owner.room.configure({ [MEMBERS_ONLY]: true });
    for (const call of outsiders) {
      expect(await call.ended()).toMatchObject({
        by: 'peer',
        reason: expect.stringMatching(/^SIP;\s*cause=403;\s*text="Members only"/),
      });
    }
    await guest.room.until(({ present }) => !present, 'that the room sends the guest out');
    await untilMeeting(stack(), 'turned', { calls: 2, occupants: 2 });
    await Promise.all([staying[0].hears(carol.tone), staying[1].hears(owner.tone)]);
    expect((await refusal(await guest.phone(), conference)).status).toBe(403);

    await owner.room.configure({ [MEMBERS_ONLY]: false });
    await calledAgain(await guest.phone(), conference);
  });

  it('sends out of the call who loses the membership, in the room or not', async () => {
    const { owner } = await people(stack(), 'lost');
    const { conference } = stack().link('lost');
    const members = ['carol', 'dave'].map((name) => stack().person(name).jid!);
    for (const jid of members) await owner.room.setAffiliation(jid, 'member');
    const carol = await attend(stack(), 'lost', 'carol');
    await owner.room.configure({ [MEMBERS_ONLY]: true });
    await untilMeeting(stack(), 'lost', { membersOnly: true });
    const ownerCall = await owner.call();
    const calls = [await carol.call(), await (await stack().phone('dave')).call(conference)];
    await untilMeeting(stack(), 'lost', { calls: 3 });

    for (const jid of members) await owner.room.setAffiliation(jid, 'none');
    for (const call of calls) {
      expect(await call.ended()).toMatchObject({ by: 'peer', reason: expect.stringContaining('"Members only"') });
    }
    expect((await carol.room.untilRemoved(carol.nick)).statusCodes).toContain(321);
    expect(ownerCall.status).toBe('up');
  });

  it('with `phones-in-members-only: allow` lets phones without a JID in, and still no people who are no members', async () => {
    const config = parse(readFileSync(stack().files.config, 'utf8'));
    const allowing = { ...config, policy: { ...config.policy, 'phones-in-members-only': 'allow' } };
    writeFileSync(stack().files.config, stringify(allowing));
    await stack().bridge.restart();
    const { owner } = await people(stack(), 'phones');
    const { conference } = stack().link('phones');
    await owner.room.configure({ [MEMBERS_ONLY]: true });
    await untilMeeting(stack(), 'phones', { membersOnly: true });

    const ownerCall = await owner.call();
    const stranger = await (await stack().phone('zoe')).call(conference);
    await (await stack().phone('erin')).call(conference);
    await Promise.all([
      ...['zoe', 'erin'].map((name) => ownerCall.hears(stack().person(name).tone)),
      stranger.hears(owner.tone),
    ]);
    expect(await refusal(await stack().phone('dave'), conference)).toMatchObject({ status: 403 });
    expect([ownerCall.status, stranger.status]).toEqual(['up', 'up']);
  });
});
