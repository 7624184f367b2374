/** How calls to a focus begin, go on and end, on any SIP server and mixer. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { authorize, headerOf, offer, statusOf } from './sip-focus-peer.ts';
import { aliceAor, eventually, link, type Stage, type StartPlace, secret, stage, uri } from './sip-focus-stage.ts';

/** The operator's order to end the one call there is. */
const remove = (at: Stage, reason: string) => {
  const ask = {
    link: link.id,
    by: 'operator',
    to: 'focus',
    act: 'remove',
    leg: at.legs()[0]?.leg ?? '',
    reason,
  } as const;
  return at.asks.ask({ owner: 'focus', instance: 'focus-1' }, ask, 6_000);
};

/** RFC 3261, RFC 4579 5: tests of calls. */
export function callsOfTheFocus(start: StartPlace): void {
  describe('the focus and calls', () => {
    let at: Stage;
    beforeEach(async () => {
      at = await stage(start);
    });

    it('joins a caller, says that it is a focus, publishes the leg and takes it back after BYE', async () => {
      const dialog = at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol');
      const answer = await at.call(dialog);
      expect(statusOf(answer)).toBe(200);
      expect(headerOf(answer, 'contact')).toMatch(/<sip:tea@127\.0\.0\.1:\d+[^>]*>;isfocus/);
      expect(headerOf(answer, 'allow-events')).toBe('conference');
      expect(answer.body).toContain('m=audio');
      await eventually(() => at.legs().length === 1, 'the leg is known');
      expect(at.legs()[0]).toMatchObject({ aor: null, proof: null, label: 'Carol', status: 'connected', muted: false });
      expect(await at.mixer.list()).toHaveLength(1);
      expect(statusOf(await at.peer.request('BYE', dialog))).toBe(200);
      await eventually(() => at.legs().length === 0, 'the leg is withdrawn');
      const { departures } = at.bus.facts.meeting(link.id);
      expect([...departures.values()]).toMatchObject([{ leg: { label: 'Carol' }, method: 'departed', by: null }]);
      await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
      expect(statusOf(await at.peer.request('OPTIONS', dialog))).toBe(481);
    });

    it('notes what the call says of itself: its dialog, where it comes from, its source, languages and direction', async () => {
      const dialog = at.peer.dialog('carol', at.uri, 'elsewhere.example', 'Carol');
      const said = { 'Accept-Language': 'de;q=0.5, en', Contact: `<sip:room7@127.0.0.1:${at.peer.port}>;isfocus` };
      const answer = await at.call(dialog, said, `${offer(40_000, 'recvonly')}a=ssrc:4711 cname:carol\r\n`);
      expect(statusOf(answer)).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      expect(at.legs()[0]).toMatchObject({
        callId: dialog.callId,
        fromTag: /;tag=([^;]+)/.exec(dialog.from)?.[1],
        toTag: /;tag=([^;]+)/.exec(headerOf(answer, 'to'))?.[1],
        languages: ['en', 'de'],
        cascadedFocus: `sip:room7@127.0.0.1:${at.peer.port}`,
        contact: `sip:room7@127.0.0.1:${at.peer.port}`,
        status: 'connected',
        direction: 'recvonly',
        sourceId: '4711',
      });
    });

    it.each(['SHA-256', 'MD5'] as const)(
      'proves who calls with %s and refuses the same answer a second time',
      async (algorithm) => {
        const dialog = at.peer.dialog('alice', at.uri, 'example.com');
        const challenge = await at.call(dialog);
        expect(statusOf(challenge)).toBe(401);
        expect(challenge.headers.get('www-authenticate')?.map((line) => /algorithm=([^,]+)/.exec(line)?.[1])).toEqual([
          'SHA-256',
          'MD5',
        ]);
        const answer = authorize(challenge, algorithm, secret, 'INVITE', at.uri);
        expect(statusOf(await at.call(dialog, { Authorization: answer }))).toBe(200);
        await eventually(() => at.legs().length === 1, 'the leg is known');
        expect(at.legs()[0]).toMatchObject({ aor: aliceAor, proof: 'digest' });
        const thief = await at.call(at.peer.dialog('alice', at.uri, 'example.com'), { Authorization: answer });
        expect(statusOf(thief)).toBe(401);
        expect(headerOf(thief, 'www-authenticate')).toContain('stale=true');
      },
    );

    it('takes no answer with an algorithm that is not on offer', async () => {
      const strict = await stage(start, { algorithms: ['MD5'] });
      const dialog = strict.peer.dialog('alice', uri, 'example.com');
      const challenge = await strict.call(dialog);
      const written = headerOf(challenge, 'www-authenticate');
      const doctored = { ...challenge, headers: new Map([['www-authenticate', [written.replace('MD5', 'SHA-256')]]]) };
      const Authorization = authorize(doctored, 'SHA-256', secret, 'INVITE', uri);
      const answer = await strict.call(dialog, { Authorization });
      expect([statusOf(answer), headerOf(answer, 'www-authenticate').includes('SHA-256')]).toEqual([401, false]);
      expect(strict.legs()).toEqual([]);
    });

    it('refuses wrong passwords, in the end for good', async () => {
      const dialog = at.peer.dialog('alice', at.uri, 'example.com');
      const statuses: number[] = [];
      let challenge = await at.call(dialog);
      for (let attempt = 0; attempt < 6; attempt += 1) {
        const wrong = authorize(challenge, 'SHA-256', { user: 'alice', password: 'x' }, 'INVITE', at.uri);
        const answer = await at.call(dialog, { Authorization: wrong });
        statuses.push(statusOf(answer));
        if (statusOf(answer) === 401) challenge = answer;
      }
      expect(statuses).toEqual([401, 401, 401, 401, 403, 403]);
      expect(at.legs()).toHaveLength(0);
    });

    it('answers what it cannot do as the standards say', async () => {
      const { peer, uri } = at;
      expect(statusOf(await at.call(peer.dialog('carol', 'sip:nobody@conf.example')))).toBe(404);
      expect(statusOf(await at.call(peer.dialog('carol', uri), { Require: 'precondition' }))).toBe(420);
      const noSdp = await at.call(peer.dialog('carol', uri), { Accept: 'text/plain, application/sdp;q=0' });
      expect([statusOf(noSdp), headerOf(noSdp, 'accept')]).toEqual([406, 'application/sdp']);
      const small = await at.call(peer.dialog('carol', uri), { Supported: 'timer', 'Session-Expires': '30' });
      expect([statusOf(small), headerOf(small, 'min-se')]).toEqual([422, '90']);
      expect(
        statusOf(await at.call(peer.dialog('carol', uri), {}, offer().replace(/m=audio.*/, 'm=video 4000 RTP/AVP 99'))),
      ).toBe(488);
      const message = await peer.request(
        'MESSAGE',
        peer.dialog('carol', uri),
        { 'Content-Type': 'text/plain' },
        'hello',
      );
      expect(statusOf(message)).toBe(405);
      const options = await peer.request('OPTIONS', peer.dialog('carol', uri));
      expect(statusOf(options)).toBe(200);
      expect(headerOf(options, 'contact')).toContain(';isfocus');
      await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
    });

    it('is full at its limit', async () => {
      for (let call = 0; call < link.maximumUsers; call += 1) {
        expect(statusOf(await at.call(at.peer.dialog(`caller${call}`, at.uri)))).toBe(200);
      }
      const calls = await Promise.all([1, 2].map((call) => at.call(at.peer.dialog(`late${call}`, at.uri))));
      expect(calls.map(statusOf)).toEqual([486, 486]);
    });

    it('offers media to a caller without an offer and joins them with the ACK', async () => {
      const dialog = at.peer.dialog('carol', at.uri);
      const answer = await at.peer.request('INVITE', dialog);
      expect(statusOf(answer)).toBe(200);
      expect(answer.body).toContain('m=audio');
      at.peer.ack(dialog, offer(40_002, 'sendonly'));
      await eventually(() => at.legs()[0]?.status === 'on-hold', 'the answer in the ACK is taken');
    });

    it('ends a call whose ACK does not answer our offer', async () => {
      const dialog = at.peer.dialog('carol', at.uri);
      await at.peer.request('INVITE', dialog);
      at.peer.ack(dialog);
      expect(headerOf(await at.peer.waitRequest('BYE', dialog), 'reason')).toContain('cause=488');
      await eventually(() => at.legs().length === 0, 'the leg is gone');
      await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
    });

    it('says BYE to a caller who is removed before their ACK only when that has come', async () => {
      const dialog = at.peer.dialog('carol', at.uri);
      const headers = { 'Content-Type': 'application/sdp' };
      expect(statusOf(await at.peer.request('INVITE', dialog, headers, offer()))).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      const removed = remove(at, 'too loud');
      await eventually(() => at.legs().length === 0, 'the leg is gone');
      await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
      // A BYE would have come before this answer.
      await at.peer.request('OPTIONS', at.peer.dialog('dave', at.uri));
      expect(at.peer.heard.filter(({ start }) => start.startsWith('BYE '))).toEqual([]);
      at.peer.ack(dialog);
      expect(headerOf(await at.peer.waitRequest('BYE', dialog), 'reason')).toBe('SIP;cause=603;text="too loud"');
      expect(await removed).toEqual({ ok: true, notes: [] });
      await vi.waitFor(() => at.place.expectNothingLeft(), 10_000);
    });

    it('says no BYE to a caller who is removed and hangs up before their ACK', async () => {
      const dialog = at.peer.dialog('carol', at.uri);
      const headers = { 'Content-Type': 'application/sdp' };
      expect(statusOf(await at.peer.request('INVITE', dialog, headers, offer()))).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      const removed = remove(at, 'too loud');
      await eventually(() => at.legs().length === 0, 'the leg is gone');
      expect(statusOf(await at.peer.request('BYE', dialog))).toBe(200);
      expect(await removed).toEqual({ ok: true, notes: [] });
      expect(at.peer.heard.filter(({ start }) => start.startsWith('BYE '))).toEqual([]);
      await vi.waitFor(() => at.place.expectNothingLeft(), 10_000);
    });

    it('tells a call that comes a second time from the one it has', async () => {
      const dialog = at.peer.dialog('carol', at.uri);
      const copy = { ...dialog };
      expect(statusOf(await at.call(dialog))).toBe(200);
      // 8.2.2.2 says 482; drachtio-server answers by itself, with 491.
      expect([482, 491]).toContain(statusOf(await at.call(copy)));
      expect(statusOf(await at.peer.request('OPTIONS', dialog))).toBe(200);
      expect(await at.mixer.list()).toHaveLength(1);
    });

    it('follows hold and resume, and an UPDATE that only refreshes', async () => {
      const dialog = at.peer.dialog('carol', at.uri);
      await at.call(dialog);
      const held = await at.call(dialog, {}, offer(40_000, 'sendonly'));
      expect(held.body).toMatch(/a=(recvonly|inactive)/);
      await eventually(() => at.legs()[0]?.status === 'on-hold', 'on hold');
      expect(at.legs()[0]).toMatchObject({ direction: 'sendonly' });
      await at.call(dialog, {}, offer());
      await eventually(() => at.legs()[0]?.status === 'connected', 'resumed');
      expect(at.legs()[0]).toMatchObject({ direction: 'sendrecv' });
      const refreshed = await at.peer.request('UPDATE', dialog, {
        Supported: 'timer',
        'Session-Expires': '600;refresher=uac',
      });
      expect([statusOf(refreshed), headerOf(refreshed, 'session-expires')]).toEqual([200, '600;refresher=uac']);
    });

    it('leaves nothing behind a CANCEL', async () => {
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const dialog = at.peer.dialog(`carol${attempt}`, at.uri);
        const branch = at.peer.begin(dialog, offer());
        if (attempt % 2) await new Promise((resolve) => setTimeout(resolve, attempt / 4));
        at.peer.cancel(dialog, branch);
        const answer = await at.peer.wait(
          (message) =>
            statusOf(message) >= 200 &&
            headerOf(message, 'cseq').includes('INVITE') &&
            headerOf(message, 'call-id') === dialog.callId,
          'the end of the INVITE',
        );
        if (statusOf(answer) === 200) {
          dialog.to = headerOf(answer, 'to');
          at.peer.ack(dialog);
          await at.peer.request('BYE', dialog);
        }
      }
      await eventually(() => at.legs().length === 0, 'no leg is left');
      await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
      await vi.waitFor(() => at.place.expectNothingLeft(), 10_000);
    });
  });
}
