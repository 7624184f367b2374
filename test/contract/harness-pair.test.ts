/** Two of the harness's own phones without anything between them: each side of a dialog answers the other. */
import { afterEach, describe, expect, it } from 'vitest';
import { type PhoneOptions, SipPhone } from '../harness/sip/phone.ts';

const phones: SipPhone[] = [];
afterEach(() => Promise.all(phones.splice(0).map((phone) => phone.close())));

async function phone(name: string, options: Partial<PhoneOptions> = {}): Promise<SipPhone> {
  const server = { host: '127.0.0.1', port: 9 };
  const opened = await SipPhone.open({ server, aor: `sip:${name}@elsewhere.example`, displayName: name, ...options });
  phones.push(opened);
  return opened;
}

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

describe('a phone', () => {
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
