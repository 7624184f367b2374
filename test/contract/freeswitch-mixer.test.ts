/** The Mixer contract on a real FreeSWITCH, called through a real drachtio-server. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type FreeswitchStack, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { mixerContract } from './mixer-contract.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;

describe.skipIf(lacking !== '')(`with real servers${lacking}`, () => {
  let stack: FreeswitchStack;

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  mixerContract('FreeSWITCH', () => stack.startProcess());
});
