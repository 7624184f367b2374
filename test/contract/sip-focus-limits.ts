/** RFC 4353 4.1, RFC 3261 21.4.24: what keeps one caller from taking the places of all others, on any SIP server and mixer. */
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { SipFocusSettings } from '../../src/sip-focus/focus-settings.ts';
import { headerOf, statusOf } from './sip-focus-peer.ts';
import { callsOf, eventually, link, newPeer, newWorld, type StartPlace, startProcess, uri } from './sip-focus-stage.ts';

/** Tests of how much one caller may have. */
export function limitsOfTheFocus(start: StartPlace): void {
  /** A conference with room for many. */
  async function roomy(settings: Partial<SipFocusSettings> = {}) {
    const world = await newWorld(start);
    const peer = await newPeer(world.place);
    const process = await startProcess(world, { settings, maximumUsers: 20 });
    const legs = () => [...world.bus.facts.meeting(link.id).legs.values()];
    return { ...world, ...process, peer, legs, ...callsOf(peer) };
  }

  describe('the focus and one caller', () => {
    it('has no more calls of one proved person than the policy says, also when they come at once', async () => {
      const at = await roomy();
      const most = defaultPolicy.callsPerPerson;
      const tries = await Promise.all(Array.from({ length: most + 3 }, () => at.callAlice()));
      const inside = tries.filter(({ answer }) => statusOf(answer) === 200);
      const outside = tries.filter(({ answer }) => statusOf(answer) !== 200);
      expect(inside).toHaveLength(most);
      for (const { answer } of outside) expect(answer.start).toMatch(/ 486 No more than 4 calls of one person$/);
      for (let call = 0; call <= most; call += 1) {
        expect(statusOf(await at.call(at.peer.dialog('carol', uri)))).toBe(200);
      }
      const [first] = inside;
      if (first) await at.peer.request('BYE', first.dialog);
      await eventually(() => at.legs().length === 2 * most, 'one call less');
      expect(statusOf((await at.callAlice()).answer)).toBe(200);
    });

    it('takes no more new calls of one address in a time than the setting says, and says when it does again', async () => {
      const at = await roomy({ callRate: { perAddress: 2, perAccount: 0, seconds: 5 } });
      const stranger = () => at.call(at.peer.dialog('carol', uri));
      // Only what passes the challenge is a call.
      expect([statusOf((await at.callAlice()).answer), statusOf(await stranger())]).toEqual([200, 200]);
      const refused = await stranger();
      expect(refused.start).toMatch(/ 503 Too many calls$/);
      expect(headerOf(refused, 'retry-after')).toMatch(/^[1-5]$/);
      expect(at.focus.debug().callsOverRate).toBe(1);
      expect(at.legs().length).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setTimeout(resolve, Number(headerOf(refused, 'retry-after')) * 1000));
      expect(statusOf(await stranger())).toBe(200);
    });

    it('does so for one account too, which keeps nobody else out', async () => {
      const at = await roomy({ callRate: { perAddress: 0, perAccount: 1, seconds: 60 } });
      expect(statusOf((await at.callAlice()).answer)).toBe(200);
      const { answer } = await at.callAlice();
      expect([statusOf(answer), Number(headerOf(answer, 'retry-after'))]).toEqual([503, expect.closeTo(60, -1)]);
      for (let call = 0; call < 3; call += 1) {
        expect(statusOf(await at.call(at.peer.dialog('carol', uri)))).toBe(200);
      }
    });

    it('takes whatever comes of trusted peers', async () => {
      const callRate = { perAddress: 1, perAccount: 1, seconds: 60 };
      const at = await roomy({ callRate, trustedPeers: [{ address: '127.0.0.1' }] });
      const asserted = { 'P-Asserted-Identity': '<sip:dave@elsewhere.example>' };
      for (let call = 0; call < 3; call += 1) {
        expect(statusOf(await at.call(at.peer.dialog('carol', uri), asserted))).toBe(200);
      }
      expect(at.focus.debug().callsOverRate).toBe(0);
    });
  });
}
