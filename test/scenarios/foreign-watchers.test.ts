/** Programs that have never heard of us watch a conference (RFC 4575, RFC 6665): SIPp, Linphone, and anybody behind a Kamailio (RFC 3261 16). */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { userOf } from '../harness/conference/view.ts';
import { linphoneLacks } from '../harness/linphone.ts';
import type { StackKind } from '../harness/meeting/find-stacks.ts';
import { findKamailio } from '../harness/servers/kamailio.ts';
import { findSipp } from '../harness/sipp.ts';
import { documentsRead, expectSuccess, forOldPhones, received, sippOf, sippRan } from './foreign-phones.ts';
import { expectProxied, kamailioBefore, linphoneOf, toldTo, untilQuiet, ways } from './foreign-watchers.ts';
import { untilMeeting, untilShown, untilShownMuted, untilShownSpeaking } from './in-the-call.ts';
import { attend, patience, people, personsOf } from './meeting.ts';
import { describeClient, describeStacks } from './stacks.ts';

const kamailioLacks = findKamailio() === null ? 'kamailio is not on PATH' : null;
const sippLacks = findSipp() === null ? 'sipp is not on PATH' : null;

const idOf = (what: string, [of, onward]: readonly [string, string]): string => `${what}-${of}-${onward}`;

const behindKamailio = {
  links: [
    ...ways.flatMap((way) => [idOf('watch', way), idOf('call', way)]),
    ...['inside', 'restarted-udp', 'restarted-tcp', 'elsewhere'],
    // Linphone takes documents about the address that our Contact names, and no others
    { id: 'linphone', host: '127.0.0.1' },
    { id: 'by-name', contact: 'conference' as const },
  ],
};

