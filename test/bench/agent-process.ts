/** Helper process of the benchmarks: the embedded SIP agent by itself, so that its CPU can be told from the focus's. */
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { createLog } from '../../src/log.ts';
import { serve } from './child.ts';
import { heapNow } from './heap.ts';

export type AgentOrder = { readonly kind: 'start'; readonly secret: string } | { readonly kind: 'heap' };

export type AgentReport =
  | { readonly kind: 'ready'; readonly adminPort: number; readonly sipPort: number }
  /** Bytes in use after garbage collection. */
  | { readonly kind: 'heap'; readonly bytes: number };

serve<AgentOrder, AgentReport>(async (order) => {
  if (order.kind === 'heap') return { kind: 'heap', bytes: await heapNow() };
  const { secret } = order;
  const host = '127.0.0.1';
  const agent = await createSipAgent({
    admin: { host, port: 0 },
    secret,
    listen: [{ protocol: 'udp', host, port: 0 }],
    log: createLog({ level: 'error' }),
  });
  return { kind: 'ready', adminPort: agent.adminPort, sipPort: agent.addresses[0]?.port ?? 0 };
});
