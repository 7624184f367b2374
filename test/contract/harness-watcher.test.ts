/** The harness's own watchers, on a real focus: subscriptions from beginning to end, alone and inside a call. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SipPhone } from '../harness/sip/phone.ts';
import { SubscribeRefused, Watcher, type WatcherOptions } from '../harness/sip/watcher.ts';
import { account, type HarnessStage, startHarnessStage } from './harness-stage.ts';

let stage: HarnessStage;
const phones: SipPhone[] = [];

beforeEach(async () => {
  stage = await startHarnessStage();
});
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
  await stage.stop();
});

async function call(name: string) {
  const phone = await SipPhone.open({
    server: stage.server('udp'),
    aor: `sip:${name}@elsewhere.example`,
    displayName: name,
  });
  phones.push(phone);
  return phone.call(stage.conference);
}

const watch = (options: Partial<WatcherOptions> = {}, uri = stage.conference) =>
  Watcher.subscribe(
    { server: stage.server(options.transport ?? 'udp'), aor: 'sip:wendy@elsewhere.example', ...options },
    uri,
  );

const names = (watcher: Watcher) => watcher.view.users.map((user) => user.displayText).sort();

describe.each(['udp', 'tcp'] as const)('a watcher over %s', (transport) => {
  it('is told everything, then changes', async () => {
    await call('bob');
    const watcher = await watch({ transport });
    await watcher.until((view) => view.users.length === 1, 'bob is seen');
    const carol = await call('carol');
    await watcher.until((view) => view.users.length === 2, 'carol is seen');
    expect(names(watcher)).toEqual(['bob', 'carol']);
    await carol.hangUp();
    await watcher.until((view) => view.users.length === 1, 'carol has left');
    const states = watcher.documents.map(({ state }) => state);
    expect([states[0], states[1], watcher.documents[0]!.version]).toEqual(['full', 'partial', 1]);
    expect(watcher.documents.map(({ version }) => version)).toEqual(states.map((_, index) => index + 1));
    await watcher.close();
    expect(stage.focus.debug().subscriptions).toBe(0);
  });
});
