/** The harness's own phones, on a real focus and mixer: if these fail, no scenario can be believed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PhoneOptions, SipPhone } from '../harness/sip/phone.ts';
import { type HarnessStage, startHarnessStage } from './harness-stage.ts';

let stage: HarnessStage;
const phones: SipPhone[] = [];

beforeAll(async () => {
  stage = await startHarnessStage();
});
afterAll(() => stage.stop());
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
  await expect.poll(() => stage.legs().length, { timeout: 10_000 }).toBe(0);
});

async function phone(name: string, options: Partial<PhoneOptions> = {}): Promise<SipPhone> {
  const server = stage.server(options.transport ?? 'udp');
  const opened = await SipPhone.open({ server, aor: `sip:${name}@elsewhere.example`, displayName: name, ...options });
  phones.push(opened);
  return opened;
}

describe.each(['udp', 'tcp'] as const)('phones over %s', (transport) => {
  it.each(['PCMU', 'PCMA'] as const)('hear each other and not themselves in %s', async (codec) => {
    const bob = await (await phone('bob', { transport, codec, tone: 440 })).call(stage.conference);
    const carol = await (await phone('carol', { transport, codec: 'PCMU', tone: 620 })).call(stage.conference);
    const dave = await (await phone('dave', { transport, codec, tone: 880 })).call(stage.conference);
    expect(bob.remoteContact).toContain(';isfocus');
    await Promise.all([bob.hears(620), bob.hears(880), bob.silentOf(440)]);
    await Promise.all([carol.hears(440), carol.hears(880), carol.silentOf(620)]);
    await Promise.all([dave.hears(440), dave.hears(620), dave.silentOf(880)]);
    dave.setTone(1000);
    await Promise.all([bob.hears(1000), bob.silentOf(880)]);
    await expect(bob.hears(880, 1000)).rejects.toThrow(/880 Hz was not heard.*620 Hz.*packets came/);
    expect(bob.stats().sent).toBeGreaterThan(15);
  });
});
