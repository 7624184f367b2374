/** baresip at the focus, on any SIP server: what it hears and who hears it, and how it is let go. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Baresip } from '../harness/baresip.ts';
import { type BaresipOptions, baresipLacks } from '../harness/baresip-set-up.ts';
import type { Watcher } from '../harness/sip/watcher.ts';
import { findSipp, startSipp } from '../harness/sipp.ts';
import { credentials, type ForeignStage, foreignStage } from './foreign-phones-stage.ts';
import { alice, aliceAor, eventually, link, room, type StartPlace, uri } from './sip-focus-stage.ts';

const lacking = baresipLacks() === null ? '' : ` (skipped: ${baresipLacks()})`;

/** Runs all of it at one place. */
export function baresipContract(name: string, start: StartPlace): void {
  describe.skipIf(lacking !== '')(`baresip on ${name}${lacking}`, () => {
    let at: ForeignStage;

    beforeEach(async () => {
      at = await foreignStage(start);
    });

    afterEach(() => at.end());

    async function started(options: Partial<BaresipOptions> = {}): Promise<Baresip> {
      const phone = await Baresip.start({
        server: at.server(options.transport),
        aor: 'sip:carol@elsewhere.example',
        ...options,
      });
      at.after(() => phone.stop());
      return phone;
    }

    it('hears whom it calls with, and they it, but not itself', async () => {
      const phone = await started({ tone: 500 });
      const call = await at.ownPhone(900);
      await phone.dial(uri);
      await Promise.all([phone.hears(900), call.hears(500)]);
      await Promise.all([phone.silentOf(500), call.silentOf(900)]);
    });

    it.each(['udp', 'tcp'] as const)(
      'proves who it is over %s, is shown, and goes when it hangs up',
      async (transport) => {
        await at.aliceInTheRoom();
        const watch = await at.watcher();
        const phone = await started({ transport, aor: 'sip:alice@example.com', credentials });
        await phone.dial(uri);
        const speaks = (user: Watcher['view']['users'][number]): boolean =>
          user.endpoints.some((endpoint) => endpoint.joiningMethod === 'dialed-in');
        await watch.until(({ users }) => users.some(speaks), 'the phone is shown');
        expect(at.legs()[0]).toMatchObject({ aor: aliceAor, proof: 'digest' });
        await phone.hangUp();
        await phone.waitFor('CALL_CLOSED');
        await watch.until(({ users }) => !users.some(speaks), 'the phone is shown no more');
        await at.nobodyIsLeft();
        // its trace: everything of a call goes the way that the call came
        const ways = [...phone.output().matchAll(/^(TCP|UDP) 127\.0\.0\.1:\d+ -> /gm)].map((each) => each[1]);
        expect(new Set(ways)).toEqual(new Set([transport.toUpperCase()]));
      },
    );

    it('tells its person why it may not call', async () => {
      await at.bus.publish(link.id, 'room', '-', { ...room, membersOnly: true });
      const phone = await started();
      await expect(phone.dial(uri)).rejects.toThrow(/refused: 403 Members only/);
      await expect(phone.dial('sip:nobody@conf.example')).rejects.toThrow(/refused: 404/);
    });

    it('mutes itself, and holds and resumes the call', async () => {
      const phone = await started({ tone: 500 });
      const call = await at.ownPhone(900);
      await phone.dial(uri);
      await call.hears(500);
      await phone.mute();
      await call.silentOf(500);
      await phone.mute(false);
      await call.hears(500);
      await phone.hold();
      await eventually(() => at.legs().some((leg) => leg.status === 'on-hold'), 'on hold');
      await call.silentOf(500);
      await phone.resume();
      await call.hears(500);
    });

    it('is muted when the room takes its person’s voice, still hears, and speaks again when it is given back', async () => {
      await at.aliceInTheRoom();
      const phone = await started({ tone: 500, aor: 'sip:alice@example.com', credentials });
      const call = await at.ownPhone(900);
      await phone.dial(uri);
      await call.hears(500);
      await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
      await Promise.all([call.silentOf(500), phone.hears(900)]);
      await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, cause: 'granted' });
      await call.hears(500);
    });

    it('is let go when the room sends its person out', async () => {
      await at.aliceInTheRoom();
      const phone = await started({ aor: 'sip:alice@example.com', credentials });
      await phone.dial(uri);
      await eventually(() => at.legs().length === 1, 'the leg is known');
      await at.kick();
      // it shows this for a BYE, whatever its Reason says
      expect(await phone.waitFor('CALL_CLOSED')).toMatchObject({ param: 'Connection reset by peer' });
      await at.nobodyIsLeft();
    });

    it('hears SIPp, where that is installed', async (context) => {
      if (findSipp() === null) context.skip('sipp is not on PATH');
      const phone = await started({ tone: 500 });
      await phone.dial(uri);
      const run = await startSipp({
        scenario: 'talk',
        server: at.server(),
        conference: 'tea@conf.example',
        caller: 'dave@elsewhere.example',
        tone: 1300,
        holdMs: 60_000,
      });
      at.after(() => run.stop());
      await phone.hears(1300);
      await run.stop();
      // a caller who vanished without BYE sends no more
      await phone.silentOf(1300);
    });
  });
}
