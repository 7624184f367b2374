/** What the harness's own phones must be able to do on a real focus and mixer: if this fails, no scenario can be believed. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CallRefused, type PhoneOptions } from '../harness/sip/phone.ts';
import { account, type HarnessStage, harnessStage } from './harness-stage.ts';
import { type StartPlace, uri } from './sip-focus-stage.ts';

const alice = (algorithm?: 'SHA-256' | 'MD5', password = account.password): Partial<PhoneOptions> => ({
  aor: 'sip:alice@example.com',
  credentials: { username: account.username, password, ...(algorithm === undefined ? {} : { algorithm }) },
});

/** The suite in one place. `start` is called for each test. */
export function phonesOnTheFocus(name: string, start: StartPlace): void {
  describe(`phones on ${name}`, () => {
    let at: HarnessStage;
    beforeEach(async () => {
      at = await harnessStage(start);
    });
    afterEach(() => at.closePhones());

    describe.each(['udp', 'tcp'] as const)('phones over %s', (transport) => {
      it.each(['PCMU', 'PCMA'] as const)('hear each other and not themselves in %s', async (codec) => {
        const bob = await at.call('bob', { transport, codec, tone: 440 });
        const carol = await at.call('carol', { transport, codec: 'PCMU', tone: 620 });
        const dave = await at.call('dave', { transport, codec, tone: 880 });
        expect(bob.remoteContact).toContain(';isfocus');
        await Promise.all([bob.hears(620), bob.hears(880), bob.silentOf(440)]);
        await Promise.all([carol.hears(440), carol.hears(880), carol.silentOf(620)]);
        await Promise.all([dave.hears(440), dave.hears(620), dave.silentOf(880)]);
        dave.setTone(1000);
        await Promise.all([bob.hears(1000), bob.silentOf(880)]);
        await expect(bob.hears(880, 1000)).rejects.toThrow(/880 Hz was not heard.*620 Hz.*packets came/);
        expect(bob.stats().sent).toBeGreaterThan(15);
      });

      it('end calls from either side, and say why', async () => {
        const bob = await at.call('bob', { transport });
        await at.untilLegs(1);
        expect(bob.status).toBe('up');
        await bob.hangUp();
        expect([bob.status, await bob.ended()]).toEqual(['ended', { by: 'us' }]);
        await at.untilLegs(0);
        const carol = await at.call('carol', { transport });
        await at.untilLegs(1);
        expect(await at.ask('remove', 'carol', 'too loud')).toMatchObject({ ok: true });
        expect(await carol.ended()).toEqual({ by: 'peer', reason: 'SIP;cause=603;text="too loud"' });
        expect(carol.status).toBe('ended');
        await at.untilLegs(0);
      });

      it.each(['SHA-256', 'MD5', undefined] as const)('prove who calls: %s', async (algorithm) => {
        const own = await at.phone('alice', { transport, ...alice(algorithm) });
        await (await own.call(uri)).hangUp();
        await own.call(uri); // with the nonce of before, counted up
        await at.untilLegs(1);
        expect(at.legs()[0]).toMatchObject({ aor: 'sip:alice@example.com', proof: 'digest' });
      });
    });

    describe('a phone', () => {
      it('is told when it is refused', async () => {
        const thief = await at.phone('alice', alice('SHA-256', 'not it'));
        const refused = await thief.tryCall(uri);
        expect(refused).toMatchObject({ status: 401, reason: 'Unauthorized' });
        expect((refused as CallRefused).headers['www-authenticate']).toContain('Digest');
        await expect(thief.call('sip:nobody@conf.example')).rejects.toBeInstanceOf(CallRefused);
        const nobody = await (await at.phone('bob')).tryCall('sip:nobody@conf.example');
        expect(nobody).toMatchObject({ status: 404 });
      });

      it('holds and resumes', async () => {
        const bob = await at.call('bob', { tone: 440 });
        const carol = await at.call('carol', { tone: 620 });
        await carol.hears(440);
        await bob.hold();
        expect(bob.direction).not.toBe('sendrecv');
        const statuses = (): string[] => at.legs().map(({ status }) => status);
        await expect.poll(() => statuses().sort(), { timeout: 10_000 }).toEqual(['connected', 'on-hold']);
        await carol.silentOf(440);
        await bob.resume();
        expect(bob.direction).toBe('sendrecv');
        await Promise.all([carol.hears(440), bob.hears(620)]);
      });

      it('is not heard while the focus has muted it', async () => {
        const bob = await at.call('bob', { tone: 440 });
        const carol = await at.call('carol', { tone: 620 });
        await carol.hears(440);
        expect(await at.ask('mute', 'bob')).toMatchObject({ ok: true });
        await Promise.all([carol.silentOf(440), bob.hears(620)]);
        await expect(carol.hears(440, 1500)).rejects.toThrow('silence was last heard');
        expect(await at.ask('unmute', 'bob')).toMatchObject({ ok: true });
        await carol.hears(440);
      });

      it('may bring its offer late', async () => {
        const bob = await at.call('bob', { tone: 440, lateOffer: true });
        const carol = await at.call('carol', { tone: 620, codec: 'PCMA', lateOffer: true });
        await Promise.all([bob.hears(620), carol.hears(440)]);
      });

      it('presses keys', async () => {
        const bob = await at.call('bob', { tone: 440 });
        await bob.dtmf('12#D');
        await expect.poll(() => at.digits(), { timeout: 10_000 }).toBe('12#D');
        await expect(bob.dtmf('x')).rejects.toThrow('not a key');
      });

      it('that vanishes answers and sends nothing any more', async () => {
        const bob = await at.call('bob', { tone: 440 });
        const carol = await at.call('carol', { tone: 620 });
        await carol.hears(440);
        bob.vanish();
        const { sent } = bob.stats();
        await carol.silentOf(440);
        at.ask('remove', 'bob').catch(() => undefined); // nobody answers its BYE
        await at.untilLegs(1);
        await carol.silentOf(440);
        expect([bob.stats().sent, bob.requests.length]).toEqual([sent, 0]);
      });
    });
  });
}
