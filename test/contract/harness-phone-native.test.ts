/** The harness's own phones and watchers on a real drachtio-server and a real FreeSWITCH. */
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { type FreeswitchStack, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { phonesOnTheFocus } from './harness-phone-contract.ts';
import { watchersOnTheFocus } from './harness-watcher-contract.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;

describe.skipIf(lacking !== '')(`with real servers${lacking}`, () => {
  let stack: FreeswitchStack;

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  /** The servers outlive a test: the next one begins when they have forgotten its calls. */
  const place = async () => {
    const shared = stack.place();
    await vi.waitFor(() => shared.expectNothingLeft(), { timeout: 10_000 });
    return shared;
  };

  phonesOnTheFocus('drachtio-server and FreeSWITCH', place);
  watchersOnTheFocus('drachtio-server and FreeSWITCH', place);
});
