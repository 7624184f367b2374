/** Whom the agent answers by itself, by the name the sender gives. */
import { afterEach, describe, expect, it } from 'vitest';
import { defaultScreening, screen } from '../../../../src/embedded/sip-agent/screening.ts';
import { createRequest, type SipRequest } from '../../../../src/embedded/sip-agent/sip-message.ts';
import { App, Peer, startAgent } from './agent-harness.ts';

function named(method: string, agent: string): SipRequest {
  const request = createRequest(method, 'sip:tea@127.0.0.1');
  request.headers.add('User-Agent', agent);
  return request;
}

describe('the name of a client', () => {
  const screening = { refuse: ['noisy'], answerOptionsOf: ['Pinger 1.0'] };

  it('is compared in part and in any case for nuisances, as a whole for those who only ask', () => {
    expect(screen(named('INVITE', 'A NOISY thing'), screening)).toBe(603);
    expect(screen(named('OPTIONS', 'noisy'), screening)).toBe(603);
    expect(screen(named('OPTIONS', 'Pinger 1.0'), screening)).toBe(200);
    expect(screen(named('OPTIONS', 'Pinger 1.0.1'), screening)).toBeUndefined();
    expect(screen(named('INVITE', 'Pinger 1.0'), screening)).toBeUndefined();
    expect(screen(createRequest('INVITE', 'sip:tea@127.0.0.1'), screening)).toBeUndefined();
  });

  it('is that of a scanner for some, whoever configures nothing', () => {
    expect(screen(named('REGISTER', 'friendly-scanner'), defaultScreening)).toBe(603);
    expect(screen(named('OPTIONS', 'baresip v1.0.0'), defaultScreening)).toBeUndefined();
  });
});

describe('requests that are screened', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  it('never reach an application, and need none', async () => {
    const agent = await startAgent({ screening: { answerOptionsOf: ['Pinger 1.0'] } });
    stops.push(() => agent.stop());
    const peer = await Peer.open(agent);
    stops.push(() => peer.close());
    peer.send(peer.request('OPTIONS', { callId: 'ask', headers: 'User-Agent: Pinger 1.0\r\n' }));
    await peer.next('SIP/2.0 200');
    const app = await App.ready(agent, 'invite', 'options');
    stops.push(() => app.socket.destroy());
    peer.send(peer.request('INVITE', { callId: 'scan', headers: 'User-Agent: sipvicious\r\n' }));
    await peer.next('SIP/2.0 603');
    peer.send(peer.request('OPTIONS', { callId: 'other' }));
    expect((await app.sip('')).sip).toMatch(/^OPTIONS/);
  });
});
