/** The focus as notifier (RFC 4575, RFC 6665), on any SIP server and mixer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { drachtioLimits } from '../../src/sip-focus/flow-gate.ts';
import { authorize, headerOf, type SipMessage, statusOf } from './sip-focus-peer.ts';
import { alice, aliceAor, eventually, link, type Stage, type StartPlace, secret, stage } from './sip-focus-stage.ts';

/** Tests of subscriptions. */
export function watchersOfTheFocus(start: StartPlace): void {
  describe('the focus and its watchers', () => {
    let at: Stage;
    beforeEach(async () => {
      at = await stage(start);
      await at.bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
      await at.bus.publish(link.id, 'occupant', 'alice', alice);
    });

    const subscription = { Event: 'conference', Accept: 'application/conference-info+xml', Expires: '600' };

    /** Subscribes as alice, who is in the room. */
    async function watch(headers: Record<string, string> = {}) {
      const dialog = at.peer.dialog('alice', at.uri, 'example.com');
      const challenge = await at.peer.request('SUBSCRIBE', dialog, { ...subscription, ...headers });
      expect(statusOf(challenge)).toBe(401);
      const Authorization = authorize(challenge, 'SHA-256', secret, 'SUBSCRIBE', at.uri);
      const answer = await at.peer.request('SUBSCRIBE', dialog, { ...subscription, ...headers, Authorization });
      return { dialog, answer };
    }

    it('tells the whole state at once, then changes, with versions that count up', async () => {
      const { dialog, answer } = await watch();
      expect([statusOf(answer), headerOf(answer, 'expires')]).toEqual([200, '600']);
      const first = await at.peer.waitRequest('NOTIFY', dialog);
      expect(headerOf(first, 'event')).toBe('conference');
      expect(headerOf(first, 'subscription-state')).toMatch(/^active;expires=(600|599)$/);
      expect(headerOf(first, 'contact')).toMatch(/<sip:tea@127\.0\.0\.1:\d+/);
      expect(headerOf(first, 'content-type')).toBe('application/conference-info+xml');
      expect(first.body).toMatch(/state="full" version="1"/);
      await at.call(at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol'));
      const second = await at.peer.waitRequest('NOTIFY', dialog);
      expect(second.body).toMatch(/state="partial" version="2"/);
      expect(second.body).toContain('Carol');
    });

    it('ends a subscription when asked, by time, and with the conference', async () => {
      const { dialog } = await watch();
      await at.peer.waitRequest('NOTIFY', dialog);
      expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, { ...subscription, Expires: '0' }))).toBe(200);
      expect(headerOf(await at.peer.waitRequest('NOTIFY', dialog), 'subscription-state')).toBe(
        'terminated;reason=timeout',
      );
      expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, subscription))).toBe(481);
      const other = await watch();
      await at.peer.waitRequest('NOTIFY', other.dialog);
      await at.bus.publish(link.id, 'link', '-', {
        room: link.room,
        conference: link.conference,
        state: 'closed',
        reason: 'over',
      });
      const last = await at.peer.waitRequest('NOTIFY', other.dialog);
      expect(headerOf(last, 'subscription-state')).toBe('terminated;reason=noresource');
      await eventually(() => at.focus.debug().subscriptions === 0, 'nobody watches');
    });

    it('answers a fetch with one document', async () => {
      const { dialog, answer } = await watch({ Expires: '0' });
      expect(statusOf(answer)).toBe(200);
      const only = await at.peer.waitRequest('NOTIFY', dialog);
      expect(headerOf(only, 'subscription-state')).toBe('terminated;reason=timeout');
      expect(only.body).toContain('state="full"');
    });

    it('refreshes with a full state and refuses what it cannot serve', async () => {
      const { dialog } = await watch();
      await at.peer.waitRequest('NOTIFY', dialog);
      expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, subscription))).toBe(200);
      expect((await at.peer.waitRequest('NOTIFY', dialog)).body).toMatch(/state="full" version="2"/);
      const statuses = async (headers: Record<string, string>) =>
        statusOf(await at.peer.request('SUBSCRIBE', at.peer.dialog('alice', at.uri, 'example.com'), headers));
      expect(await statuses({ ...subscription, Event: 'presence' })).toBe(489);
      expect(await statuses({ ...subscription, Accept: 'application/pidf+xml' })).toBe(406);
      expect(await statuses({ ...subscription, Expires: '5' })).toBe(423);
    });

    it('serves a caller who subscribes inside the call, and the end of that does not end the call', async () => {
      const call = at.peer.dialog('carol', at.uri);
      await at.call(call);
      expect(statusOf(await at.peer.request('SUBSCRIBE', call, subscription))).toBe(200);
      expect((await at.peer.waitRequest('NOTIFY', call)).body).toContain('state="full"');
      expect(statusOf(await at.peer.request('SUBSCRIBE', call, { ...subscription, Expires: '0' }))).toBe(200);
      expect(headerOf(await at.peer.waitRequest('NOTIFY', call), 'subscription-state')).toContain('terminated');
      expect(statusOf(await at.peer.request('OPTIONS', call))).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
    });

    it('tells who watches inside a call of the end before the call is ended', async () => {
      const call = at.peer.dialog('carol', at.uri);
      await at.call(call);
      expect(statusOf(await at.peer.request('SUBSCRIBE', call, subscription))).toBe(200);
      await at.peer.waitRequest('NOTIFY', call);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      const target = { owner: 'focus', instance: 'focus-1' } as const;
      const remove = { link: link.id, by: 'bob', reason: null, to: 'focus', act: 'remove' } as const;
      expect(await at.asks.ask(target, { ...remove, leg: at.legs()[0]!.leg })).toMatchObject({ ok: true });
      const ofTheEnd = (message: SipMessage): boolean =>
        message.start.startsWith('BYE ') || headerOf(message, 'subscription-state').startsWith('terminated');
      const first = await at.peer.wait(ofTheEnd, 'the end');
      expect(headerOf(first, 'subscription-state')).toBe('terminated;reason=noresource');
      await at.peer.waitRequest('BYE', call);
    });

    it('forgets a watcher who says that there is no such subscription', async () => {
      const { dialog } = await watch();
      await at.peer.waitRequest('NOTIFY', dialog);
      at.peer.answerWith = () => 481;
      await at.call(at.peer.dialog('carol', at.uri));
      await eventually(() => at.focus.debug().subscriptions === 0, 'the watcher is forgotten');
    });

    it('tells of a room too large for one frame of drachtio-server in several documents, to everybody', async () => {
      const people = Array.from({ length: 150 }, (_, index) => `person-${index}`);
      for (const nick of people) {
        await at.bus.publish(link.id, 'occupant', nick, { ...alice, nick, jid: `${nick}@example.com` });
      }
      const watchers = [(await watch()).dialog, (await watch()).dialog, (await watch()).dialog];
      for (const dialog of watchers) {
        let told = '';
        for (let version = 1; people.some((nick) => !told.includes(`>${nick}<`)); version += 1) {
          const notify = await at.peer.waitRequest('NOTIFY', dialog);
          expect(headerOf(notify, 'content-length')).toBe(String(Buffer.byteLength(notify.body)));
          expect(notify.body).toContain(`state="${version === 1 ? 'full' : 'partial'}" version="${version}"`);
          expect(notify.body.endsWith('</conference-info>')).toBe(true);
          told += notify.body;
        }
      }
      await at.bus.withdraw(link.id, 'occupant', 'person-7');
      for (const dialog of watchers) {
        expect((await at.peer.waitRequest('NOTIFY', dialog)).body).toContain('person-7');
      }
    });

    it('sends watchers away, ready to come back, when the process stops', async () => {
      const { dialog } = await watch();
      await at.peer.waitRequest('NOTIFY', dialog);
      await at.focus.stop();
      expect(headerOf(await at.peer.waitRequest('NOTIFY', dialog), 'subscription-state')).toBe(
        'terminated;reason=deactivated',
      );
    });
  });

  describe('the focus and many watchers', () => {
    it('tells everybody of a change once, within the limits of drachtio-server', async () => {
      const at = await stage(start, { watching: 'anyone', limits: drachtioLimits });
      const watchers = Array.from({ length: 200 }, (_, index) => at.peer.dialog(`w${index}`, at.uri));
      for (const watcher of watchers) {
        expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(200);
        await at.peer.waitRequest('NOTIFY', watcher);
      }
      await at.call(at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol'));
      for (const watcher of watchers) {
        const told = await at.peer.waitRequest('NOTIFY', watcher);
        expect(told.body).toMatch(/state="partial" version="2"/);
        expect(told.body).toContain('Carol');
      }
      await eventually(() => at.focus.debug().notify.unanswered === 0, 'every answer has been heard');
      expect(at.peer.heard.filter((message) => message.start.startsWith('NOTIFY'))).toEqual([]);
      expect(at.focus.debug().subscriptions).toBe(200);
    });
  });
}
