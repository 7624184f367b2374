/** SIP clients that have never heard of us, baresip and SIPp, in a whole meeting: RFC 4579 calls, RFC 4575 watching, moderation by the room. */
import { expect, it } from 'vitest';
import { baresipLacks } from '../harness/baresip-set-up.ts';
import { userOf } from '../harness/conference/view.ts';
import { findSipp } from '../harness/sipp.ts';
import {
  baresipOf,
  documentsRead,
  expectSuccess,
  forOldPhones,
  received,
  sippOf,
  sippRan,
  toldTo,
} from './foreign-phones.ts';
import { untilMeeting } from './in-the-call.ts';
import { attend, people } from './meeting.ts';
import { describeClient, describeStacks } from './stacks.ts';

const wishes = { links: ['mix', 'baresip', 'sipp', 'watch'], settings: forOldPhones };

/** What has happened may still be on its way to who is asked. */
const soon = { timeout: 15_000, interval: 100 };

describeStacks('Foreign phones', wishes, (stack) => {
  describeClient('baresip', baresipLacks(), () => {
    it('is answered by a focus and mixed with its like and with ours: all hear the others and not themselves', async () => {
      const { conference } = stack().link('mix');
      const [alice, bob, carol] = [stack().person('alice'), stack().person('bob'), stack().person('carol')];
      const [first, second] = await Promise.all([baresipOf(stack(), 'bob'), baresipOf(stack(), 'carol')]);
      await Promise.all([first.dial(conference), second.dial(conference)]);
      for (const phone of [first, second]) {
        const answer = toldTo(phone, /^SIP\/2\.0 200 [\s\S]*^Content-Type: application\/sdp/m);
        expect(answer).toMatch(/^Contact: <sips?:[^>]+>;isfocus\b/m);
        expect(answer).toMatch(/^Allow-Events: .*\bconference\b/m);
      }
      const ours = await (await stack().phone('alice')).call(conference);
      const parties = [
        { ear: ours, self: alice },
        { ear: first, self: bob },
        { ear: second, self: carol },
      ];
      await Promise.all(
        parties.flatMap(({ ear, self }) => [
          ...parties.filter((other) => other.self !== self).map((other) => ear.hears(other.self.tone)),
          ear.silentOf(self.tone),
        ]),
      );
      await untilMeeting(stack(), 'mix', { calls: 3 });
      await first.hangUp();
      await Promise.all([ours.silentOf(bob.tone), second.silentOf(bob.tone), second.hears(alice.tone)]);
      await untilMeeting(stack(), 'mix', { calls: 2 });
    });

    it('obeys the room: voice taken and given, a kick, a ban and its end', async () => {
      const { owner, guest } = await people(stack(), 'baresip');
      const { conference } = stack().link('baresip');
      const [ours, phone] = [await owner.call(), await baresipOf(stack(), 'bob')];
      await phone.dial(conference);
      await Promise.all([ours.hears(guest.tone), phone.hears(owner.tone)]);
      await untilMeeting(stack(), 'baresip', { persons: [{}, { jid: guest.jid, calls: [{ aor: guest.aor }] }] });

      await owner.room.revokeVoice(guest.nick);
      await Promise.all([ours.silentOf(guest.tone), phone.hears(owner.tone)]);
      await owner.room.grantVoice(guest.nick);
      await ours.hears(guest.tone);

      await owner.room.kick(guest.nick, 'off topic');
      await phone.waitFor('CALL_CLOSED');
      expect(toldTo(phone, /^BYE /)).toMatch(/^Reason: SIP;cause=603;text="Removed from the room: off topic"/m);
      await ours.silentOf(guest.tone);
      await phone.dial(conference);
      await ours.hears(guest.tone);

      await owner.room.ban(guest.jid);
      await phone.waitFor('CALL_CLOSED');
      await expect(phone.dial(conference)).rejects.toThrow(/refused: 403 Banned from the room/);
      await owner.room.unban(guest.jid);
      const redialled = () => phone.dial(conference).then(() => 'up', String);
      await expect.poll(redialled, soon).toBe('up');
      await ours.hears(guest.tone);
    });
  });

  describeClient('SIPp', findSipp() === null ? 'sipp is not on PATH' : null, () => {
    it('obeys the room: voice taken and given, a kick, a ban and its end', async () => {
      const { owner, guest } = await people(stack(), 'sipp');
      const ours = await owner.call();
      const run = await sippOf(stack(), 'bob', 'sipp', 'kicked');
      await ours.hears(guest.tone);
      await untilMeeting(stack(), 'sipp', { persons: [{}, { jid: guest.jid, calls: [{ aor: guest.aor }] }] });

      await owner.room.revokeVoice(guest.nick);
      await ours.silentOf(guest.tone);
      await owner.room.grantVoice(guest.nick);
      await ours.hears(guest.tone);

      await owner.room.kick(guest.nick, 'off topic');
      const kicked = await run.finished;
      expectSuccess(kicked);
      expect(received(kicked.messages, 'BYE ')[0]).toContain(
        'Reason: SIP;cause=603;text="Removed from the room: off topic"',
      );
      await ours.silentOf(guest.tone);
      const again = await sippOf(stack(), 'bob', 'sipp', 'kicked');
      await ours.hears(guest.tone);

      await owner.room.ban(guest.jid);
      const putOut = await again.finished;
      expectSuccess(putOut);
      expect(received(putOut.messages, 'BYE ')[0]).toContain('Reason: SIP;cause=403;text="Banned from the room"');
      const banned = await sippRan(stack(), 'bob', 'sipp', 'refused');
      expectSuccess(banned);
      expect(received(banned.messages, 'SIP/2.0 403')[0]).toMatch(/^SIP\/2\.0 403 Banned from the room/);
      await owner.room.unban(guest.jid);
      const called = async () => (await sippRan(stack(), 'bob', 'sipp', 'call')).code;
      await expect.poll(called, soon).toBe(0);
    });

    it('watches: the whole state, one change, the whole again on refresh, an end when it asks for one', async () => {
      const { owner, guest } = await people(stack(), 'watch');
      const { conference, room } = stack().link('watch');
      const run = await sippOf(stack(), 'alice', 'watch', 'follow');
      const notifications = () => received(run.messages(), 'NOTIFY ');
      await expect.poll(notifications, soon).toHaveLength(1);
      expect(documentsRead(notifications(), conference).view).toMatchObject({
        entity: conference,
        displayText: stack().link('watch').name,
        confUris: [{ uri: conference, purpose: 'participation' }],
        serviceUris: [
          { uri: `xmpp:${room}`, purpose: 'grouptextchat' },
          { uri: `xmpp:${room}?join`, purpose: 'groupstextchat' },
        ],
        userCount: 2,
      });

      const carol = await attend(stack(), 'watch', 'carol');
      const result = await run.finished;
      expectSuccess(result);
      const told = received(result.messages, 'NOTIFY ');
      expect(told).toHaveLength(4);
      expect(told[3]).toMatch(/^Subscription-State: terminated;reason=timeout/m);
      const { view, version } = documentsRead(told, conference);
      expect(version).toBe(documentsRead(told.slice(0, 1), conference).version + 3);
      for (const { nick, jid } of [owner, guest, carol]) {
        expect(userOf(view, `xmpp:${room}/${nick}`)).toMatchObject({
          associatedAors: [`xmpp:${jid}`],
          endpoints: [{ entity: `xmpp:${room}/${nick}`, status: 'connected', media: [{ type: 'message' }] }],
        });
      }
    });

    it('is told which events there are when it asks for another', async () => {
      expectSuccess(await sippRan(stack(), 'bob', 'watch', 'other-event'));
    });
  });
});
