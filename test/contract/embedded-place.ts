/** The embedded SIP agent and mixer as a place for the focus's contract. */
import { expect } from 'vitest';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import { log, type Place } from './sip-focus-stage.ts';

/** Starts an agent on free ports. */
export async function startEmbedded(): Promise<Place> {
  const secret = 'cymru';
  const agent = await createSipAgent({
    admin: { host: '127.0.0.1', port: 0 },
    secret,
    listen: [
      { protocol: 'udp', host: '127.0.0.1', port: 0 },
      { protocol: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    log,
  });
  const portOf = (protocol: string): number => {
    const address = agent.addresses.find((each) => each.protocol === protocol);
    if (!address) throw new Error(`the agent has no ${protocol} address`);
    return address.port;
  };
  return {
    sipPort: portOf('udp'),
    sipTcpPort: portOf('tcp'),
    admin: { port: agent.adminPort, secret },
    limits: unboundedLimits,
    newMixer: () => createEmbeddedMixer({ host: '127.0.0.1', log }),
    expectNothingLeft: () => expect(agent.counts().dialogs).toBe(0),
    stop: () => agent.stop(),
  };
}
