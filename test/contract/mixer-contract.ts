/** What every Mixer must do, shown over real RTP: run on the embedded mixer and on FreeSWITCH. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BridgeError } from '../../src/errors.ts';
import type { JoinedLeg, JoinOrder, Mixer, MixerReport } from '../../src/sip-focus/mixer.ts';
import { amplitudeOf, audioOf, type PeerLaw, RtpPeer } from './rtp-peer.ts';

export interface MixerContractOptions {
  /** The mixer reports telephone events; default true. */
  dtmf?: boolean;
  /** The mixer can make the offer itself; default true. */
  lateOffer?: boolean;
  /** The mixer reports who talks; default true. */
  talking?: boolean;
}

/** Amplitudes of a tone that is there and of one that is not (peers send 6000). */
const audible = 2000;
const inaudible = 200;
const tones = [440, 700, 1010, 1370];

/** Tries until it passes, for as long as a busy machine may need. */
async function eventually(check: () => void | Promise<void>): Promise<void> {
  const limit = performance.now() + 20_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

function refusal(code: string) {
  return expect.objectContaining({ constructor: BridgeError, code });
}

const unsupportedOffers: Record<string, string> = {
  'video only': 'm=video 4000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n',
  'encrypted media': 'm=audio 4000 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\n',
  'an unknown codec': 'm=audio 4000 RTP/AVP 97\r\na=rtpmap:97 NOSUCHCODEC/8000\r\n',
  'a stream with port 0': 'm=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n',
};
const sessionPart = 'v=0\r\no=phone 1 1 IN IP4 127.0.0.1\r\ns=call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n';

export function mixerContract(
  name: string,
  makeMixer: () => Promise<{ mixer: Mixer; stop(): Promise<void> }>,
  options: MixerContractOptions = {},
): void {
  describe(`Mixer: ${name}`, () => {
    let mixer: Mixer;
    let stop: () => Promise<void>;
    let reports: MixerReport[];
    let peers: RtpPeer[];
    let legs: string[];
    let rooms = 0;
    const conference = (): string => `room-${process.pid}-${rooms}`;

    beforeEach(async () => {
      ({ mixer, stop } = await makeMixer());
      rooms += 1;
      reports = [];
      peers = [];
      legs = [];
      mixer.onReport((report) => reports.push(report));
    });

    afterEach(async () => {
      for (const leg of legs) await mixer.remove(leg).catch(() => undefined);
      for (const peer of peers) peer.close();
      await stop();
    });

    let lastLeg = 0;
    function order(offer: string | null, muted = false): JoinOrder {
      lastLeg += 1;
      const leg = `leg-${process.pid}-${lastLeg}`;
      legs.push(leg);
      return { conference: conference(), leg, offer, muted };
    }

    async function newPeer(law: PeerLaw = 'PCMU', packetMs = 20): Promise<RtpPeer> {
      const peer = await RtpPeer.open({ law, tone: tones[peers.length % tones.length]!, packetMs });
      peers.push(peer);
      return peer;
    }

    async function join(settings: { law?: PeerLaw; packetMs?: number; muted?: boolean } = {}) {
      const peer = await newPeer(settings.law, settings.packetMs);
      const wanted = order(peer.sdp(), settings.muted);
      const joined: JoinedLeg = await mixer.join(wanted);
      peer.sendTo(joined.sdp);
      return { peer, leg: wanted.leg, joined };
    }

    /** Waits until the listener hears exactly these of all peers' tones. */
    function hears(listener: RtpPeer, others: RtpPeer[]): Promise<void> {
      return eventually(async () => {
        const samples = await listener.listen();
        for (const peer of peers) {
          const amplitude = amplitudeOf(samples, peer.options.tone);
          if (others.includes(peer)) expect(amplitude, `tone ${peer.options.tone}`).toBeGreaterThan(audible);
          else expect(amplitude, `tone ${peer.options.tone}`).toBeLessThan(inaudible);
        }
      });
    }

    function reported(report: MixerReport): number {
      return reports.filter((seen) => JSON.stringify(seen) === JSON.stringify(report)).length;
    }

    it('is ready once started', () => {
      expect(mixer.ready()).toBe(true);
    });

    it('lets each hear all but themselves, in both laws', async () => {
      const a = await join({ law: 'PCMU' });
      const b = await join({ law: 'PCMA' });
      const c = await join({ law: 'PCMU' });
      expect(audioOf(a.joined.sdp).payloadType).toBe(0);
      expect(audioOf(b.joined.sdp).payloadType).toBe(8);
      await hears(a.peer, [b.peer, c.peer]);
      await hears(b.peer, [a.peer, c.peer]);
      await hears(c.peer, [a.peer, b.peer]);
      expect([...b.peer.heardTypes]).toEqual([8]);
    });

    it('keeps conferences apart', async () => {
      const a = await join();
      const b = await newPeer();
      const other = order(b.sdp());
      b.sendTo((await mixer.join({ ...other, conference: `${conference()}-other` })).sdp);
      await eventually(() => expect(b.heardPackets).toBeGreaterThan(20));
      await hears(a.peer, []);
    });

    it.each([10, 30, 40, 60])('takes packets of %i ms', async (packetMs) => {
      const a = await join();
      const b = await join({ packetMs });
      await hears(a.peer, [b.peer]);
      // Lost or repeated pieces would spread the tone: what remains besides it must be small.
      await eventually(async () => {
        const samples = await a.peer.listen(800);
        const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
        const tone = amplitudeOf(samples, b.peer.options.tone) ** 2 / 2;
        expect(tone / power).toBeGreaterThan(0.95);
      });
    });

    it('mutes and unmutes a leg that goes on hearing', async () => {
      const a = await join();
      const b = await join();
      await hears(a.peer, [b.peer]);
      await mixer.mute(b.leg, true);
      await hears(a.peer, []);
      await hears(b.peer, [a.peer]);
      await eventually(() => expect(reported({ kind: 'muted', leg: b.leg, muted: true })).toBe(1));
      await mixer.mute(b.leg, false);
      await hears(a.peer, [b.peer]);
      await eventually(() => expect(reported({ kind: 'muted', leg: b.leg, muted: false })).toBe(1));
    });

    it('never mixes a leg that enters muted, until it is unmuted', async () => {
      const a = await join();
      await eventually(() => expect(a.peer.heardPackets).toBeGreaterThan(10));
      const recording = a.peer.listen(1500);
      const b = await join({ muted: true });
      await hears(b.peer, [a.peer]);
      const samples = await recording;
      for (let from = 0; from + 800 <= samples.length; from += 800) {
        expect(amplitudeOf(samples.subarray(from, from + 800), b.peer.options.tone)).toBeLessThan(inaudible);
      }
      expect((await mixer.list()).find(({ leg }) => leg === b.leg)?.muted).toBe(true);
      await mixer.mute(b.leg, false);
      await hears(a.peer, [b.peer]);
    });

    it('holds and resumes by a new offer', async () => {
      const a = await join();
      const b = await join();
      await hears(a.peer, [b.peer]);
      const held = await mixer.renegotiate(b.leg, b.peer.sdp('sendonly'));
      expect(audioOf(held).direction).toBe('recvonly');
      await eventually(async () => {
        const before = b.peer.heardPackets;
        await a.peer.listen(300);
        expect(b.peer.heardPackets).toBe(before);
      });
      const resumed = await mixer.renegotiate(b.leg, b.peer.sdp('sendrecv'));
      expect(audioOf(resumed).direction).toBe('sendrecv');
      await hears(b.peer, [a.peer]);
      await hears(a.peer, [b.peer]);
    });

    it('does not hear a leg that only listens', async () => {
      const a = await join();
      const b = await join();
      await hears(a.peer, [b.peer]);
      const answer = await mixer.renegotiate(b.leg, b.peer.sdp('recvonly'));
      expect(audioOf(answer).direction).toBe('sendonly');
      b.peer.silent(true);
      await hears(b.peer, [a.peer]);
      await hears(a.peer, []);
    });

    it('keeps the o= line of a session and raises its version', async () => {
      const a = await join();
      const origin = (sdp: string): string[] => /^o=(.*)$/m.exec(sdp)?.[1]?.trim().split(' ') ?? [];
      const first = origin(a.joined.sdp);
      const second = origin(await mixer.renegotiate(a.leg, a.peer.sdp('sendonly')));
      expect(second[1]).toBe(first[1]);
      expect(Number(second[2])).toBe(Number(first[2]) + 1);
    });

    it('answers every m= line, refusing the others with port 0', async () => {
      const peer = await newPeer();
      const offer = `${peer.sdp()}m=video 5000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n`;
      const joined = await mixer.join(order(offer));
      expect(joined.sdp.match(/^m=.*/gm)?.map((line) => line.split(' ')[1] !== '0')).toEqual([true, false]);
    });

    it('takes a leg out and reports it once', async () => {
      const a = await join();
      const b = await join();
      await hears(a.peer, [b.peer]);
      await mixer.remove(b.leg);
      await mixer.remove(b.leg);
      await hears(a.peer, []);
      await eventually(() => expect(reported({ kind: 'left', leg: b.leg, cause: 'ordered' })).toBe(1));
      await mixer.remove(a.leg);
      await eventually(() => expect(reported({ kind: 'left', leg: a.leg, cause: 'ordered' })).toBe(1));
      expect(reports.filter(({ kind }) => kind === 'left')).toHaveLength(2);
    });

    it('lists who is in', async () => {
      expect(await mixer.list()).toEqual([]);
      const a = await join();
      const b = await join({ muted: true });
      await eventually(async () => {
        const listed = (await mixer.list()).map(({ conference, leg, muted }) => ({ conference, leg, muted }));
        expect(listed).toHaveLength(2);
        expect(listed).toContainEqual({ conference: conference(), leg: a.leg, muted: false });
        expect(listed).toContainEqual({ conference: conference(), leg: b.leg, muted: true });
      });
      await mixer.remove(a.leg);
      await eventually(async () => expect((await mixer.list()).map(({ leg }) => leg)).toEqual([b.leg]));
    });

    it('takes orders that are already carried out', async () => {
      const a = await join();
      await mixer.mute(a.leg, true);
      await mixer.mute(a.leg, true);
      await mixer.mute(a.leg, false);
      await mixer.mute(a.leg, false);
      await mixer.remove('leg-that-never-was');
      await eventually(() => expect(reported({ kind: 'muted', leg: a.leg, muted: false })).toBe(1));
      expect(reported({ kind: 'muted', leg: a.leg, muted: true })).toBe(1);
    });

    it.each(Object.entries(unsupportedOffers))('refuses an offer of %s', async (_what, media) => {
      const wanted = order(sessionPart + media);
      await expect(mixer.join(wanted)).rejects.toEqual(refusal('MEDIA_UNSUPPORTED'));
      expect(await mixer.list()).toEqual([]);
      expect(reports.filter(({ kind }) => kind === 'left')).toEqual([]);
    });

    it('keeps the call as it was when a new offer is refused', async () => {
      const a = await join();
      const b = await join();
      const bad = sessionPart + unsupportedOffers['encrypted media'];
      await expect(mixer.renegotiate(b.leg, bad)).rejects.toEqual(refusal('MEDIA_UNSUPPORTED'));
      await hears(a.peer, [b.peer]);
      await hears(b.peer, [a.peer]);
    });

    it.runIf(options.lateOffer ?? true)('makes the offer when the caller made none', async () => {
      const a = await join();
      const peer = await newPeer('PCMA');
      const joined = await mixer.join(order(null));
      expect(joined.sdp).toMatch(/^m=audio [1-9]\d* RTP\/AVP (?=.*\b0\b)(?=.*\b8\b)/m);
      await joined.answer(peer.sdp());
      peer.sendTo(joined.sdp);
      await hears(a.peer, [peer]);
      await hears(peer, [a.peer]);
      expect([...peer.heardTypes]).toEqual([8]);
    });

    it.runIf(options.dtmf ?? true)('reports a key once', async () => {
      const a = await join();
      await eventually(() => expect(a.peer.heardPackets).toBeGreaterThan(10));
      a.peer.press('5', 200);
      await eventually(() => expect(reports.filter(({ kind }) => kind === 'dtmf')).toHaveLength(1));
      a.peer.press('#', 100);
      await eventually(() => expect(reports.filter(({ kind }) => kind === 'dtmf')).toHaveLength(2));
      const keys = reports.flatMap((report) => (report.kind === 'dtmf' ? [report] : []));
      expect(keys.map(({ leg, digit }) => ({ leg, digit }))).toEqual([
        { leg: a.leg, digit: '5' },
        { leg: a.leg, digit: '#' },
      ]);
    });

    it.runIf(options.talking ?? true)('reports who begins and ends to talk', async () => {
      const a = await join();
      await eventually(() => expect(reported({ kind: 'talking', leg: a.leg, talking: true })).toBe(1));
      a.peer.silent(true);
      await eventually(() => expect(reported({ kind: 'talking', leg: a.leg, talking: false })).toBe(1));
    });
  });
}
