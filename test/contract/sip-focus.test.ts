/** The focus's contract on the embedded SIP agent and mixer. */
import { expect } from 'vitest';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import { sipFocusContract } from './sip-focus-contract.ts';
import { log, type Place } from './sip-focus-stage.ts';

async function startEmbedded(): Promise<Place> {
  const secret = 'cymru';
  const agent = await createSipAgent({
    admin: { host: '127.0.0.1', port: 0 },
    secret,
    listen: [{ protocol: 'udp', host: '127.0.0.1', port: 0 }],
    log,
  });
  const address = agent.addresses[0];
  if (!address) throw new Error('the agent has no address');
  return {
    sipPort: address.port,
    admin: { port: agent.adminPort, secret },
    limits: unboundedLimits,
    newMixer: () => createEmbeddedMixer({ host: '127.0.0.1', log }),
    expectNothingLeft: () => expect(agent.counts().dialogs).toBe(0),
    stop: () => agent.stop(),
  };
}

sipFocusContract('embedded', startEmbedded);
