/** Where the focus's contract plays: one conference, its room's facts, a focus on some SIP server and mixer, and a bare SIP peer. */
import { createHash } from 'node:crypto';
import { afterEach, expect } from 'vitest';
import type { Asks } from '../../src/bus/asks.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import type { OccupantFact, RoomFact } from '../../src/conference-info/occupant.ts';
import { canonicalAor } from '../../src/identity/aor.ts';
import type { Credentials } from '../../src/identity/credentials.ts';
import { createLog } from '../../src/log.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { FlowLimits } from '../../src/sip-focus/flow-gate.ts';
import type { SipFocusSettings } from '../../src/sip-focus/focus-settings.ts';
import type { Mixer } from '../../src/sip-focus/mixer.ts';
import { createSipFocus, type SipFocus } from '../../src/sip-focus/sip-focus.ts';
import { SignalingDialer, type UacDialer } from '../../src/sip-focus/uac-dialer.ts';
import { authorize, offer, type PeerDialog, SipPeer, statusOf } from './sip-focus-peer.ts';
import { layWire, type Wire } from './tcp-wire.ts';

/** A SIP server and a mixer on this machine. */
export interface Place {
  /** UDP port for phones. */
  readonly sipPort: number;
  /** TCP port for phones, where there is one. */
  readonly sipTcpPort?: number;
  readonly admin: { readonly port: number; readonly secret: string };
  readonly limits: FlowLimits;
  /** The SIP server forgets the dialog of a subscription only with its last NOTIFY. */
  readonly keepsDialogs?: boolean;
  /** A mixer that is not started yet. */
  newMixer(dialer: () => UacDialer): Mixer;
  /** Throws when the servers still hold something of a call. */
  expectNothingLeft(): void | Promise<void>;
  stop(): Promise<void>;
}

export type StartPlace = () => Promise<Place>;

export const log = createLog({ level: (process.env.TEST_LOG as 'debug' | undefined) ?? 'silent' });

export const link = {
  id: 'tea',
  room: 'tea@rooms.example',
  conference: 'sip:tea@conf.example',
  name: 'Tea',
  maximumUsers: 3,
};
export const uri = link.conference;

export const room: RoomFact = {
  joined: true,
  name: 'Tea',
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: false,
  advertised: 'room',
};

export const alice: OccupantFact = {
  nick: 'alice',
  jid: 'alice@example.com',
  role: 'participant',
  affiliation: 'none',
  cause: 'default',
};

const canonical = canonicalAor('sip:alice@example.com');
if (canonical === null) throw new Error('not an AOR');
export const aliceAor = canonical;

export const secret = { user: 'alice', password: 'wonderland' };
const ha1 = (algorithm: string) =>
  createHash(algorithm).update(`${secret.user}:example.com:${secret.password}`).digest('hex');
const credentials: Credentials = {
  find: async (username, realm) =>
    username === 'alice' && realm === 'example.com'
      ? { username, aor: aliceAor, ha1: { md5: ha1('md5'), sha256: ha1('sha256') } }
      : null,
};

export async function eventually(holds: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const limit = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`it never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** What outlives a process of the service. */
export interface World {
  readonly place: Place;
  readonly bus: Bus;
  readonly asks: Asks;
}

/** One process of the service. */
export interface FocusProcess {
  readonly focus: SipFocus;
  readonly mixer: Mixer;
  /** Between the focus and its SIP server. */
  readonly wire: Wire;
}

/** A world with an open link and an ordinary room. */
export async function newWorld(start: StartPlace): Promise<World> {
  const place = await start();
  cleanUp.push(() => place.stop());
  const bus = createMemoryBus(log);
  await bus.start();
  await bus.publish(link.id, 'link', '-', {
    room: link.room,
    conference: link.conference,
    state: 'open',
    reason: null,
  });
  await bus.publish(link.id, 'room', '-', room);
  return { place, bus, asks: createMemoryAsks(log) };
}

/** A peer that calls the place's SIP server. */
export async function newPeer(place: Place): Promise<SipPeer> {
  const peer = await new SipPeer({ host: '127.0.0.1', port: place.sipPort }).start();
  cleanUp.push(() => peer.stop());
  return peer;
}

/** Which process, and how its focus works; every process of one name needs its own generation. */
export interface ProcessOptions {
  readonly instance?: string;
  readonly generation?: string;
  readonly settings?: Partial<SipFocusSettings>;
  /** Most callers of the conference. */
  readonly maximumUsers?: number;
}

/** Starts a process of the service. */
export async function startProcess(
  { place, bus, asks }: World,
  { instance = 'focus-1', generation = 'g1', settings = {}, maximumUsers = link.maximumUsers }: ProcessOptions = {},
): Promise<FocusProcess> {
  const wire = await layWire(place.admin.port);
  cleanUp.push(() => wire.close());
  let dialer: UacDialer | null = null;
  const mixer = place.newMixer(() => {
    dialer ??= new SignalingDialer(focus.signaling, log);
    return dialer;
  });
  const focus: SipFocus = createSipFocus({
    settings: {
      host: '127.0.0.1',
      port: wire.port,
      secret: place.admin.secret,
      limits: place.limits,
      keepsDialogs: place.keepsDialogs ?? false,
      realm: 'example.com',
      accountDomains: ['example.com'],
      trustedPeers: [],
      authentication: 'offer',
      notifier: { minimumGapMs: 0 },
      ...settings,
    },
    ...{ links: [{ ...link, maximumUsers }], policy: defaultPolicy, bus, asks, mixer, credentials, log },
    ...{ instance, generation },
  });
  await mixer.start();
  cleanUp.push(() => mixer.stop());
  await focus.start();
  cleanUp.push(() => focus.stop());
  await eventually(() => focus.ready() && focus.debug().notifyConnected, 'the focus is ready');
  return { focus, mixer, wire };
}

/** Calls of a peer to the conference. */
export function callsOf(peer: SipPeer) {
  const call = async (dialog: PeerDialog, headers: Record<string, string> = {}, sdp = offer()) => {
    const answer = await peer.request('INVITE', dialog, { 'Content-Type': 'application/sdp', ...headers }, sdp);
    if (statusOf(answer) === 200) peer.ack(dialog);
    return answer;
  };
  /** A call of alice, proved by digest. */
  const callAlice = async (algorithm: 'SHA-256' | 'MD5' = 'SHA-256', sdp = offer()) => {
    const dialog = peer.dialog('alice', uri, 'example.com', 'Alice');
    const challenge = await call(dialog);
    expect(statusOf(challenge)).toBe(401);
    const answer = await call(dialog, { Authorization: authorize(challenge, algorithm, secret, 'INVITE', uri) }, sdp);
    return { dialog, answer };
  };
  return { call, callAlice };
}

/** A world with one process and one peer. */
export async function stage(start: StartPlace, settings: Partial<SipFocusSettings> = {}) {
  const world = await newWorld(start);
  const peer = await newPeer(world.place);
  const process = await startProcess(world, { settings });
  const legs = () => [...world.bus.facts.meeting(link.id).legs.values()];
  return { ...world, ...process, peer, legs, uri, ...callsOf(peer) };
}

export type Stage = Awaited<ReturnType<typeof stage>>;
