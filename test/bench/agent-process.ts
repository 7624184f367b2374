/** Helper process of the benchmarks: the embedded SIP agent by itself, so that its CPU can be told from the focus's. */
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { createLog } from '../../src/log.ts';
import { serve } from './child.ts';

export interface AgentOrder {
  readonly kind: 'start';
  readonly secret: string;
}

export interface AgentReport {
  readonly kind: 'ready';
  readonly adminPort: number;
  readonly sipPort: number;
}

serve<AgentOrder, AgentReport>(async ({ secret }) => {
  const host = '127.0.0.1';
  const agent = await createSipAgent({
    admin: { host, port: 0 },
    secret,
    listen: [{ protocol: 'udp', host, port: 0 }],
    log: createLog({ level: 'error' }),
  });
  return { kind: 'ready', adminPort: agent.adminPort, sipPort: agent.addresses[0]?.port ?? 0 };
});
