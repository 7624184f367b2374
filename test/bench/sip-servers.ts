/** The SIP servers that the benchmarks of NOTIFY run on, each in a process of its own. */
import { type DrachtioServer, findDrachtio, startDrachtio } from '../harness/servers/drachtio.ts';
import type { AgentOrder, AgentReport } from './agent-process.ts';
import { Child } from './child.ts';
import { residentOf } from './heap.ts';

/** The SIP server under the product and the floors. */
export interface SipServer {
  readonly name: string;
  readonly limits: 'drachtio' | 'unbounded';
  readonly pid: number;
  readonly sipPort: number;
  readonly adminPort: number;
  readonly secret: string;
  /** Bytes: of the heap after garbage collection where it has one, else as the kernel counts them. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

async function drachtio(): Promise<SipServer> {
  const server: DrachtioServer = await startDrachtio();
  const { pid, sipPort, adminPort, secret } = server;
  return {
    ...{ name: 'drachtio-server', limits: 'drachtio', pid, sipPort, adminPort, secret },
    memory: async () => residentOf(server.pid),
    stop: () => server.stop(),
  };
}

async function embedded(): Promise<SipServer> {
  const secret = 'bench';
  const agent = await Child.start<AgentOrder, AgentReport>(new URL('./agent-process.ts', import.meta.url));
  const { sipPort, adminPort } = await agent.ask({ kind: 'start', secret }, 'ready');
  const { pid } = agent;
  return {
    ...{ name: 'embedded agent', limits: 'unbounded', pid, sipPort, adminPort, secret },
    memory: async () => (await agent.ask({ kind: 'heap' }, 'heap')).bytes,
    stop: () => agent.stop(),
  };
}

/** Starts each that this machine has; says which it lacks. */
export function sipServers(): readonly { readonly name: string; readonly start: () => Promise<SipServer> }[] {
  const own = { name: 'embedded agent', start: embedded };
  if (findDrachtio() !== null) return [{ name: 'drachtio-server', start: drachtio }, own];
  console.log('not run: drachtio-server (not on PATH, DRACHTIO_BIN not set)');
  return [own];
}
