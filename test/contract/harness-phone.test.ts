/** The harness's own phones, on a real focus and mixer: if these fail, no scenario can be believed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CallRefused, type PhoneOptions, SipPhone } from '../harness/sip/phone.ts';
import { account, type HarnessStage, startHarnessStage } from './harness-stage.ts';

let stage: HarnessStage;
const phones: SipPhone[] = [];

beforeAll(async () => {
  stage = await startHarnessStage();
});
afterAll(() => stage.stop());
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

/** The legs of earlier tests are gone, and the given number is there. */
const legs = (count: number) => expect.poll(() => stage.legs().length, { timeout: 10_000 }).toBe(count);

async function phone(name: string, options: Partial<PhoneOptions> = {}): Promise<SipPhone> {
  const server = stage.server(options.transport ?? 'udp');
  const opened = await SipPhone.open({ server, aor: `sip:${name}@elsewhere.example`, displayName: name, ...options });
  phones.push(opened);
  return opened;
}

const alice = (algorithm?: 'SHA-256' | 'MD5', password = account.password): Partial<PhoneOptions> => ({
  aor: 'sip:alice@example.com',
  credentials: { username: account.username, password, ...(algorithm === undefined ? {} : { algorithm }) },
});

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

  it('end calls from either side, and say why', async () => {
    const bob = await (await phone('bob', { transport })).call(stage.conference);
    await legs(1);
    expect(bob.status).toBe('up');
    await bob.hangUp();
    expect([bob.status, await bob.ended()]).toEqual(['ended', { by: 'us' }]);
    await legs(0);
    const carol = await (await phone('carol', { transport })).call(stage.conference);
    await legs(1);
    expect(await stage.ask('remove', stage.legs()[0]!.leg, 'too loud')).toMatchObject({ ok: true });
    expect(await carol.ended()).toEqual({ by: 'peer', reason: 'SIP;cause=603;text="too loud"' });
    expect(carol.status).toBe('ended');
    await legs(0);
  });

  it.each(['SHA-256', 'MD5', undefined] as const)('prove who calls: %s', async (algorithm) => {
    const own = await phone('alice', { transport, ...alice(algorithm) });
    await (await own.call(stage.conference)).hangUp();
    await own.call(stage.conference); // with the nonce of before, counted up
    await legs(1);
    expect(stage.legs()[0]).toMatchObject({ aor: 'sip:alice@example.com', proof: 'digest' });
  });
});