describeStacks('Behind Kamailio', behindKamailio, (stack) => {
  describeClient('as a proxy', kamailioLacks, () => {
    const proxy = kamailioBefore(stack);

    it.each(ways)(
      'a watcher by %s, passed on by %s, is told the whole, changes, the whole again, the end',
      async (...way) => {
        const [transport, onward] = way;
        const { owner, guest } = await people(stack(), idOf('watch', way));
        const { conference } = stack().link(idOf('watch', way));
        const by = { transport, server: proxy().onwardBy[onward] };
        const watcher = await stack().watcher('alice', conference, by);
        expectProxied(watcher.notifies[0]!, way);
        expect(watcher.documents[0]).toMatchObject({ state: 'full' });

        const call = await (await stack().phone('bob', by)).call(conference);
        await untilShown(watcher, guest.aor, 'both');
        await owner.room.revokeVoice(guest.nick);
        await untilShownMuted(watcher, guest.aor);
        await owner.room.grantVoice(guest.nick);
        await untilShownSpeaking(watcher, guest.aor);
        expect(new Set(watcher.documents.slice(1).map(({ state }) => state))).toEqual(new Set(['partial']));

        await watcher.refresh();
        expect(watcher.documents.at(-1)).toMatchObject({ state: 'full' });
        await call.hangUp();
        await untilShown(watcher, `xmpp:${guest.jid}`, 'text');
        await watcher.unsubscribe();
        expect(await watcher.ended()).toEqual({ reason: 'timeout' });
        expect(watcher.lateNotifies).toEqual([]);
      },
    );

    it.each(ways)('a phone by %s, passed on by %s, is in the call until it or the room ends that', async (...way) => {
      const [transport, onward] = way;
      const { owner, guest } = await people(stack(), idOf('call', way));
      const { conference } = stack().link(idOf('call', way));
      const ours = await owner.call();
      const phone = await stack().phone('bob', { transport, server: proxy().onwardBy[onward] });
      const first = await phone.call(conference);
      expectProxied(first.response, way);
      expect(first.remoteContact).toMatch(/;isfocus\b/);
      await Promise.all([ours.hears(guest.tone), first.hears(owner.tone)]);
      await first.hold();
      await ours.silentOf(guest.tone);
      await first.resume();
      await ours.hears(guest.tone);
      await first.hangUp();
      await untilMeeting(stack(), idOf('call', way), { calls: 1 });

      const second = await phone.call(conference);
      await ours.hears(guest.tone);
      await owner.room.kick(guest.nick, 'off topic');
      const reason = 'SIP;cause=603;text="Removed from the room: off topic"';
      expect(await second.ended()).toEqual({ by: 'peer', reason });
      await ours.silentOf(guest.tone);
    });

    it('a watcher inside the dialog of its call is told there, until the call ends', async () => {
      const { owner, guest } = await people(stack(), 'inside');
      const { conference, room } = stack().link('inside');
      const self = `xmpp:${room}/${guest.nick}`; // what a participant is told of anybody in a room that hides addresses
      const call = await (await stack().phone('bob', { server: proxy().onwardBy.tcp })).call(conference);
      const watcher = await stack().watcher('bob', conference, { inDialogOf: call });
      await untilShown(watcher, self, 'both');
      await owner.room.revokeVoice(guest.nick);
      await untilShownMuted(watcher, self);
      await owner.room.kick(guest.nick);
      expect(await watcher.ended()).toEqual({ reason: 'noresource' });
      expect(await call.ended()).toMatchObject({ by: 'peer' });
    });

    it.each(['udp', 'tcp'] as const)(
      'a watcher by %s is told what came while the proxy was down',
      async (transport) => {
        const link = `restarted-${transport}`;
        const { owner, guest } = await people(stack(), link);
        const { conference } = stack().link(link);
        const by = { transport, server: proxy().onwardBy[transport] };
        const watcher = await stack().watcher('alice', conference, { ...by, lossy: true });
        const call = await (await stack().phone('bob', by)).call(conference);
        await untilShown(watcher, guest.aor, 'both');
        await untilQuiet(proxy());
        await proxy().kill();
        // What is written into a connection whose end is not seen yet is lost until Timer F (RFC 6665 4.2.2).
        await sleep(500);
        await owner.room.revokeVoice(guest.nick);
        await proxy().restart();
        await untilShownMuted(watcher, guest.aor);
        await call.hangUp();
        await untilShown(watcher, `xmpp:${guest.jid}`, 'text');
        await watcher.refresh();
      },
    );
  });

  describeClient('Linphone', linphoneLacks() ?? kamailioLacks, () => {
    const proxy = kamailioBefore(stack);

    it('sees a focus, subscribes, and follows who comes and goes; is heard, muted and put out', async () => {
      const { owner, guest } = await people(stack(), 'linphone');
      const { conference } = stack().link('linphone');
      // whose phone follows the URI: it names an address
      const here = `${conference}:${stack().sipServer.port}`;
      const ours = await (await owner.phone()).call(here);
      const phone = await linphoneOf(stack(), 'bob', proxy());
      await phone.dial(conference);
      await ours.hears(guest.tone);
      // it says so once it has read the first document to the end
      await phone.until(/from state CreationPending to Created/, 'the state of the conference');
      const asked = phone.messages().filter(({ direction, text }) => direction === 'sent' && /^SUBSCRIBE /.test(text));
      expect(asked.at(-1)!.text).toMatch(/^Event: conference$/m);
      expect(asked.at(-1)!.text).toMatch(/^Authorization: .*algorithm=SHA-256/m);

      const { aor } = stack().person('erin');
      const deleted = `<user entity="${aor}" state="deleted"`;
      // It looks up who is said to come, and does not find them: the first time, and again once it has let them go.
      const sought = (times: number) =>
        new RegExp(`(Unable to find participant in conference .* with address ${aor}\\n[\\s\\S]*){${times}}`);
      const erin = await stack().phone('erin');
      const first = await erin.call(here);
      await phone.until(sought(1), 'who has come');
      await first.hangUp();
      await expect.poll(() => toldTo(phone).some((text) => text.includes(deleted)), patience).toBe(true);
      await erin.call(here);
      await phone.until(sought(2), 'who has come again');

      await owner.room.revokeVoice(guest.nick);
      await ours.silentOf(guest.tone);
      await owner.room.kick(guest.nick, 'off topic');
      await phone.until(/to LinphoneCallEnd/, 'the end of the call');
      const { view } = documentsRead(toldTo(phone), conference);
      expect(userOf(view, aor!)).toMatchObject({ endpoints: [{ status: 'connected', media: [{ type: 'audio' }] }] });
      expect(phone.complaints()).toEqual([]);
    });

    it('follows the state of a conference whose Contact is its name, and hangs up there', async () => {
      const { owner, guest } = await people(stack(), 'by-name');
      const { conference, id } = stack().link('by-name');
      const phone = await linphoneOf(stack(), 'bob', proxy());
      await phone.dial(conference);
      await phone.until(/from state CreationPending to Created/, 'the state of the conference');
      await untilMeeting(stack(), id, { persons: [{}, { jid: guest.jid, involvement: 'both' }] });
      await owner.room.kick(guest.nick, 'off topic');
      await phone.until(/to LinphoneCallEnd/, 'the end of the call');
      expect(documentsRead(toldTo(phone), conference).view).toMatchObject({ entity: conference });
      expect(phone.complaints()).toEqual([]);
    });

    it('passes over the state of a conference that is not called as our Contact is', async () => {
      const { owner } = await people(stack(), 'elsewhere');
      const { conference } = stack().link('elsewhere');
      await owner.call();
      const phone = await linphoneOf(stack(), 'bob', proxy());
      await phone.dial(conference);
      await expect.poll(() => toldTo(phone), patience).not.toEqual([]);
      expect(documentsRead(toldTo(phone), conference).view).toMatchObject({ entity: conference });
      // it answers once it has done with the document
      const answers = () =>
        phone
          .messages()
          .filter(({ direction }) => direction === 'sent')
          .map(({ text }) => text);
      await expect
        .poll(answers, patience)
        .toContainEqual(expect.stringMatching(/^SIP\/2\.0 200 [\s\S]*^CSeq: \d+ NOTIFY$/m));
      expect(phone.log()).not.toMatch(/from state CreationPending to Created/);
    });
  });
});

