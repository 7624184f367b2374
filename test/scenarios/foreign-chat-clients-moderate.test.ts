/** An XMPP client that has never heard of us, slixmpp: what it reads of the call in the room, and does to it by XEP-0045 alone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findSlixmpp, SlixmppUser } from '../harness/slixmpp.ts';
import { calledAgain, refusal } from './in-the-call.ts';
import { attend } from './meeting.ts';
import { describeClient, describeStacks } from './stacks.ts';

const lacks = findSlixmpp() === null ? 'no python3 has slixmpp' : null;

/** What it is asked for may still be on its way to it. */
const soon = { timeout: 15_000, interval: 50 };

describeStacks('Foreign chat clients', { links: ['advert', 'moderated', 'seen'] }, (stack) => {
  describeClient('slixmpp', lacks, () => {
    /** Owner of the rooms. */
    let alice: SlixmppUser;

    beforeAll(async () => {
      alice = await SlixmppUser.connect(stack().xmpp, 'alice', stack().person('alice').password);
    });

    afterAll(() => alice?.disconnect());

    it('reads in the room where its call is, and that is where the call is', async () => {
      const { room, conference } = stack().link('advert');
      await expect.poll(() => alice.audioVideoUri(room), soon).toBe(conference);
      const call = await (await stack().phone('alice')).call(conference);
      expect(call.remoteContact).toMatch(/;isfocus\b/);
    });

    it('moderates the room, and the call follows: voice taken and given, a kick, a ban and its end', async () => {
      const { room, conference } = stack().link('moderated');
      expect(await alice.join(room, 'alice')).toContain('alice');
      const guest = await attend(stack(), 'moderated', 'bob');
      const ours = await (await stack().phone('alice')).call(conference);
      const { tone } = stack().person('alice');
      const [phone, call] = [await guest.phone(), await guest.call()];
      await Promise.all([ours.hears(guest.tone), call.hears(tone)]);

      await alice.revokeVoice(room, guest.nick, 'noise');
      await Promise.all([ours.silentOf(guest.tone), call.hears(tone)]);
      expect((await alice.occupants(room))[guest.nick]).toMatchObject({ role: 'visitor' });
      await alice.grantVoice(room, guest.nick);
      await ours.hears(guest.tone);

      await alice.kick(room, guest.nick, 'off topic');
      expect(await call.ended()).toMatchObject({
        by: 'peer',
        reason: expect.stringMatching(/^SIP;\s*cause=603;\s*text="Removed from the room: off topic"/),
      });
      await ours.silentOf(guest.tone);
      await guest.room.enter();
      const again = await phone.call(conference);
      await ours.hears(guest.tone);

      await alice.ban(room, guest.jid, 'spam');
      expect(await again.ended()).toMatchObject({
        by: 'peer',
        reason: expect.stringMatching(/^SIP;\s*cause=403;\s*text="Banned from the room: spam"/),
      });
      expect(await refusal(phone, conference)).toMatchObject({ status: 403, reason: 'Banned from the room' });
      const departures = (await alice.departures(room)).filter(({ nick }) => nick === guest.nick);
      expect(departures.map(({ codes }) => codes)).toEqual([[307], [301]]);
      await alice.unban(room, guest.jid);
      await calledAgain(phone, conference);
      await ours.hears(guest.tone);
    });

    it('sees in the room who is in the call: occupants by their hat, callers without a chat by a notice', async () => {
      const { room, conference } = stack().link('seen');
      await alice.join(room, 'alice');
      const guest = await attend(stack(), 'seen', 'bob');
      expect(Object.keys(await alice.occupants(room)).sort()).toEqual(['alice', 'bob', 'call']);
      const said = async () =>
        (await alice.messages(room)).flatMap(({ from, text }) => (from === 'call' ? [text] : []));
      const call = await guest.call();
      await expect.poll(() => alice.hats(room, guest.nick), soon).toHaveLength(1);
      const stranger = await (await stack().phone('zoe')).call(conference);
      await expect.poll(said, soon).toEqual(['Zoe joined the call']);
      await Promise.all([call.hangUp(), stranger.hangUp()]);
      await expect.poll(said, soon).toEqual(['Zoe joined the call', 'Zoe left the call']);
      await expect.poll(() => alice.hats(room, guest.nick), soon).toEqual([]);
    });
  });
});
