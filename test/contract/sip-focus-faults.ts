/** The focus when its servers fail it, whom it believes, and the calls it makes itself, on any SIP server and mixer. */
import { describe, expect, it, vi } from 'vitest';
import { type DialOrder, SignalingDialer } from '../../src/sip-focus/uac-dialer.ts';
import { headerOf, offer, type SipMessage, statusOf } from './sip-focus-peer.ts';
import { aliceAor, eventually, log, type Stage, type StartPlace, stage } from './sip-focus-stage.ts';

/** Tests of lost servers, of trust, and of outgoing calls. */
export function faultsOfTheFocus(start: StartPlace): void {
  describe('the focus and the loss of its SIP server', () => {
    it('ends the calls of the lost connection, sends watchers to subscribe anew, and takes calls again', async () => {
      const at = await stage(start, { watching: 'anyone' });
      const call = at.peer.dialog('carol', at.uri);
      await at.call(call);
      const watcher = at.peer.dialog('dave', at.uri);
      expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(200);
      await at.peer.waitRequest('NOTIFY', watcher);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      at.wire.cut();
      await eventually(() => !at.focus.ready(), 'the loss is seen');
      at.wire.mend();
      await eventually(() => at.focus.ready() && at.focus.debug().notifyConnected, 'connected again');
      await eventually(() => at.legs().length === 0, 'the dead leg is withdrawn');
      await eventually(() => at.focus.debug().subscriptions === 0, 'the dead subscription is forgotten');
      expect(headerOf(await at.peer.waitRequest('BYE', call), 'reason')).toContain('cause=503');
      const last = await at.peer.waitRequest('NOTIFY', watcher);
      expect(headerOf(last, 'subscription-state')).toBe('terminated;reason=deactivated');
      expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(481);
      await vi.waitFor(async () => expect(await at.mixer.list()).toHaveLength(0), 10_000);
      expect(statusOf(await at.call(at.peer.dialog('carol', at.uri)))).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
    });

    it('comes up when the SIP server comes later, and joins nobody while the mixer is away', async () => {
      const at = await stage(start);
      await at.mixer.stop();
      await eventually(() => !at.focus.ready(), 'not ready without a mixer');
      const answer = await at.call(at.peer.dialog('carol', at.uri));
      expect(statusOf(answer)).toBe(503);
      expect(Number(headerOf(answer, 'retry-after'))).toBeGreaterThan(0);
    });

    it('challenges everybody but trusted peers when proof is required', async () => {
      const at = await stage(start, { authentication: 'require' });
      expect(statusOf(await at.call(at.peer.dialog('carol', at.uri)))).toBe(401);
    });

    it('believes a trusted peer about who calls', async () => {
      const at = await stage(start, { authentication: 'require', trustedPeers: [{ address: '127.0.0.1' }] });
      const dialog = at.peer.dialog('anonymous', at.uri, 'anonymous.invalid', 'Anonymous');
      const headers = { 'P-Asserted-Identity': '<sip:alice@example.com>', Privacy: 'id' };
      expect(statusOf(await at.call(dialog, headers))).toBe(200);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      expect(at.legs()[0]).toMatchObject({ aor: aliceAor, proof: 'trusted-peer', label: null, contact: null });
    });
  });

  describe('calls that the focus makes', () => {
    const order = (at: Stage, changes: Partial<DialOrder> = {}): DialOrder => ({
      uri: `sip:conf-tea@127.0.0.1:${at.peer.port}`,
      from: '<sip:leg-1@focus>',
      offer: offer(41_000),
      limitMs: 5000,
      onEnded: () => undefined,
      ...changes,
    });
    const dialer = (at: Stage) => new SignalingDialer(at.focus.signaling, log);
    const of = (method: string) => (message: SipMessage) => message.start.startsWith(`${method} `);

    it('offer, renegotiate and hang up', async () => {
      const at = await stage(start);
      at.peer.sdp = offer(42_000);
      const calls = dialer(at);
      const call = await calls.dial(order(at));
      expect(call.sdp).toBe(offer(42_000));
      const invite = await at.peer.wait(of('INVITE'), 'INVITE');
      expect(headerOf(invite, 'from')).toContain('<sip:leg-1@focus>');
      expect(invite.body).toBe(offer(41_000));
      at.peer.sdp = offer(42_002, 'recvonly');
      expect(await call.reoffer(offer(41_000, 'sendonly'))).toBe(offer(42_002, 'recvonly'));
      await calls.hangUp(call.dialogId);
      await at.peer.wait(of('BYE'), 'BYE');
    });

    it('take the offer of the called party and answer it in the ACK', async () => {
      const at = await stage(start);
      at.peer.sdp = offer(42_000);
      const call = await dialer(at).dial(order(at, { offer: null }));
      expect((await at.peer.wait(of('INVITE'), 'INVITE')).body).toBe('');
      await call.confirm(offer(41_000));
      expect((await at.peer.wait(of('ACK'), 'ACK')).body).toBe(offer(41_000));
    });

    it('fail with the status, after the limit, and without a SIP server', async () => {
      const at = await stage(start);
      at.peer.answerWith = () => 486;
      await expect(dialer(at).dial(order(at))).rejects.toMatchObject({
        code: 'SIP_REQUEST_FAILED',
        detail: { status: 486 },
      });
      at.peer.answerWith = () => null;
      await expect(dialer(at).dial(order(at, { limitMs: 100 }))).rejects.toMatchObject({ code: 'SIP_REQUEST_FAILED' });
      at.wire.close();
      await eventually(() => !at.focus.ready(), 'the loss is seen');
      await expect(dialer(at).dial(order(at))).rejects.toMatchObject({ code: 'SIP_SERVER_UNAVAILABLE' });
    });
  });
}
