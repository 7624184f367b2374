/**
 * Helper process of the benchmark of a storm of joins: the SIP half with its mixer and, where it is embedded, with its SIP server, all in
 * one process as they are when deployed.
 */
import { createHash } from 'node:crypto';
import type { Bus } from '../../src/bus/bus.ts';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import type { Credentials } from '../../src/identity/credentials.ts';
import { drachtioLimits, unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import { createFreeswitchMixer } from '../../src/sip-focus/freeswitch-mixer.ts';
import { SignalingDialer, type UacDialer } from '../../src/sip-focus/uac-dialer.ts';
import { joinStorm } from '../contract/join-storm.ts';
import { type BenchFocusOptions, log, startBenchFocus } from './bench-focus.ts';
import { serve } from './child.ts';
import { clock } from './measure.ts';
import { aorOf, link, occupantOf } from './people.ts';

/** Servers of their own: drachtio-server and FreeSWITCH. */
export interface NativeServers {
  readonly adminPort: number;
  readonly secret: string;
  readonly sipPort: number;
  readonly eventPort: number;
  readonly password: string;
  readonly mixerSip: string;
}

export type StormOrder =
  | { readonly kind: 'start'; readonly native: NativeServers | null; readonly password: string }
  /** The room takes or gives back the voice of the talker, who is person 0. */
  | { readonly kind: 'voice'; readonly given: boolean }
  | { readonly kind: 'storm'; readonly joins: number; readonly ms: number };

export type StormReport =
  | { readonly kind: 'ready'; readonly sipPort: number }
  /** When it was told to the bus, `clock`. */
  | { readonly kind: 'told'; readonly at: number }
  | { readonly kind: 'raged'; readonly ms: number };

/** RFC 4575 3.9. */
const minimumGapMs = 5000;
const host = '127.0.0.1';

let bus: Bus;

/** Only person 0 has an account. */
function credentialsOf(password: string): Credentials {
  const ha1 = (algorithm: string): string =>
    createHash(algorithm).update(`guest0:example.com:${password}`).digest('hex');
  const found = { username: 'guest0', aor: aorOf(0), ha1: { md5: ha1('md5'), sha256: ha1('sha256') } };
  return { find: async (username) => (username === found.username ? found : null) };
}

async function embeddedServers(): Promise<[number, Pick<BenchFocusOptions, 'port' | 'secret' | 'limits' | 'mixer'>]> {
  const secret = 'bench';
  const listen = [{ protocol: 'udp', host, port: 0 } as const];
  const agent = await createSipAgent({ admin: { host, port: 0 }, secret, listen, log });
  const mixer = () => createEmbeddedMixer({ host, log });
  return [agent.addresses[0]?.port ?? 0, { port: agent.adminPort, secret, limits: unboundedLimits, mixer }];
}

function nativeServers(
  native: NativeServers,
): [number, Pick<BenchFocusOptions, 'port' | 'secret' | 'limits' | 'mixer'>] {
  const { adminPort: port, secret, sipPort, eventPort, password, mixerSip: sip } = native;
  const mixer: BenchFocusOptions['mixer'] = (focus) => {
    let made: UacDialer | null = null;
    const dialer = (): UacDialer => {
      made ??= new SignalingDialer(focus().signaling, log);
      return made;
    };
    return createFreeswitchMixer({ name: 'freeswitch', host, port: eventPort, password, sip, dialer, log });
  };
  return [sipPort, { port, secret, limits: drachtioLimits, mixer }];
}

async function start({ native, password }: Extract<StormOrder, { kind: 'start' }>): Promise<StormReport> {
  const [sipPort, servers] = native ? nativeServers(native) : await embeddedServers();
  ({ bus } = await startBenchFocus({ ...servers, minimumGapMs, credentials: credentialsOf(password) }));
  const jid = occupantOf(0).jid ?? '';
  await bus.publish('_', 'binding', aorOf(0), { aor: aorOf(0), jid, proof: 'directory' });
  await voice(true);
  return { kind: 'ready', sipPort };
}

async function voice(given: boolean): Promise<StormReport> {
  const at = clock();
  await bus.publish(link.id, 'occupant', occupantOf(0).nick, occupantOf(0, given));
  return { kind: 'told', at };
}

async function storm(joins: number, ms: number): Promise<StormReport> {
  const began = clock();
  await joinStorm(bus, link.id, joins, ms);
  return { kind: 'raged', ms: clock() - began };
}

serve<StormOrder, StormReport>((order) => {
  if (order.kind === 'start') return start(order);
  return order.kind === 'voice' ? voice(order.given) : storm(order.joins, order.ms);
});
