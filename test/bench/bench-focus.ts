/** The SIP half of the product as the benchmarks run it: facts in memory, an open conference that anybody may watch. */
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import type { Credentials } from '../../src/identity/credentials.ts';
import { createLog } from '../../src/log.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import { drachtioLimits, type FlowLimits } from '../../src/sip-focus/flow-gate.ts';
import type { Mixer } from '../../src/sip-focus/mixer.ts';
import { createSipFocus, type SipFocus } from '../../src/sip-focus/sip-focus.ts';
import { until } from './measure.ts';
import { link, room } from './people.ts';

export const log = createLog({ level: 'error' });

/** Where there are no calls, so that nothing is mixed. */
const noMixer: Mixer = {
  name: 'none',
  outlivesProcess: false,
  start: async () => undefined,
  stop: async () => undefined,
  onReport: () => undefined,
  ready: () => true,
  join: () => Promise.reject(new Error('no calls')),
  renegotiate: () => Promise.reject(new Error('no calls')),
  mute: async () => undefined,
  remove: async () => undefined,
  list: async () => [],
  adopt: async () => false,
};

/** How a focus is wanted. */
export interface BenchFocusOptions {
  /** Application port of its SIP server, and the secret. */
  readonly port: number;
  readonly secret: string;
  readonly limits: FlowLimits;
  /** Made before the focus, and started by it; default: none. */
  readonly mixer?: (focus: () => SipFocus) => Mixer;
  /** Between NOTIFYs to one subscriber. */
  readonly minimumGapMs: number;
  /** Of callers; default: nobody has any. */
  readonly credentials?: Credentials;
}

/** More than any benchmark asks for: limits are measured elsewhere. */
const subscriptionLimits = { perConference: 100_000, perAccount: 100_000 };

/** Starts a focus and gives it the facts of an empty room. Resolves when it can send NOTIFYs. */
export async function startBenchFocus(
  options: BenchFocusOptions,
): Promise<{ readonly bus: Bus; readonly focus: SipFocus }> {
  const { port, secret, limits, minimumGapMs } = options;
  const bus = createMemoryBus(log);
  await bus.start();
  const { room: jid, conference } = link;
  await bus.publish(link.id, 'link', '-', { room: jid, conference, state: 'open', reason: null });
  await bus.publish(link.id, 'room', '-', room);
  const mixer = options.mixer?.(() => focus) ?? noMixer;
  const focus: SipFocus = createSipFocus({
    settings: {
      ...{ host: '127.0.0.1', port, secret, limits, realm: 'example.com', accountDomains: ['example.com'] },
      ...{ trustedPeers: [], authentication: 'offer', watching: 'anyone', notifier: { minimumGapMs } },
      ...{ subscriptionLimits, keepsDialogs: limits === drachtioLimits },
    },
    ...{ links: [link], policy: defaultPolicy, bus, asks: createMemoryAsks(log), mixer, log },
    credentials: options.credentials ?? { find: async () => null },
    ...{ instance: 'bench', generation: 'g1' },
  });
  await mixer.start();
  await focus.start();
  await until(() => focus.ready() && focus.debug().notifyConnected, 'the focus is connected');
  return { bus, focus };
}
