/** SIPp at the focus, on any SIP server: what it is told, how it is let go, that others hear it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConferenceReader } from '../harness/conference/reader.ts';
import { countsAgree } from '../harness/conference/rules.ts';
import { findSipp, runSipp, type SippMessage, type SippOptions, type SippResult, startSipp } from '../harness/sipp.ts';
import { credentials, type ForeignStage, foreignStage } from './foreign-phones-stage.ts';
import { aliceAor, eventually, link, room, type StartPlace, uri } from './sip-focus-stage.ts';

const lacking = findSipp() === null ? ' (skipped: sipp is not on PATH)' : '';

const stranger = { conference: 'tea@conf.example', caller: 'carol@elsewhere.example' };
const member = { conference: 'tea@conf.example', caller: 'alice@example.com', credentials };
type Who = Pick<SippOptions, 'conference' | 'caller' | 'credentials'>;

/** Runs all of it at one place. */
export function sippContract(name: string, start: StartPlace): void {
  describe.skipIf(lacking !== '')(`SIPp on ${name}${lacking}`, () => {
    let at: ForeignStage;

    beforeEach(async () => {
      at = await foreignStage(start);
    });

    afterEach(() => at.end());

    /** What went wrong stands in the message of a failed assertion. */
    const expectSuccess = (result: SippResult, calls = 1): void => {
      const wire = result.messages.map(({ direction, text }) => `${direction}\n${text}`).join('\n\n');
      expect(result.code, `${result.errors}\n${wire}`).toBe(0);
      expect(result.calls).toEqual({ ok: calls, failed: 0 });
    };
    const received = (result: SippResult, start: string): readonly SippMessage[] =>
      result.messages.filter((message) => message.direction === 'received' && message.text.startsWith(start));

    it.each<['udp' | 'tcp', string, Who]>([
      ['udp', 'without a password', stranger],
      ['udp', 'with a password', member],
      ['tcp', 'without a password', stranger],
      ['tcp', 'with a password', member],
    ])('calls a focus over %s %s and hangs up', async (transport, _how, who) => {
      const run = await startSipp({ scenario: 'call', server: at.server(transport), transport, ...who });
      at.after(() => run.stop());
      await eventually(() => at.legs().length === 1, 'the leg is known');
      expect(at.legs()[0]?.aor).toBe('credentials' in who ? aliceAor : null);
      const result = await run.finished;
      expectSuccess(result);
      // without a transport its ACK and BYE would go by UDP
      const contact = /^Contact: (.*)$/m.exec(received(result, 'SIP/2.0 200 OK')[0]?.text ?? '')?.[1] ?? '';
      expect(contact.includes(';transport=tcp>;isfocus')).toBe(transport === 'tcp');
      await at.nobodyIsLeft();
    });

    it('makes calls at once, as many as there is room for', async () => {
      const result = await runSipp({
        scenario: 'call',
        server: at.server(),
        ...stranger,
        calls: 3,
        rate: 100,
        holdMs: 1000,
      });
      expectSuccess(result, 3);
      await at.nobodyIsLeft();
      at.place.expectNothingLeft();
    });

    it('is refused and says so when the password is wrong', async () => {
      const wrong = { ...member, credentials: { username: 'alice', password: 'x' } };
      const result = await runSipp({ scenario: 'call', server: at.server(), ...wrong });
      expect(result.code).toBe(1);
      expect(result.calls).toEqual({ ok: 0, failed: 1 });
      expect(result.errors).toContain('401');
      expect(at.legs()).toEqual([]);
    });

    it('is let go with a reason when the room sends the caller out', async () => {
      await at.aliceInTheRoom();
      const run = await startSipp({ scenario: 'kicked', server: at.server(), ...member });
      at.after(() => run.stop());
      await eventually(() => at.legs().length === 1, 'the leg is known');
      // After its ACK it starts its sound, and then only waits for a BYE: one that comes before is unexpected to it.
      await sleep(500);
      await at.kick();
      const result = await run.finished;
      expectSuccess(result);
      expect(received(result, 'BYE ')[0]?.text).toContain('Reason: SIP;cause=603;text="Removed from the room"');
      await at.nobodyIsLeft();
    });

    it('is refused for good: who is banned, and who is no member of a room for members', async () => {
      await at.bus.publish(link.id, 'caller-ban', aliceAor, { aor: aliceAor, reason: null, by: 'operator' });
      const banned = await runSipp({ scenario: 'refused', server: at.server(), ...member });
      expectSuccess(banned);
      expect(received(banned, 'SIP/2.0 403')[0]?.text).toMatch(/^SIP\/2\.0 403 Banned/);
      await at.bus.publish(link.id, 'room', '-', { ...room, membersOnly: true });
      const outsider = await runSipp({ scenario: 'refused', server: at.server(), ...stranger });
      expectSuccess(outsider);
      expect(received(outsider, 'SIP/2.0 401')).toEqual([]);
      expect(at.legs()).toEqual([]);
    });

    it.each<[string, 'udp' | 'tcp', Who]>([
      ['with a password', 'udp', member],
      ['without', 'udp', stranger],
      ['with a password over tcp', 'tcp', member],
    ])('watches the conference %s', async (_how, transport, who) => {
      await at.aliceInTheRoom();
      const result = await runSipp({ scenario: 'watch', server: at.server(transport), transport, ...who });
      expectSuccess(result);
      const reader = new ConferenceReader(uri);
      const notifications = received(result, 'NOTIFY ');
      for (const { text } of notifications) {
        const body = /\r?\n\r?\n(<[\s\S]*)/.exec(text)?.[1];
        if (body) reader.accept(body.trimEnd());
      }
      expect(notifications).toHaveLength(3);
      expect(notifications[2]?.text).toContain('Subscription-State: terminated;reason=timeout');
      expect(reader.version).toBeGreaterThanOrEqual(2);
      expect(reader.view.users.map((user) => user.displayText)).toEqual(['alice']);
      expect(countsAgree(reader.view)).toBe(true);
      await eventually(() => at.focus.debug().subscriptions === 0, 'nobody watches');
    });

    it('is told which events there are', async () => {
      expectSuccess(await runSipp({ scenario: 'other-event', server: at.server(), ...stranger }));
    });

    it('sounds, and others hear it as long as it does', async () => {
      const call = await at.ownPhone(700);
      const run = await startSipp({ scenario: 'talk', server: at.server(), ...stranger, tone: 1100, holdMs: 3000 });
      at.after(() => run.stop());
      await call.hears(1100);
      expectSuccess(await run.finished);
      await call.silentOf(1100);
    });
  });
}
