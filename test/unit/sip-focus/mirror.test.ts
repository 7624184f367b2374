import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import { BridgeError } from '../../../src/errors.ts';
import { createLog } from '../../../src/log.ts';
import { defaultPolicy } from '../../../src/policy/settings.ts';
import { Departures } from '../../../src/sip-focus/departures.ts';
import { newLeg } from '../../../src/sip-focus/leg.ts';
import { Legs } from '../../../src/sip-focus/legs.ts';
import { Mirror } from '../../../src/sip-focus/mirror.ts';
import type { Mixer, MixerMember, MixerReport } from '../../../src/sip-focus/mixer.ts';
import type { Signaling } from '../../../src/sip-focus/signaling.ts';

const log = createLog({ level: 'silent' });
const link = { id: 'tea', room: 'tea@r.example', conference: 'sip:tea@c.example', name: 'Tea', maximumUsers: 9 };
const fact: LegFact = {
  leg: 'leg-1',
  instance: 'f',
  generation: 'g',
  aor: null,
  proof: null,
  pseudonym: 'sip:x@anonymous.invalid',
  label: null,
  method: 'dialed-in',
  status: 'connected',
  joinedAt: '2026-01-01T00:00:00Z',
  mutes: [],
  muted: false,
  floor: false,
  expulsion: null,
  dialogId: 'c;from-tag=t',
  callId: 'c',
  contact: null,
  mixer: 'fake',
  mixerRef: {},
};

/** A mixer that does as told, or fails, and reports when it is let. */
class FakeMixer implements Mixer {
  readonly name = 'fake';
  readonly outlivesProcess = false;
  readonly orders: string[] = [];
  readonly members = new Map<string, MixerMember>();
  failing = 0;
  silent = false;
  report: (report: MixerReport) => void = () => undefined;
  start = async () => undefined;
  stop = async () => undefined;
  onReport(listener: (report: MixerReport) => void): void {
    this.report = listener;
  }
  ready = () => true;
  join = () => Promise.reject(new Error('not used'));
  renegotiate = () => Promise.reject(new Error('not used'));
  async mute(leg: string, muted: boolean): Promise<void> {
    this.orders.push(`${muted ? 'mute' : 'unmute'} ${leg}`);
    if (this.failing-- > 0) throw new BridgeError('MIXER_UNAVAILABLE', 'down');
    const member = this.members.get(leg);
    if (member) this.members.set(leg, { ...member, muted });
    if (!this.silent) this.report({ kind: 'muted', leg, muted });
  }
  async remove(leg: string): Promise<void> {
    this.orders.push(`remove ${leg}`);
    this.members.delete(leg);
  }
  list = async () => [...this.members.values()];
  adopt = async () => false;
}

async function stage() {
  const bus = createMemoryBus(log);
  await bus.start();
  const mixer = new FakeMixer();
  const sent: unknown[] = [];
  const signaling = {
    request: async (request: unknown) => {
      sent.push(request);
      return { status: 200, reason: 'OK' };
    },
  };
  const departures = new Departures(bus, { instance: 'f', generation: 'g' }, 0, log);
  const legs = new Legs(bus, mixer, signaling as unknown as Signaling, departures, log);
  const mirror = new Mirror(legs, bus, mixer, defaultPolicy, log);
  mixer.onReport((report) => mirror.report(report));
  bus.listen((event) => mirror.fact(event));
  const leg = newLeg(link, fact, 1, { sdp: '' });
  legs.reserve(leg);
  await legs.publish(leg);
  mixer.members.set(leg.id, { conference: 'tea', leg: leg.id, muted: false, talking: false, ref: {} });
  const room = (moderated: boolean) =>
    bus.publish('tea', 'room', '-', {
      ...{ joined: true, name: null, subject: null, moderated, membersOnly: false },
      ...{ passwordProtected: false, nonAnonymous: false, advertised: 'none' },
    });
  return { bus, mixer, legs, mirror, leg, room, sent };
}

afterEach(() => vi.useRealTimers());

describe('the mirror', () => {
  it('gives one order per difference and none when there is none', async () => {
    const { room, mixer, leg } = await stage();
    await room(false);
    expect(mixer.orders).toEqual([]);
    await room(true);
    await vi.waitFor(() => expect(leg.fact).toMatchObject({ muted: true, mutes: ['room'] }));
    await room(true);
    await room(false);
    await vi.waitFor(() => expect(leg.fact).toMatchObject({ muted: false, mutes: [] }));
    expect(mixer.orders).toEqual(['mute leg-1', 'unmute leg-1']);
  });

  it('orders nothing more when only the reasons change', async () => {
    const { room, mixer, leg, mirror } = await stage();
    mirror.setReason(leg, 'operator', true);
    await room(true);
    await vi.waitFor(() => expect(leg.fact.mutes).toEqual(['room', 'operator']));
    mirror.setReason(leg, 'operator', false);
    await vi.waitFor(() => expect(leg.fact.mutes).toEqual(['room']));
    expect(mixer.orders).toEqual(['mute leg-1']);
  });

  it('tries again after a failure, until it is done', async () => {
    vi.useFakeTimers();
    const { room, mixer, leg } = await stage();
    mixer.failing = 3;
    await room(true);
    await vi.advanceTimersByTimeAsync(5000);
    expect(mixer.orders).toHaveLength(4);
    expect(leg.fact.muted).toBe(true);
  });

  it('reads the list when a report does not come', async () => {
    vi.useFakeTimers();
    const { room, mixer, leg } = await stage();
    mixer.silent = true;
    await room(true);
    await vi.advanceTimersByTimeAsync(3000);
    expect(leg.fact).toMatchObject({ muted: true, mutes: ['room'] });
    expect(mixer.orders).toEqual(['mute leg-1']);
  });

  it('ends, after a loss of the mixer, the legs that it no longer has, and repairs the others', async () => {
    const { mixer, legs, leg, bus, sent } = await stage();
    mixer.members.set(leg.id, { conference: 'tea', leg: leg.id, muted: true, talking: false, ref: {} });
    mixer.report({ kind: 'up' });
    await vi.waitFor(() => expect(mixer.orders).toEqual(['unmute leg-1']));
    await vi.waitFor(() => expect(leg.fact.muted).toBe(false));
    mixer.members.clear();
    mixer.report({ kind: 'up' });
    await vi.waitFor(() => expect(bus.facts.meeting('tea').legs.size).toBe(0));
    expect(legs.size).toBe(0);
    expect(sent).toEqual([
      {
        method: 'BYE',
        dialogId: 'c;from-tag=t',
        headers: { Reason: 'SIP;cause=503;text="The media of this call were lost"' },
      },
    ]);
  });

  it('leads to what is wanted last when facts change while an order is under way', async () => {
    const { room, mixer, leg } = await stage();
    void room(true);
    void room(false);
    void room(true);
    await room(false);
    await vi.waitFor(() => expect(mixer.members.get(leg.id)?.muted).toBe(false));
    await vi.waitFor(() => expect(leg.fact).toMatchObject({ muted: false, mutes: [] }));
    expect(leg.ordered).toBeNull();
  });
});
