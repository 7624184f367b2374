/** A process of the service that dies or is replaced during calls, on drachtio-server and FreeSWITCH: the next one takes the calls over. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FreeswitchStack, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { type MortalProcess, startMortal } from './mortal-process.ts';
import { amplitudeOf, RtpPeer } from './rtp-peer.ts';
import { headerOf, type PeerDialog, type SipPeer, statusOf } from './sip-focus-peer.ts';
import { alice, aliceAor, callsOf, eventually, link, newPeer, newWorld, uri, type World } from './sip-focus-stage.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;
const patience = { timeout: 20_000, interval: 25 };
const audible = 2000;
const inaudible = 200;
const tones = { alice: 440, carol: 700 };
const target = { owner: 'focus', instance: 'focus-1' } as const;

describe.skipIf(lacking !== '')(`a focus that is replaced during calls${lacking}`, () => {
  let stack: FreeswitchStack;
  let world: World;
  let peer: SipPeer;
  let phones: RtpPeer[];
  let current: MortalProcess;
  let generation = 0;

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  beforeEach(async () => {
    phones = [];
    world = await newWorld(async () => stack.place());
    await world.bus.publish('_', 'binding', aliceAor, {
      aor: aliceAor,
      jid: 'alice@example.com',
      proof: 'directory',
    });
    await world.bus.publish(link.id, 'occupant', 'alice', alice);
    peer = await newPeer(world.place);
    await startNext();
  });

  afterEach(async () => {
    for (const phone of phones) phone.close();
    await stack.freeswitch.api('hupall');
    await expect.poll(channels, patience).toBe('0 total.');
  });

  const channels = (): Promise<string> => stack.freeswitch.api('show channels count');
  const legs = () => [...world.bus.facts.meeting(link.id).legs.values()];
  const legOf = (user: string) => legs().find(({ label }) => label?.toLowerCase() === user);

  async function startNext(): Promise<void> {
    generation += 1;
    current = await startMortal(world, { generation: `g${generation}`, settings: { watching: 'anyone' } });
  }

  /** A phone in the call, with sound. */
  async function join(user: 'alice' | 'carol'): Promise<{ dialog: PeerDialog; phone: RtpPeer }> {
    const phone = await RtpPeer.open({ law: 'PCMU', tone: tones[user] });
    phones.push(phone);
    const { call, callAlice } = callsOf(peer);
    const carol = peer.dialog('carol', uri, 'elsewhere.example', 'Carol');
    const { dialog, answer } =
      user === 'alice'
        ? await callAlice('SHA-256', phone.sdp())
        : { dialog: carol, answer: await call(carol, {}, phone.sdp()) };
    expect(statusOf(answer)).toBe(200);
    phone.sendTo(answer.body);
    await eventually(() => legOf(user) !== undefined, 'the leg is known');
    return { dialog, phone };
  }

  const loudness = (phone: RtpPeer, tone: number) => async () => amplitudeOf(await phone.listen(), tone);
  const hears = (phone: RtpPeer, tone: number) => expect.poll(loudness(phone, tone), patience).toBeGreaterThan(audible);
  const hearsNot = (phone: RtpPeer, tone: number) =>
    expect.poll(loudness(phone, tone), patience).toBeLessThan(inaudible);
  const adopted = () =>
    eventually(
      () => legs().length > 0 && legs().every((leg) => leg.generation === `g${generation}`),
      'every leg is of the new process',
    );
  const ask = (user: string, act: 'mute' | 'unmute' | 'remove') =>
    world.asks.ask(target, {
      ...{ link: link.id, by: 'operator', reason: null, to: 'focus', act },
      leg: legOf(user)?.leg ?? '',
    });

  async function watch(): Promise<PeerDialog> {
    const dialog = peer.dialog('dave', uri);
    expect(statusOf(await peer.request('SUBSCRIBE', dialog, { Event: 'conference' }))).toBe(200);
    await peer.waitRequest('NOTIFY', dialog);
    return dialog;
  }

  it('by death: media go on, and the next one mutes, unmutes and removes', async () => {
    const [a, c] = [await join('alice'), await join('carol')];
    await hears(c.phone, tones.alice);
    await current.crash();
    await hears(c.phone, tones.alice);
    await startNext();
    await adopted();
    await world.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
    await hearsNot(c.phone, tones.alice);
    await hears(a.phone, tones.carol);
    await expect.poll(() => legOf('alice'), patience).toMatchObject({ muted: true, mutes: ['room'] });
    await world.bus.publish(link.id, 'occupant', 'alice', { ...alice, cause: 'granted' });
    await hears(c.phone, tones.alice);
    expect(await ask('carol', 'mute')).toEqual({ ok: true, notes: [] });
    await hearsNot(a.phone, tones.carol);
    expect(await ask('carol', 'remove')).toEqual({ ok: true, notes: [] });
    expect(headerOf(await peer.waitRequest('BYE', c.dialog), 'reason')).toContain('cause=603');
    await eventually(() => legOf('carol') === undefined, 'the leg is withdrawn');
    await expect.poll(channels, patience).toBe('1 total.');
  });

  it('by death: what the room did meanwhile holds for the calls', async () => {
    const [a, c] = [await join('alice'), await join('carol')];
    await hears(c.phone, tones.alice);
    await current.crash();
    await world.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
    await startNext();
    await adopted();
    await hearsNot(c.phone, tones.alice);
    await expect.poll(() => legOf('alice'), patience).toMatchObject({ muted: true, mutes: ['room'] });
    await current.crash();
    await world.bus.publish(link.id, 'expulsion', 'alice@example.com', {
      ...{ id: 'x1', jid: 'alice@example.com', cause: 'kick', reason: null, by: 'bob' },
    });
    await startNext();
    expect(headerOf(await peer.waitRequest('BYE', a.dialog), 'reason')).toContain('Removed from the room');
    await eventually(() => legOf('alice') === undefined, 'who was kicked is gone');
    await adopted();
    await expect.poll(channels, patience).toBe('1 total.');
  });

  it('by death: who hangs up, or went away meanwhile, is let go when the media stop', async () => {
    const [, c] = [await join('alice'), await join('carol')];
    await current.crash();
    await startNext();
    await adopted();
    // The SIP server knows nobody to tell, and says so to the phone, which hangs up all the same.
    expect(statusOf(await peer.request('BYE', c.dialog))).toBe(481);
    c.phone.silent(true);
    await eventually(() => legOf('carol') === undefined, 'the leg is withdrawn', 20_000);
    await current.crash();
    await stack.freeswitch.api('hupall');
    await startNext();
    await eventually(() => legs().length === 0, 'a leg without media is withdrawn');
  });

  it('by order: calls stay up, watchers are sent to subscribe anew', async () => {
    const [a, c] = [await join('alice'), await join('carol')];
    const watcher = await watch();
    await current.focus.stop({ handOver: true });
    await current.crash();
    const last = await peer.waitRequest('NOTIFY', watcher);
    expect(headerOf(last, 'subscription-state')).toBe('terminated;reason=deactivated');
    await hears(c.phone, tones.alice);
    await startNext();
    await adopted();
    expect(statusOf(await peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(481);
    const again = await watch();
    expect(await ask('carol', 'mute')).toEqual({ ok: true, notes: [] });
    await hearsNot(a.phone, tones.carol);
    expect((await peer.waitRequest('NOTIFY', again)).body).toContain('recvonly');
  });

  it('by death: watchers are sent to subscribe anew, also who watched within a call', async () => {
    const { dialog } = await join('carol');
    expect(statusOf(await peer.request('SUBSCRIBE', dialog, { Event: 'conference' }))).toBe(200);
    await peer.waitRequest('NOTIFY', dialog);
    const watcher = await watch();
    await current.crash();
    await startNext();
    for (const watching of [dialog, watcher]) {
      const last = await peer.waitRequest('NOTIFY', watching);
      expect(headerOf(last, 'subscription-state')).toBe('terminated;reason=deactivated');
    }
    expect(statusOf(await peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(481);
    await adopted();
    expect(await ask('carol', 'remove')).toEqual({ ok: true, notes: [] });
    await peer.waitRequest('BYE', dialog);
    expect(world.bus.facts.meeting(link.id).watchers.size).toBe(0);
  });

  it('by order without hand-over: calls end', async () => {
    const { dialog } = await join('carol');
    await current.focus.stop();
    expect(headerOf(await peer.waitRequest('BYE', dialog), 'reason')).toContain('cause=503');
    await eventually(() => legs().length === 0, 'the leg is withdrawn');
    await expect.poll(channels, patience).toBe('0 total.');
  });
});