describe('a phone', () => {
  it('is told when it is refused', async () => {
    const thief = await phone('alice', alice('SHA-256', 'not it'));
    const refused = await thief.tryCall(stage.conference);
    expect(refused).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect((refused as CallRefused).headers['www-authenticate']).toContain('Digest');
    await expect(thief.call('sip:nobody@conf.example')).rejects.toBeInstanceOf(CallRefused);
    const nobody = await (await phone('bob')).tryCall('sip:nobody@conf.example');
    expect(nobody).toMatchObject({ status: 404 });
  });

  it('holds and resumes', async () => {
    const bob = await (await phone('bob', { tone: 440 })).call(stage.conference);
    const carol = await (await phone('carol', { tone: 620 })).call(stage.conference);
    await carol.hears(440);
    await bob.hold();
    expect(bob.direction).not.toBe('sendrecv');
    await expect
      .poll(
        () =>
          stage
            .legs()
            .map((leg) => leg.status)
            .sort(),
        { timeout: 10_000 },
      )
      .toEqual(['connected', 'on-hold']);
    await carol.silentOf(440);
    await bob.resume();
    expect(bob.direction).toBe('sendrecv');
    await Promise.all([carol.hears(440), bob.hears(620)]);
  });

  it('is not heard while the focus has muted it', async () => {
    const bob = await (await phone('bob', { tone: 440 })).call(stage.conference);
    const carol = await (await phone('carol', { tone: 620 })).call(stage.conference);
    await carol.hears(440);
    const leg = stage.legs().find((one) => one.label === 'bob')!.leg;
    expect(await stage.ask('mute', leg)).toMatchObject({ ok: true });
    await Promise.all([carol.silentOf(440), bob.hears(620)]);
    await expect(carol.hears(440, 1500)).rejects.toThrow('silence was last heard');
    expect(await stage.ask('unmute', leg)).toMatchObject({ ok: true });
    await carol.hears(440);
  });

  it('may bring its offer late', async () => {
    const bob = await (await phone('bob', { tone: 440, lateOffer: true })).call(stage.conference);
    const carol = await (await phone('carol', { tone: 620, codec: 'PCMA', lateOffer: true })).call(stage.conference);
    await Promise.all([bob.hears(620), carol.hears(440)]);
  });

  it('presses keys', async () => {
    const bob = await (await phone('bob', { tone: 440 })).call(stage.conference);
    await bob.dtmf('12#D');
    await expect.poll(() => stage.digits(), { timeout: 10_000 }).toBe('12#D');
    await expect(bob.dtmf('x')).rejects.toThrow('not a key');
  });

  it('that vanishes answers and sends nothing any more', async () => {
    const bob = await (await phone('bob', { tone: 440 })).call(stage.conference);
    const carol = await (await phone('carol', { tone: 620 })).call(stage.conference);
    await carol.hears(440);
    bob.vanish();
    const { sent } = bob.stats();
    await carol.silentOf(440);
    const leg = stage.legs().find((one) => one.label === 'bob')!.leg;
    const removed = stage.ask('remove', leg).catch(() => undefined); // nobody answers its BYE
    await legs(1);
    await carol.silentOf(440);
    expect([bob.stats().sent, bob.requests.length]).toEqual([sent, 0]);
    await removed;
  });

  it('gives up a call', async () => {
    const bob = await phone('bob');
    const callee = await phone('carol');
    callee.agent.onRequest = (request) => {
      request.respond(180);
      return true;
    };
    const dialing = (await phone('dave', { server: addressOf(callee) })).dial(callee.contactUri);
    dialing.cancel();
    expect(await dialing.outcome).toMatchObject({ status: 487 });
    expect(await (await phone('erin', { server: addressOf(bob) })).tryCall(bob.contactUri)).toMatchObject({
      status: 486,
    });
  });
});

const addressOf = (callee: SipPhone) => ({
  host: '127.0.0.1',
  port: Number(/:(\d+)/.exec(callee.contactUri.slice(4))?.[1]),
});

describe.each(['udp', 'tcp'] as const)('two phones without anything between them, over %s', (transport) => {
  async function pair(caller: Partial<PhoneOptions> = {}) {
    const callee = await phone('carol', { transport, tone: 620, autoAnswer: true });
    const calling = await phone('bob', { transport, tone: 440, server: addressOf(callee), ...caller });
    const near = await calling.call(callee.contactUri);
    return { near, far: await callee.answered() };
  }

  it.each([false, true])('talk, hold each other and hang up; late offer: %s', async (lateOffer) => {
    const { near, far } = await pair({ lateOffer, codec: 'PCMA' });
    await Promise.all([near.hears(620), far.hears(440)]);
    await far.hold();
    expect([near.direction, far.direction]).toEqual(['recvonly', 'sendonly']);
    await expect(near.silentOf(620, 1500)).rejects.toThrow('0 packets came');
    await far.resume();
    await Promise.all([near.hears(620), far.hears(440)]);
    await near.hold('inactive');
    expect(far.direction).toBe('inactive');
    await Promise.all([near.resume(), far.resume()]);
    await Promise.all([near.hears(620), far.hears(440)]);
    await far.hangUp();
    expect(await near.ended()).toEqual({ by: 'peer' });
  });

  it('answer whatever comes within the call', async () => {
    const { near, far } = await pair();
    const statuses: number[] = [];
    for (const method of ['OPTIONS', 'INFO', 'UPDATE', 'NOTIFY', 'PUBLISH']) {
      statuses.push((await near.request(method, method === 'NOTIFY' ? { Event: 'conference' } : {})).status);
    }
    expect(statuses).toEqual([200, 200, 200, 481, 405]);
    const bye = await near.request('BYE', { Reason: 'Q.850;cause=16' });
    expect([bye.status, await far.ended()]).toEqual([200, { by: 'peer', reason: 'Q.850;cause=16' }]);
    expect((await near.request('OPTIONS')).status).toBe(481);
  });
});
