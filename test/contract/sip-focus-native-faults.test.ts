/** What a real drachtio-server and a real FreeSWITCH do to a focus when they hang, die or lose a caller. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FreeswitchStack, missingServers, startFreeswitchStack } from './freeswitch-stack.ts';
import { RtpPeer } from './rtp-peer.ts';
import { headerOf, type PeerDialog, type SipMessage, statusOf } from './sip-focus-peer.ts';
import { eventually, type Stage, stage } from './sip-focus-stage.ts';

const lacking = missingServers.length === 0 ? '' : ` (skipped, not here: ${missingServers.join(', ')})`;
const patience = { timeout: 20_000, interval: 25 };

describe.skipIf(lacking !== '')(`the focus and faults of real servers${lacking}`, () => {
  let stack: FreeswitchStack;
  const phones: RtpPeer[] = [];

  beforeAll(async () => {
    stack = await startFreeswitchStack();
  }, 120_000);

  afterAll(() => stack?.stop());

  afterEach(async () => {
    for (const phone of phones.splice(0)) phone.close();
    await stack.freeswitch.api('hupall');
    await expect.poll(channels, patience).toBe('0 total.');
  });

  const channels = (): Promise<string> => stack.freeswitch.api('show channels count');
  const newStage = (settings = {}): Promise<Stage> =>
    stage(async () => stack.place(), { watching: 'anyone', ...settings });

  /** A phone in the call that sends a tone. */
  async function talk(at: Stage, user: string): Promise<{ dialog: PeerDialog; phone: RtpPeer }> {
    const phone = await RtpPeer.open({ law: 'PCMU', tone: 440 });
    phones.push(phone);
    const dialog = at.peer.dialog(user, at.uri);
    const answer = await at.call(dialog, {}, phone.sdp());
    expect(statusOf(answer)).toBe(200);
    phone.sendTo(answer.body);
    return { dialog, phone };
  }

  async function watch(at: Stage): Promise<PeerDialog> {
    const dialog = at.peer.dialog('dave', at.uri);
    expect(statusOf(await at.peer.request('SUBSCRIBE', dialog, { Event: 'conference' }))).toBe(200);
    await at.peer.waitRequest('NOTIFY', dialog);
    return dialog;
  }

  const reasonOfBye = async (at: Stage, dialog: PeerDialog): Promise<string> =>
    headerOf(await at.peer.waitRequest('BYE', dialog), 'reason');

  async function takesCalls(at: Stage): Promise<void> {
    await eventually(() => at.focus.ready() && at.focus.debug().notifyConnected, 'ready again', 30_000);
    const { dialog } = await talk(at, 'erin');
    await eventually(() => at.legs().length === 1, 'the new leg is known');
    const watcher = at.peer.dialog('frank', at.uri);
    expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(200);
    expect((await at.peer.waitRequest('NOTIFY', watcher)).body).toContain('state="full"');
    expect(statusOf(await at.peer.request('BYE', dialog))).toBe(200);
    await eventually(() => at.legs().length === 0, 'the new leg is withdrawn');
  }

  it('a caller whose media stop is let go and told so', async () => {
    const at = await newStage();
    const [gone, stays] = [await talk(at, 'carol'), await talk(at, 'erin')];
    await eventually(() => at.legs().length === 2, 'both are known');
    gone.phone.silent(true);
    expect(await reasonOfBye(at, gone.dialog)).toContain('No media');
    await eventually(() => at.legs().length === 1, 'the leg is withdrawn');
    expect(statusOf(await at.peer.request('BYE', stays.dialog))).toBe(200);
  });

  it('drachtio-server that dies: calls end in the mix, watchers find out at their refresh', async () => {
    const at = await newStage();
    await talk(at, 'carol');
    await eventually(() => at.legs().length === 1, 'the leg is known');
    const watcher = await watch(at);
    await stack.drachtio.kill();
    await eventually(() => !at.focus.ready() && !at.focus.debug().notifyConnected, 'the loss is seen');
    await stack.drachtio.restart();
    await eventually(() => at.legs().length === 0, 'the leg is withdrawn');
    await expect.poll(channels, patience).toBe('0 total.');
    await takesCalls(at);
    expect(statusOf(await at.peer.request('SUBSCRIBE', watcher, { Event: 'conference' }))).toBe(481);
  });

  it('drachtio-server that hangs is found without traffic; afterwards callers and watchers are told', async () => {
    const at = await newStage();
    const { dialog } = await talk(at, 'carol');
    await eventually(() => at.legs().length === 1, 'the leg is known');
    const watcher = await watch(at);
    process.kill(stack.drachtio.pid, 'SIGSTOP');
    try {
      await eventually(() => !at.focus.ready() && !at.focus.debug().notifyConnected, 'the loss is seen', 40_000);
    } finally {
      process.kill(stack.drachtio.pid, 'SIGCONT');
    }
    expect(await reasonOfBye(at, dialog)).toContain('cause=503');
    const isLast = (message: SipMessage): boolean =>
      headerOf(message, 'call-id') === watcher.callId &&
      headerOf(message, 'subscription-state').includes('deactivated');
    await at.peer.wait(isLast, 'the last NOTIFY');
    await eventually(() => at.legs().length === 0, 'the leg is withdrawn');
    await takesCalls(at);
  }, 90_000);

  it('FreeSWITCH that dies: callers are told, and come in again when it is back', async () => {
    const at = await newStage();
    const { dialog } = await talk(at, 'carol');
    await eventually(() => at.legs().length === 1, 'the leg is known');
    await stack.freeswitch.kill();
    await eventually(() => !at.focus.ready(), 'the loss is seen');
    const refused = await at.call(at.peer.dialog('erin', at.uri));
    expect(statusOf(refused)).toBe(503);
    expect(Number(headerOf(refused, 'retry-after'))).toBeGreaterThan(0);
    await stack.freeswitch.restart();
    expect(await reasonOfBye(at, dialog)).toContain('cause=503');
    await eventually(() => at.legs().length === 0, 'the leg is withdrawn');
    await takesCalls(at);
  }, 90_000);
});