const vouching = {
  links: ['vouched', 'watched'],
  settings: { sip: { 'trusted-peers': ['127.0.0.1'] } },
  // Who is calling has nothing to do with the kind of XMPP server.
  only: ({ xmpp }: StackKind) => xmpp === 'prosody',
};

describeStacks('Behind a Kamailio that vouches for its phones', vouching, (stack) => {
  describeClient('as a trusted proxy', kamailioLacks, () => {
    const proxy = kamailioBefore(stack, { asserts: true });

    it('a call is from whom the proxy asserts, not from whom the phone does', async () => {
      const { owner, guest } = await people(stack(), 'vouched');
      const headers = { 'P-Asserted-Identity': `<${owner.aor}>` };
      const phone = await stack().phone('zoe', { server: proxy().onwardBy.udp, aor: guest.aor, headers });
      await phone.call(stack().link('vouched').conference);
      const persons = () => personsOf(stack(), 'vouched');
      await expect
        .poll(persons, patience)
        .toContainEqual(expect.objectContaining({ jid: guest.jid, involvement: 'both' }));
      expect((await persons()).find(({ jid }) => jid === owner.jid)).toMatchObject({ involvement: 'text', calls: [] });
    });

    it('a participant watches without a password, and a stranger does not', async () => {
      const { owner, guest } = await people(stack(), 'watched');
      const { conference } = stack().link('watched');
      const by = { server: proxy().onwardBy.tcp };
      const watcher = await stack().watcher('zoe', conference, { ...by, aor: guest.aor });
      await untilShown(watcher, `xmpp:${stack().link('watched').room}/${owner.nick}`, 'text');
      await expect(stack().watcher('zoe', conference, by)).rejects.toMatchObject({ status: 403 });
    });
  });
});

const withSipp = { links: ['fetch', 'refused', 'proxied-udp', 'proxied-tcp'], settings: forOldPhones };

describeStacks('SIPp', withSipp, (stack) => {
  describeClient('as a watcher', sippLacks, () => {
    it('fetches the whole state once, and is told no more', async () => {
      const { owner, guest } = await people(stack(), 'fetch');
      const { conference, room } = stack().link('fetch');
      const fetched = await sippRan(stack(), 'alice', 'fetch', 'fetch');
      expectSuccess(fetched);
      const { view } = documentsRead(received(fetched.messages, 'NOTIFY '), conference);
      const entities = [owner, guest].map(({ nick }) => `xmpp:${room}/${nick}`);
      expect(view.users.map(({ entity }) => entity).sort()).toEqual(entities.sort());
    });

    it('is refused: another event (489), no type of ours (406), too brief a time (423)', async () => {
      await attend(stack(), 'refused', 'bob');
      for (const scenario of ['other-event', 'not-acceptable', 'too-brief'] as const) {
        expectSuccess(await sippRan(stack(), 'bob', 'refused', scenario));
      }
    });
  });

  describeClient('as a watcher behind Kamailio', sippLacks ?? kamailioLacks, () => {
    const proxy = kamailioBefore(stack);

    it.each(['udp', 'tcp'] as const)('by %s: whole state, one change, the whole again, the end', async (transport) => {
      const link = `proxied-${transport}`;
      await people(stack(), link);
      const { conference } = stack().link(link);
      const way = { transport, server: proxy().onwardBy[transport] };
      const run = await sippOf(stack(), 'alice', link, 'follow', way);
      await expect.poll(() => received(run.messages(), 'NOTIFY '), patience).toHaveLength(1);
      const carol = await attend(stack(), link, 'carol');
      const result = await run.finished;
      expectSuccess(result);
      const told = received(result.messages, 'NOTIFY ');
      expect(told).toHaveLength(4);
      for (const text of told) expect(text).toMatch(/^Record-Route: <sip:127\.0\.0\.1:/m);
      const { view } = documentsRead(told, conference);
      expect(view.users.map(({ displayText }) => displayText).sort()).toEqual(['alice', 'bob', carol.nick]);
    });
  });
});
