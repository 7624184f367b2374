/** Two instances of the focus on one drachtio-server and one FreeSWITCH: whoever takes a call or a watcher, there is one conference. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FreeswitchStack, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { type MortalProcess, startMortal } from './mortal-process.ts';
import { RtpPeer } from './rtp-peer.ts';
import { type PeerDialog, type SipPeer, statusOf } from './sip-focus-peer.ts';
import { callsOf, eventually, link, newPeer, newWorld, room, uri, type World } from './sip-focus-stage.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;
const patience = { timeout: 20_000, interval: 25 };

describe.skipIf(lacking !== '')(`two foci of one conference${lacking}`, () => {
  let stack: FreeswitchStack;
  let world: World;
  let peer: SipPeer;
  let foci: Map<string, MortalProcess>;
  const phones: RtpPeer[] = [];

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  beforeEach(async () => {
    world = await newWorld(async () => stack.place());
    peer = await newPeer(world.place);
    foci = new Map();
    for (const instance of ['focus-1', 'focus-2']) {
      foci.set(instance, await startMortal(world, { instance, settings: { watching: 'anyone' } }));
    }
  });

  afterEach(async () => {
    for (const phone of phones.splice(0)) phone.close();
    await stack.freeswitch.api('hupall');
    await expect.poll(channels, patience).toBe('0 total.');
  });

  const channels = (): Promise<string> => stack.freeswitch.api('show channels count');
  const legs = () => [...world.bus.facts.meeting(link.id).legs.values()];
  const instances = () => new Set(legs().map(({ instance }) => instance));

  /** Calls until each instance has one; drachtio-server hands new requests out in turn. */
  async function callBoth(): Promise<Map<string, PeerDialog>> {
    const dialogs = new Map<string, PeerDialog>();
    while (instances().size < 2 && legs().length < link.maximumUsers) {
      const phone = await RtpPeer.open({ law: 'PCMU', tone: 440 });
      phones.push(phone);
      const dialog = peer.dialog(`caller${legs().length}`, uri);
      const answer = await callsOf(peer).call(dialog, {}, phone.sdp());
      expect(statusOf(answer)).toBe(200);
      phone.sendTo(answer.body);
      await eventually(() => legs().some(({ callId }) => callId === dialog.callId), 'the leg is known');
      dialogs.set(dialog.callId, dialog);
    }
    expect([...instances()].sort()).toEqual(['focus-1', 'focus-2']);
    return dialogs;
  }

  it('are led by the same facts, and tell all of everybody', async () => {
    const dialogs = await callBoth();
    const watchers = ['dave', 'erin'].map((user) => peer.dialog(user, uri));
    for (const watcher of watchers) {
      expect(statusOf(await peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(200);
      const told = (await peer.waitRequest('NOTIFY', watcher)).body;
      for (const { label } of legs()) expect(told).toContain(`<display-text>${label}</display-text>`);
    }
    expect([...foci.values()].map(({ focus }) => focus.debug().subscriptions)).toEqual([1, 1]);
    await world.bus.publish(link.id, 'room', '-', { ...room, moderated: true });
    await eventually(() => legs().every(({ muted }) => muted), 'all are muted');
    const leg = legs().find(({ instance }) => instance === 'focus-2');
    const ask = { link: link.id, by: 'operator', reason: null, to: 'focus', act: 'remove' } as const;
    const answer = await world.asks.ask({ owner: 'focus', instance: 'focus-2' }, { ...ask, leg: leg?.leg ?? '' });
    expect(answer).toEqual({ ok: true, notes: [] });
    await peer.waitRequest('BYE', dialogs.get(leg?.callId ?? '') ?? peer.dialog('nobody', uri));
    await eventually(() => !instances().has('focus-2'), 'that leg is gone, the other is not');
  });

  it('keep to their own calls when one of them dies and comes back', async () => {
    await callBoth();
    const [kept] = legs().filter(({ instance }) => instance === 'focus-2');
    await foci.get('focus-1')?.crash();
    await startMortal(world, { instance: 'focus-1', generation: 'g2' });
    await eventually(
      () => legs().every(({ instance, generation }) => (instance === 'focus-1') === (generation === 'g2')),
      'adopted by the one, untouched by the other',
    );
    expect(legs()).toContainEqual(kept);
    expect([...instances()].sort()).toEqual(['focus-1', 'focus-2']);
    await world.bus.publish(link.id, 'room', '-', { ...room, moderated: true });
    await eventually(() => legs().every(({ muted }) => muted), 'all are muted');
  });
});
