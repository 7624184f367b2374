/** What goes wrong around FreeSWITCH, for real: callers who vanish, lost connections, servers that die, processes that are replaced. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MixerReport } from '../../src/sip-focus/mixer.ts';
import { type FreeswitchStack, type MixerProcess, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { amplitudeOf, audioOf, RtpPeer } from './rtp-peer.ts';
import { layWire } from './tcp-wire.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;
const patience = { timeout: 20_000, interval: 25 };
const audible = 2000;
const inaudible = 200;

describe.skipIf(lacking !== '')(`FreeSWITCH and faults${lacking}`, () => {
  let stack: FreeswitchStack;
  let running: MixerProcess;
  let cleanUp: (() => unknown)[];
  let count = 0;

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  beforeEach(async () => {
    cleanUp = [];
    running = await stack.startProcess();
    cleanUp.push(() => running.stop());
    count += 1;
  });

  afterEach(async () => {
    for (const step of cleanUp.reverse()) await step();
    await stack.freeswitch.api('hupall');
    await expect.poll(() => stack.freeswitch.api('show channels count'), patience).toBe('0 total.');
  });

  const room = (): string => `fault-${count}`;

  async function newPeer(tone = 440): Promise<RtpPeer> {
    const peer = await RtpPeer.open({ law: 'PCMU', tone });
    cleanUp.push(() => peer.close());
    return peer;
  }

  async function join(leg: string, { tone = 440, muted = false, direction = 'sendrecv' } = {}): Promise<RtpPeer> {
    const peer = await newPeer(tone);
    const order = { conference: room(), leg, offer: peer.sdp(direction), muted };
    peer.sendTo((await running.mixer.join(order)).sdp);
    return peer;
  }

  const channels = (): Promise<string> => stack.freeswitch.api('show channels count');
  const leftOf = (leg: string, reports: readonly MixerReport[] = running.reports): readonly string[] =>
    reports.flatMap((report) => (report.kind === 'left' && report.leg === leg ? [report.cause] : []));
  const untilLeft = (leg: string): Promise<void> => expect.poll(() => leftOf(leg).length, patience).toBeGreaterThan(0);
  const loudness = (listener: RtpPeer, tone: number) => async (): Promise<number> =>
    amplitudeOf(await listener.listen(), tone);

  async function becomesAudible(listener: RtpPeer, tone: number): Promise<void> {
    await expect.poll(loudness(listener, tone), patience).toBeGreaterThan(audible);
  }

  async function becomesInaudible(listener: RtpPeer, tone: number): Promise<void> {
    await expect.poll(loudness(listener, tone), patience).toBeLessThan(inaudible);
  }

  describe('a caller', () => {
    it('who vanishes is let go, muted or not', async () => {
      const [plain, muted] = [await join('plain'), await join('muted', { muted: true })];
      await expect.poll(() => plain.heardPackets > 10 && muted.heardPackets > 10, patience).toBe(true);
      plain.silent(true);
      muted.silent(true);
      await untilLeft('plain');
      await untilLeft('muted');
      expect([leftOf('plain'), leftOf('muted')]).toEqual([['media-timeout'], ['media-timeout']]);
    });

    it('who only listens, from the start or from now on, may be silent, but not after offering to speak', async () => {
      const listener = await join('listener', { direction: 'recvonly' });
      const [turning, speaker] = [await join('turning'), await join('speaker', { tone: 700 })];
      listener.silent(true);
      await becomesAudible(listener, 440);
      await running.mixer.renegotiate('turning', turning.sdp('recvonly'));
      turning.silent(true);
      await becomesAudible(turning, 700);
      speaker.silent(true);
      await untilLeft('speaker'); // as long as anybody may be silent who may speak
      expect([leftOf('listener'), leftOf('turning')]).toEqual([[], []]);
      await running.mixer.renegotiate('listener', listener.sdp('sendrecv'));
      await running.mixer.renegotiate('turning', turning.sdp('sendrecv'));
      await untilLeft('listener');
      await untilLeft('turning');
      expect([leftOf('listener'), leftOf('turning')]).toEqual([['media-timeout'], ['media-timeout']]);
    });

    it('who does not answer our offer can be muted, and removed without a trace', async () => {
      const sessions = async () => Number(/(\d+) session\(s\) - peak/.exec(await stack.freeswitch.api('status'))?.[1]);
      const joined = await running.mixer.join({ conference: room(), leg: 'mute', offer: null, muted: false });
      expect(audioOf(joined.sdp).port).toBeGreaterThan(0);
      // `show channels` has a call only after our ACK.
      await expect.poll(sessions, patience).toBe(1);
      await running.mixer.mute('mute', true);
      await running.mixer.remove('mute');
      expect(leftOf('mute')).toEqual(['ordered']);
      await expect.poll(sessions, patience).toBe(0);
    });

    it('who is muted can still press keys', async () => {
      const peer = await join('muted', { muted: true });
      await expect.poll(() => peer.heardPackets > 10, patience).toBe(true);
      peer.press('7', 200);
      await expect
        .poll(() => running.reports.filter(({ kind }) => kind === 'dtmf'), patience)
        .toMatchObject([{ leg: 'muted', digit: '7' }]);
    });

    it('whom FreeSWITCH puts out is reported as hung up', async () => {
      await join('kicked');
      await stack.freeswitch.api(`conference cusax.${room()} hup all`);
      await untilLeft('kicked');
      expect(leftOf('kicked')).toEqual(['hung-up']);
    });

    it('who is not let into the conference is refused, and leaves nothing', async () => {
      await join('first');
      await stack.freeswitch.api(`conference cusax.${room()} lock`);
      await expect(join('second')).rejects.toMatchObject({ code: 'MIXER_REFUSED' });
      await expect.poll(channels, patience).toBe('1 total.');
      expect(leftOf('second')).toEqual([]);
      expect((await running.mixer.list()).map(({ leg }) => leg)).toEqual(['first']);
    });

    it('who is muted before the answer to our offer enters muted', async () => {
      const [hearer, peer] = [await join('hearer'), await newPeer(700)];
      const joined = await running.mixer.join({ conference: room(), leg: 'late', offer: null, muted: false });
      await running.mixer.mute('late', true);
      await joined.answer(peer.sdp());
      await expect.poll(() => running.reports, patience).toContainEqual({ kind: 'muted', leg: 'late', muted: true });
      peer.sendTo(joined.sdp);
      await becomesAudible(peer, 440);
      await becomesInaudible(hearer, 700);
    });

    it('who is removed while joining leaves nothing', async () => {
      const peer = await newPeer();
      const joining = running.mixer.join({ conference: room(), leg: 'brief', offer: peer.sdp(), muted: false });
      await running.mixer.remove('brief');
      await expect(joining).rejects.toMatchObject({ code: 'MIXER_REFUSED' });
      await expect.poll(channels, patience).toBe('0 total.');
    });
  });

  describe('a lost event socket', () => {
    it('is made good: what happened meanwhile is reported', async () => {
      const wire = await layWire(stack.freeswitch.eventPort);
      cleanUp.push(() => wire.close());
      await running.stop();
      running = await stack.startProcess({ eventPort: wire.port });
      const stays = await join('stays', { tone: 440 });
      const muted = await join('muted', { tone: 700 });
      await join('goes', { tone: 1010 });
      const number = (await stack.freeswitch.api(`conference cusax.${room()} list`))
        .split('\n')
        .find((line) => line.includes(';muted;'))
        ?.split(';')[0];
      wire.cut();
      await expect.poll(() => running.mixer.ready(), patience).toBe(false);
      await expect(running.mixer.mute('stays', true)).rejects.toMatchObject({ code: 'MIXER_UNAVAILABLE' });
      await expect(join('new')).rejects.toMatchObject({ code: 'MIXER_UNAVAILABLE' });
      await becomesAudible(stays, 700); // the mix does not need us
      await stack.freeswitch.api(`conference cusax.${room()} mute ${number}`);
      await running.mixer.remove('goes'); // by BYE alone
      expect(leftOf('goes')).toEqual(['ordered']);
      running.reports.length = 0;
      wire.mend();
      await expect.poll(() => running.reports, patience).toContainEqual({ kind: 'up' });
      expect(running.reports).toContainEqual({ kind: 'muted', leg: 'muted', muted: true });
      expect(running.reports.filter(({ kind }) => kind === 'left')).toEqual([]);
      await running.mixer.mute('muted', false);
      await becomesAudible(stays, 700);
      await becomesAudible(muted, 440);
      expect((await running.mixer.list()).map(({ leg }) => leg).sort()).toEqual(['muted', 'stays']);
    });

    it('hides no end: a leg that ended meanwhile is reported once', async () => {
      const wire = await layWire(stack.freeswitch.eventPort);
      cleanUp.push(() => wire.close());
      await running.stop();
      running = await stack.startProcess({ eventPort: wire.port });
      await join('ends');
      wire.cut();
      await expect.poll(() => running.mixer.ready(), patience).toBe(false);
      await stack.freeswitch.api('hupall');
      await untilLeft('ends'); // by BYE alone
      wire.mend();
      await expect.poll(() => running.mixer.ready(), patience).toBe(true);
      expect(leftOf('ends')).toHaveLength(1);
    });
  });

  describe('a process that dies', () => {
    it('leaves its calls to the next one, which mutes and removes them', async () => {
      const [a, b] = [await join('a', { tone: 440 }), await join('b', { tone: 700 })];
      await becomesAudible(a, 700);
      const refs = new Map((await running.mixer.list()).map(({ leg, ref }) => [leg, ref]));
      await running.stop();
      running = await stack.startProcess();
      await becomesAudible(a, 700); // nobody noticed
      for (const leg of ['a', 'b']) {
        expect(await running.mixer.adopt({ leg, conference: room(), ref: refs.get(leg) ?? {} })).toBe(true);
      }
      expect(await running.mixer.adopt({ leg: 'c', conference: room(), ref: {} })).toBe(false);
      await running.mixer.mute('b', true);
      await becomesInaudible(a, 700);
      await becomesAudible(b, 440);
      await running.mixer.remove('b');
      expect(leftOf('b')).toEqual(['ordered']);
      await expect.poll(channels, patience).toBe('1 total.');
    });

    it('leaves dialogs that the next one ends by BYE', async () => {
      const peer = await newPeer();
      const order = { conference: room(), leg: 'a', offer: peer.sdp(), muted: false };
      const { ref, sdp } = await running.mixer.join(order);
      peer.sendTo(sdp);
      await running.stop();
      running = await stack.startProcess();
      expect(await running.mixer.adopt({ leg: 'a', conference: room(), ref })).toBe(true);
      await running.mixer.remove('a');
      await expect.poll(channels, patience).toBe('0 total.');
    });
  });

  describe('a server that dies', () => {
    it('drachtio: calls go on in FreeSWITCH and can be muted and removed', async () => {
      const [a] = [await join('a', { tone: 440 }), await join('b', { tone: 700 })];
      await stack.drachtio.kill();
      await becomesAudible(a, 700);
      await running.mixer.mute('b', true);
      await becomesInaudible(a, 700);
      await running.mixer.remove('b');
      expect(leftOf('b')).toEqual(['ordered']);
      await stack.drachtio.restart();
      await expect.poll(() => running.signaling.connected, patience).toBe(true);
      await running.mixer.remove('a');
      await expect.poll(channels, patience).toBe('0 total.');
      await join('c');
    });

    it('FreeSWITCH: every leg has failed, and all works again when it is back', async () => {
      await join('a', { tone: 440 });
      await join('b', { tone: 700 });
      running.reports.length = 0;
      await stack.freeswitch.kill();
      await expect.poll(() => running.mixer.ready(), patience).toBe(false);
      await expect(join('c')).rejects.toMatchObject({ code: 'MIXER_UNAVAILABLE' });
      await untilLeft('b');
      await stack.freeswitch.restart();
      await expect.poll(() => running.mixer.ready(), patience).toBe(true);
      expect(running.reports.filter(({ kind }) => kind !== 'talking')).toEqual([
        { kind: 'down' },
        { kind: 'left', leg: 'a', cause: 'failed' },
        { kind: 'left', leg: 'b', cause: 'failed' },
        { kind: 'up' },
      ]);
      expect(await running.mixer.list()).toEqual([]);
      const again = await join('a', { tone: 440 });
      await join('b', { tone: 700 });
      await becomesAudible(again, 700);
      await running.mixer.mute('b', true); // answers are those to our commands
      await becomesInaudible(again, 700);
    }, 120_000);

    it('FreeSWITCH that hangs: orders fail in time, and nothing is left of a call that was given up', async () => {
      await join('a');
      process.kill(stack.freeswitch.pid, 'SIGSTOP');
      try {
        const outcomes = await Promise.allSettled([join('b'), running.mixer.mute('a', true), running.mixer.list()]);
        for (const outcome of outcomes) {
          expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'MIXER_UNAVAILABLE' } });
        }
      } finally {
        process.kill(stack.freeswitch.pid, 'SIGCONT');
      }
      await expect.poll(() => running.mixer.ready(), patience).toBe(true);
      await expect.poll(async () => (await running.mixer.list()).some(({ leg }) => leg === 'b'), patience).toBe(false);
      expect(leftOf('b')).toEqual([]);
    }, 60_000);
  });
});
