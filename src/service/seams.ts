/** Which implementation stands behind each port, as the configuration says. */
import { randomBytes } from 'node:crypto';
import type { Asks } from '../bus/asks.ts';
import type { Bus } from '../bus/bus.ts';
import type { Leases } from '../bus/leases.ts';
import { createMemoryAsks, createMemoryBus } from '../bus/memory-bus.ts';
import { createMemoryLeases } from '../bus/memory-leases.ts';
import { createNatsAsks } from '../bus/nats-asks.ts';
import { createNatsBus } from '../bus/nats-bus.ts';
import { createNatsLeases } from '../bus/nats-leases.ts';
import { NatsLink } from '../bus/nats-link.ts';
import { createEmbeddedMixer } from '../embedded/mixer/embedded-mixer.ts';
import { createSipAgent } from '../embedded/sip-agent/agent.ts';
import type { Logger } from '../log.ts';
import { drachtioLimits, type FlowLimits, unboundedLimits } from '../sip-focus/flow-gate.ts';
import { createFreeswitchMixer } from '../sip-focus/freeswitch-mixer.ts';
import type { Mixer } from '../sip-focus/mixer.ts';
import type { UacDialer } from '../sip-focus/uac-dialer.ts';
import type { Config } from './config.ts';

/** What all processes of a service share. */
export interface Hub {
  readonly bus: Bus;
  readonly asks: Asks;
  readonly leases: Leases;
}

/** Makes the bus and what goes with it; `bus.start` connects all three. */
export function createHub(config: Config, log: Logger): Hub {
  if (config.bus.kind === 'memory') {
    return { bus: createMemoryBus(log), asks: createMemoryAsks(log), leases: createMemoryLeases() };
  }
  const { servers, user, password } = config.bus;
  const link = new NatsLink({ servers, user, password, name: config.instance }, log);
  return { bus: createNatsBus(link, log), asks: createNatsAsks(link, log), leases: createNatsLeases(link, log) };
}

/** Where the focus finds its SIP server. */
export interface SipServer {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly limits: FlowLimits;
  /** What the embedded agent listens on, `protocol:host:port`; empty for a server of its own. */
  readonly listening: readonly string[];
  stop(): Promise<void>;
}

function parseListen(text: string): { protocol: 'udp' | 'tcp'; host: string; port: number } {
  const [, protocol, host = '', port] = /^(udp|tcp):(.+):(\d+)$/.exec(text) ?? [];
  return { protocol: protocol === 'tcp' ? 'tcp' : 'udp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Starts the embedded agent, or names the drachtio-server of the configuration. Rejects with SIP_SERVER_UNAVAILABLE or CONFIG_INVALID. */
export async function openSipServer(config: Config, log: Logger): Promise<SipServer> {
  const { server } = config.sip;
  if (server.kind === 'drachtio') {
    const { host, port, secret } = server;
    const limits = { ...drachtioLimits, maximumBytes: server['frame-limit'] };
    return { host, port, secret, limits, listening: [], stop: async () => undefined };
  }
  const secret = randomBytes(24).toString('base64url');
  const listen = server.listen.map(parseListen);
  const agent = await createSipAgent({ admin: { host: '127.0.0.1', port: 0 }, secret, listen, log });
  const listening = agent.addresses.map(({ protocol, host, port }) => `${protocol}:${host}:${port}`);
  return {
    ...{ host: '127.0.0.1', port: agent.adminPort, secret, limits: unboundedLimits, listening },
    stop: () => agent.stop(),
  };
}

/** Makes the mixer; `dialer` is asked for at each call, since it hangs on the focus that is made after the mixer. */
export function createMixer(config: Config, dialer: () => UacDialer, log: Logger): Mixer {
  const { mixer } = config.sip;
  if (mixer.kind === 'embedded') return createEmbeddedMixer({ host: mixer.host, log });
  const { host, port, password, sip } = mixer;
  return createFreeswitchMixer({ name: 'freeswitch', host, port, password, sip, dialer, log });
}
