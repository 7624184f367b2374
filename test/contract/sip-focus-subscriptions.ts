/** What watchers may ask of the focus, what they are shown, and how they are refused (RFC 6665, 6446, 5839, 5057), on any SIP server and mixer. */
import { describe, expect, it } from 'vitest';
import type { OccupantFact } from '../../src/conference-info/occupant.ts';
import type { SipFocusSettings } from '../../src/sip-focus/focus-settings.ts';
import { authorize, headerOf, type PeerDialog, type SipMessage, statusOf } from './sip-focus-peer.ts';
import { alice, aliceAor, eventually, link, type StartPlace, secret, stage } from './sip-focus-stage.ts';

const subscription = { Event: 'conference', Accept: 'application/conference-info+xml', Expires: '600' };
const bob: OccupantFact = { ...alice, nick: 'bob', jid: 'bob@example.com' };

const stateOf = (notify: SipMessage): string => headerOf(notify, 'subscription-state');

/** Tests of what SUBSCRIBE can say, and of what ends a subscription. */
export function subscriptionsOfTheFocus(start: StartPlace): void {
  /** A conference with alice in its room, who can prove who she is, and one who calls and watches. */
  async function arrange(settings: Partial<SipFocusSettings> = {}) {
    const at = await stage(start, settings);
    await at.bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
    await at.bus.publish(link.id, 'occupant', 'alice', alice);
    const subscribe = (dialog: PeerDialog, headers: Record<string, string> = {}) =>
      at.peer.request('SUBSCRIBE', dialog, { ...subscription, ...headers });
    /** Subscribes as alice. */
    const watch = async (headers: Record<string, string> = {}) => {
      const dialog = at.peer.dialog('alice', at.uri, 'example.com');
      const challenge = await subscribe(dialog, headers);
      expect(statusOf(challenge)).toBe(401);
      const Authorization = authorize(challenge, 'SHA-256', secret, 'SUBSCRIBE', at.uri);
      return { dialog, answer: await subscribe(dialog, { ...headers, Authorization }) };
    };
    const notified = (dialog: PeerDialog) => at.peer.waitRequest('NOTIFY', dialog);
    /** Something that every watcher is told of. */
    const change = (nick: string) =>
      at.bus.publish(link.id, 'occupant', nick, { ...alice, nick, jid: `${nick}@example.com` });
    return { ...at, subscribe, watch, notified, change };
  }

  describe('a SUBSCRIBE to the focus', () => {
    it('names its event in full or briefly, with an id, however written, and hears it as it wrote it', async () => {
      const at = await arrange({ watching: 'anyone' });
      const { Event: _, ...rest } = subscription;
      const dialog = at.peer.dialog('dan', at.uri);
      expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, { ...rest, o: 'conference;id=A7' }))).toBe(200);
      expect(headerOf(await at.notified(dialog), 'event')).toBe('conference;id=A7');
      expect(statusOf(await at.subscribe(dialog, { Event: 'conference;id=a7' }))).toBe(481);
      expect(statusOf(await at.subscribe(dialog, { Event: 'conference' }))).toBe(481);
      expect(statusOf(await at.subscribe(dialog, { Event: 'conference;foo=bar;id=A7' }))).toBe(200);
      expect(headerOf(await at.notified(dialog), 'event')).toBe('conference;id=A7');
    });

    it('is refused when it cannot be understood, and told what can be', async () => {
      const at = await arrange({ watching: 'anyone' });
      const refused = (headers: Record<string, string>) => at.subscribe(at.peer.dialog('dan', at.uri), headers);
      expect(statusOf(await refused({ Event: 'conference\r\nEvent: presence' }))).toBe(400);
      const other = await refused({ Event: 'dialog' });
      expect([statusOf(other), headerOf(other, 'allow-events')]).toEqual([489, 'conference']);
      const unwanted = await refused({ Accept: 'application/conference-info+xml;q=0, */*' });
      expect([statusOf(unwanted), headerOf(unwanted, 'accept')]).toEqual([406, 'application/conference-info+xml']);
      const required = await refused({ Require: 'eventlist' });
      expect([statusOf(required), headerOf(required, 'unsupported')]).toEqual([420, 'eventlist']);
    });

    it('says how often it wants to hear, and so may an answer to NOTIFY; what is granted is told', async () => {
      const at = await arrange({ watching: 'anyone' });
      const dialog = at.peer.dialog('dan', at.uri);
      await at.subscribe(dialog, { Event: 'conference;max-rate=0.5' });
      at.peer.answerHeaders = ['Event: conference;max-rate=4'];
      expect(stateOf(await at.notified(dialog))).toMatch(/^active;expires=\d+;max-rate=0\.5$/);
      await at.change('eve');
      expect(stateOf(await at.notified(dialog))).toMatch(/^active;expires=\d+;max-rate=4$/);
    });

    it('does not cost a NOTIFY when its sender has the state already', async () => {
      const at = await arrange();
      const { dialog } = await at.watch();
      const tag = headerOf(await at.notified(dialog), 'sip-etag');
      expect(tag).not.toBe('');
      const refreshed = await at.subscribe(dialog, { 'Suppress-If-Match': tag });
      expect([statusOf(refreshed), headerOf(refreshed, 'expires')]).toEqual([204, '600']);
      await at.change('eve');
      const news = await at.notified(dialog);
      expect(news.body).toMatch(/state="partial" version="2"/);
      expect(headerOf(news, 'sip-etag')).not.toBe(tag);
      expect(statusOf(await at.subscribe(dialog, { 'Suppress-If-Match': tag }))).toBe(200);
      expect((await at.notified(dialog)).body).toMatch(/state="full" version="3"/);
      expect(statusOf(await at.subscribe(dialog, { 'Suppress-If-Match': '*', Expires: '0' }))).toBe(204);
      expect(statusOf(await at.subscribe(dialog))).toBe(481);
      await eventually(() => at.focus.debug().subscriptions === 0, 'it is forgotten');
      expect(at.peer.heard.filter(({ start }) => start.startsWith('NOTIFY'))).toEqual([]);
    });

    it('is answered by a NOTIFY without a document when it comes back with the state that stands', async () => {
      const at = await arrange({ watching: 'anyone' });
      const poll = at.peer.dialog('dan', at.uri);
      await at.subscribe(poll, { Expires: '0' });
      const tag = headerOf(await at.notified(poll), 'sip-etag');
      const again = at.peer.dialog('dan', at.uri);
      expect(statusOf(await at.subscribe(again, { 'Suppress-If-Match': tag }))).toBe(200);
      const first = await at.notified(again);
      expect([headerOf(first, 'sip-etag'), first.body, headerOf(first, 'content-type')]).toEqual([tag, '', '']);
      expect(stateOf(first)).toMatch(/^active;expires=/);
    });
  });

  describe('what the focus shows its watchers', () => {
    it('is more to moderators, from when they are until they are no longer', async () => {
      const at = await arrange();
      await at.bus.publish(link.id, 'occupant', 'bob', bob);
      const { dialog } = await at.watch();
      const first = await at.notified(dialog);
      expect(first.body).toContain('>bob<');
      expect(first.body).not.toContain('bob@example.com');
      await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'moderator', cause: 'granted' });
      const asModerator = await at.notified(dialog);
      expect(asModerator.body).toMatch(/state="full" version="2"/);
      expect(asModerator.body).toContain('xmpp:bob@example.com');
      await at.bus.publish(link.id, 'occupant', 'alice', alice);
      const asBefore = await at.notified(dialog);
      expect(asBefore.body).toMatch(/state="full" version="3"/);
      expect(asBefore.body).not.toContain('bob@example.com');
    });

    it('has of themselves what others are not shown', async () => {
      const at = await arrange();
      await at.bus.publish(link.id, 'occupant', 'bob', bob);
      const { dialog } = await at.watch();
      const { body } = await at.notified(dialog);
      expect(body).toContain('xmpp:alice@example.com');
      expect(body).not.toContain('bob@example.com');
    });

    it('ends for who may watch no more: out of the room, or banned', async () => {
      const at = await arrange({ watchGraceMs: 50 });
      const { dialog } = await at.watch();
      await at.notified(dialog);
      await at.bus.withdraw(link.id, 'occupant', 'alice');
      const ending = (message: SipMessage) => stateOf(message).startsWith('terminated');
      expect(stateOf(await at.peer.wait(ending, 'the end'))).toBe('terminated;reason=rejected');
      await at.bus.publish(link.id, 'occupant', 'alice', alice);
      const again = await at.watch();
      expect(statusOf(again.answer)).toBe(200);
      await at.bus.publish(link.id, 'affiliation', 'alice@example.com', {
        jid: 'alice@example.com',
        affiliation: 'outcast',
      });
      const last = await at.peer.wait(ending, 'the end');
      expect([stateOf(last), last.body]).toEqual(['terminated;reason=rejected', '']);
      expect(statusOf((await at.watch()).answer)).toBe(403);
      expect(at.focus.debug().subscriptions).toBe(0);
    });

    it('is for moderators only where the operator says so, also in the call', async () => {
      const at = await arrange({ watching: 'moderators' });
      const call = at.peer.dialog('carol', at.uri);
      await at.call(call);
      expect(statusOf(await at.subscribe(call))).toBe(403);
      expect(statusOf((await at.watch()).answer)).toBe(403);
      await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'moderator' });
      expect(statusOf((await at.watch()).answer)).toBe(200);
      expect(statusOf(await at.peer.request('OPTIONS', call))).toBe(200);
    });

    it('is published by nobody else', async () => {
      const at = await arrange();
      const headers = { Event: 'conference', 'Content-Type': 'application/conference-info+xml' };
      const answer = await at.peer.request('PUBLISH', at.peer.dialog('dan', at.uri), headers, '<conference-info/>');
      expect(answer.start).toBe('SIP/2.0 405 The state of a conference is not published');
      expect(headerOf(answer, 'allow')).toContain('SUBSCRIBE');
      expect(headerOf(answer, 'allow-events')).toBe('conference');
    });
  });

  describe('the bounds of the focus', () => {
    it('keep the subscriptions of a conference and of an account countable', async () => {
      const at = await arrange({ watching: 'anyone', subscriptionLimits: { perConference: 3, perAccount: 2 } });
      const call = at.peer.dialog('carol', at.uri);
      await at.call(call);
      for (const id of ['1', '2']) {
        expect(statusOf(await at.subscribe(call, { Event: `conference;id=${id}` }))).toBe(200);
        await at.notified(call);
      }
      expect(statusOf(await at.subscribe(call, { Event: 'conference;id=3' }))).toBe(403);
      const dan = at.peer.dialog('dan', at.uri);
      expect(statusOf(await at.subscribe(dan))).toBe(200);
      await at.notified(dan);
      const full = await at.subscribe(at.peer.dialog('eve', at.uri));
      expect([statusOf(full), headerOf(full, 'retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
      expect(statusOf(await at.subscribe(dan))).toBe(200);
      await at.subscribe(dan, { Expires: '0' });
      await eventually(() => at.focus.debug().subscriptions === 2, 'one has gone');
      expect(statusOf(await at.subscribe(at.peer.dialog('eve', at.uri)))).toBe(200);
    });
  });

  describe('a watcher who is out of reach', () => {
    it('is forgotten, by the SIP server as well: no NOTIFY reaches them any more', async () => {
      const at = await arrange({ watching: 'anyone' });
      const dialog = at.peer.dialog('dan', at.uri);
      await at.subscribe(dialog);
      await at.notified(dialog);
      at.peer.answerWith = () => 480;
      await at.change('eve');
      expect(stateOf(await at.notified(dialog))).toMatch(/^active/);
      await eventually(() => at.focus.debug().subscriptions === 0, 'the subscription has ended');
      if (at.place.keepsDialogs) {
        const last = await at.notified(dialog);
        expect([stateOf(last), last.body]).toEqual(['terminated;reason=deactivated', '']);
      }
      at.peer.answerWith = () => 200;
      await eventually(() => at.focus.debug().notify.unanswered === 0, 'all is answered');
      expect(statusOf(await at.subscribe(dialog))).toBe(481);
      expect(at.peer.heard.filter(({ start }) => start.startsWith('NOTIFY'))).toEqual([]);
    });
  });

  describe('watchers inside a call', () => {
    async function inCall() {
      const at = await arrange({ showDepartedMs: 0 });
      const call = at.peer.dialog('carol', at.uri);
      await at.call(call);
      for (const id of ['1', '2']) {
        expect(statusOf(await at.subscribe(call, { Event: `conference;id=${id}` }))).toBe(200);
        await at.notified(call);
      }
      await eventually(() => at.focus.debug().notify.unanswered === 0, 'both are answered');
      return { ...at, call };
    }
    const one = (message: SipMessage): boolean => headerOf(message, 'event').endsWith('id=1');

    it.each([480, 481, 489, 501])('lose one subscription and nothing else by %i', async (status) => {
      const at = await inCall();
      at.peer.answerWith = (message) => (one(message) ? status : 200);
      await at.change('eve');
      await eventually(() => at.focus.debug().subscriptions === 1, 'one subscription has ended');
      at.peer.heard.splice(0);
      await at.change('fay');
      expect(headerOf(await at.notified(at.call), 'event')).toBe('conference;id=2');
      expect(statusOf(await at.peer.request('OPTIONS', at.call))).toBe(200);
      expect(at.legs()).toHaveLength(1);
    });

    it.each([404, 483, 604])('lose the call and all with it by %i', async (status) => {
      const at = await inCall();
      at.peer.answerWith = (message) => (message.start.startsWith('NOTIFY') && one(message) ? status : 200);
      await at.change('eve');
      await at.peer.waitRequest('BYE', at.call);
      await eventually(() => at.focus.debug().subscriptions === 0 && at.legs().length === 0, 'nothing is left');
    });

    it('may refuse for a moment, and hear it all again', async () => {
      const at = await inCall();
      at.peer.answerWith = (message) => (one(message) ? 503 : 200);
      await at.change('eve');
      await eventually(() => at.focus.debug().notify.failed > 0, 'one is refused');
      at.peer.answerWith = () => 200;
      const whole = (message: SipMessage): boolean => one(message) && message.body.includes('state="full"');
      expect((await at.peer.wait(whole, 'the whole state')).body).toContain('>eve<');
      expect(at.focus.debug().subscriptions).toBe(2);
    });
  });
}
