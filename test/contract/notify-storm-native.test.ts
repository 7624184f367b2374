/** A storm of joins on a real drachtio-server and a real FreeSWITCH. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type FreeswitchStack, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { notifyStormContract } from './notify-storm-contract.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;

describe.skipIf(lacking !== '')(`with real servers${lacking}`, () => {
  let stack: FreeswitchStack;

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  notifyStormContract('drachtio-server and FreeSWITCH', async () => stack.place());
});
