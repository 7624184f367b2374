import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SipAgent } from '../../../../src/embedded/sip-agent/agent.ts';
import { BridgeError } from '../../../../src/errors.ts';
import { App, establish, header, Peer, secret, startAgent, toTag } from './agent-harness.ts';

let agent: SipAgent;
let peer: Peer;

beforeEach(async () => {
  agent = await startAgent();
  peer = await Peer.open(agent);
});

afterEach(async () => {
  peer.close();
  await agent.stop();
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

describe('start', () => {
  it('says what it is for, and gives real ports, one for UDP and TCP', async () => {
    const lines: string[] = [];
    const { createLog } = await import('../../../../src/log.ts');
    const log = createLog({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const other = await startAgent({ log });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('trying out, development and tests');
    expect(new Set(other.addresses.map(({ port }) => port)).size).toBe(1);
    await other.stop();
  });

  it.each(['0.0.0.0', '::', 'localhost'])('refuses to listen on %s', async (host) => {
    const start = startAgent({ listen: [{ protocol: 'udp', host, port: 0 }] });
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('names the failure when the address is taken', async () => {
    const port = agent.addresses[0]?.port ?? 0;
    const start = startAgent({ listen: [{ protocol: 'udp', host: '127.0.0.1', port }] });
    await expect(start).rejects.toBeInstanceOf(BridgeError);
  });
});

describe('applications', () => {
  it('get the addresses and a version for the right secret', async () => {
    const app = await App.open(agent);
    const { verdict, fields } = await app.command(`authenticate|${secret}|a,b`);
    expect(verdict).toBe('OK');
    const hostports = agent.addresses.map(({ protocol, host, port }) => `${protocol}/${host}:${port}`).join(',');
    expect(fields).toEqual([hostports, expect.stringMatching(/^v\d+\.\d+\.\d+/), hostports]);
  });

  it('are sent away with a wrong secret, without one, and with an unknown command', async () => {
    for (const [command, verdict] of [
      ['authenticate|wrong|', 'incorrect secret'],
      ['route|invite', 'not authenticated'],
    ]) {
      const app = await App.open(agent);
      expect(await app.command(command ?? '')).toMatchObject({ verdict: 'NO', fields: [verdict] });
      await until(() => app.closed);
    }
    const app = await App.ready(agent);
    expect((await app.command('dance|now')).verdict).toBe('NO');
    await until(() => app.closed);
  });

  it('may ping before they give the secret', async () => {
    const app = await App.open(agent);
    expect(await app.command('ping')).toMatchObject({ verdict: 'OK', fields: ['pong'] });
  });

  it('cannot send large frames before they give the secret', async () => {
    const app = await App.open(agent);
    app.socket.write(`100000#${'x'.repeat(5_000)}`);
    await until(() => app.closed);
  });

  it('get new requests in turn, and none of a route they gave up', async () => {
    const apps = [await App.ready(agent, 'options', 'info'), await App.ready(agent, 'options')];
    for (let i = 0; i < 4; i++) peer.send(peer.request('OPTIONS', { callId: `turn${i}` }));
    for (const app of [...apps, ...apps]) await app.sip('OPTIONS');
    const [first, second] = apps;
    await first?.command('remove_route|options');
    peer.send(peer.request('OPTIONS', { callId: 'left' }));
    await second?.sip('OPTIONS');
    peer.send(peer.request('INFO', { callId: 'kept' }));
    await first?.sip('INFO');
  });

  it('are told what cannot be done', async () => {
    const app = await App.ready(agent);
    const own = agent.addresses[0]?.port;
    const refusals: [string, RegExp][] = [
      ['sip||\r\nOPTIONS sip:x@127.0.0.9;transport=tls SIP/2.0\r\n\r\n', /transport not available/],
      ['sip||\r\nOPTIONS sips:x@127.0.0.9 SIP/2.0\r\n\r\n', /transport not available/],
      ['sip||\r\nOPTIONS foo SIP/2.0\r\n\r\n', /invalid request-uri/],
      [`sip||\r\nOPTIONS sip:x@127.0.0.1:${own} SIP/2.0\r\n\r\n`, /can not send request to myself/],
      [`sip||\r\nMESSAGE sip:x@127.0.0.1:${peer.port} SIP/2.0\r\n\r\nhello`, /missing content-type/],
      ['sip|nothing|\r\nCANCEL sip:x@127.0.0.1 SIP/2.0\r\n\r\n', /unable to cancel unknown transaction id: nothing/],
      ['sip|nothing|\r\nSIP/2.0 200 OK\r\n\r\n', /Response not sent due to unknown transaction/],
      ['sip||nothing\r\nINFO sip:placeholder SIP/2.0\r\n\r\n', /unable to find dialog/],
      ['sip||nothing\r\nACK sip:placeholder SIP/2.0\r\n\r\n', /automatically generated/],
      ['sip||\r\nnonsense', /./],
      ['proxy|x||||serial|||sip:a@b\r\nINVITE sip:a@b SIP/2.0\r\n\r\n', /proxy is not supported/],
    ];
    for (const [command, text] of refusals) {
      const { verdict, fields } = await app.command(command);
      expect([command, verdict, fields[0]]).toEqual([command, 'NOK', expect.stringMatching(text)]);
    }
  });
});

describe('requests from the network', () => {
  it('get 503 while no application wants them', async () => {
    peer.send(peer.request('INVITE', { callId: 'nobody' }));
    expect(await peer.next('SIP/2.0 100')).toBeDefined();
    expect(await peer.next('SIP/2.0 503')).toBeDefined();
  });

  it.each([
    ['BYE', {}, 481],
    ['UPDATE', {}, 481],
    ['PRACK', {}, 481],
    ['INVITE', { toTag: 'stale' }, 481],
    ['INFO', { toTag: 'stale' }, 481],
    ['FANCY', {}, 501],
    ['CANCEL', {}, 481],
    ['INVITE', { headers: 'Supported: timer\r\nSession-Expires: 60\r\n' }, 422],
  ] as const)('%s %j is answered by the agent', async (method, fields, status) => {
    await App.ready(agent, 'invite', 'info', method.toLowerCase());
    peer.send(peer.request(method, { callId: 'alone', ...fields }));
    expect(await peer.next(`SIP/2.0 ${status}`)).toContain(`CSeq: 1 ${method}`);
  });

  it('carry where they came from and came in, and the answer goes back with what the agent owns', async () => {
    const app = await App.ready(agent, 'options');
    peer.send(peer.request('OPTIONS', { callId: 'meta', headers: 'k: timer\r\no: conference\r\n' }));
    const { fields, sip, transactionId, dialogId } = await app.sip('OPTIONS');
    expect(fields).toEqual([
      'network',
      expect.stringMatching(/^\d+$/),
      'udp',
      '127.0.0.1',
      String(peer.port),
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{6}$/),
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      '',
      '127.0.0.1',
      String(agent.addresses[0]?.port),
      '',
    ]);
    expect(dialogId).toBe('');
    expect(sip).toContain('Supported: timer\r\n');
    expect(sip).toContain('Event: conference\r\n');
    const sent = await app.answer(
      transactionId,
      '200 OK',
      'Via: bogus\r\nCSeq: 9 X\r\nx-CamelCase: 1\r\nallow-events: conference\r\n',
    );
    expect(sent.fields.slice(6)).toEqual([transactionId, '', '', 'Msg sent:', '']);
    const answer = await peer.next('SIP/2.0 200');
    expect(answer).not.toContain('bogus');
    expect(answer).toContain('CSeq: 1 OPTIONS\r\n');
    expect(answer).toContain('x-CamelCase: 1\r\nAllow-Events: conference\r\n');
    expect(toTag(answer)).not.toBe('');
  });

  it('come back from TCP on the same connection, cut as they like', async () => {
    const app = await App.ready(agent, 'options');
    const socket = connect(agent.addresses.find(({ protocol }) => protocol === 'tcp')?.port ?? 0, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    const request = peer.request('OPTIONS', { callId: 'tcp', body: 'ü'.repeat(60_000) }).replace('/UDP', '/TCP');
    socket.write(request.slice(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write(request.slice(100));
    const { transactionId, sip } = await app.sip('OPTIONS');
    expect(sip).toContain('ü'.repeat(60_000));
    await app.answer(transactionId, '200 OK');
    await until(() => text.startsWith('SIP/2.0 200'));
    socket.destroy();
    await until(() => agent.counts().connections === 0);
  });

  it('are refused when there are too many connections', async () => {
    const small = await startAgent({ limits: { maxConnections: 1 } });
    const port = small.addresses.find(({ protocol }) => protocol === 'tcp')?.port ?? 0;
    const first = connect(port, '127.0.0.1');
    await until(() => small.counts().connections === 1);
    const second = connect(port, '127.0.0.1');
    second.on('error', () => undefined);
    await new Promise((resolve) => second.once('close', resolve));
    expect(first.destroyed).toBe(false);
    first.destroy();
    await small.stop();
  });

  it('leave nothing behind that a fault could use: noise, then a good request', async () => {
    const app = await App.ready(agent, 'options');
    for (const text of ['', '\0', '\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n', 'A'.repeat(60_000)])
      peer.send(text);
    peer.send(peer.request('OPTIONS', { callId: 'after' }));
    await app.answer((await app.sip('OPTIONS')).transactionId, '200 OK');
    expect(await peer.next('SIP/2.0 200')).toBeDefined();
  });
});

describe('calls', () => {
  it('are carried through: early and confirmed dialog, INFO both ways, BYE', async () => {
    const app = await App.ready(agent, 'invite');
    peer.send(peer.request('INVITE', { callId: 'c1' }));
    const invite = await app.sip('INVITE');
    const ringing = await app.answer(invite.transactionId, '180 Ringing');
    expect(ringing.fields[7]).toBe('c1;from-tag=ann');
    const early = toTag(await peer.next('SIP/2.0 180'));
    await app.answer(invite.transactionId, '200 OK', 'Contact: <sip:tea@localhost>;isfocus\r\n', 'v=0\r\n');
    const ok = await peer.next('SIP/2.0 200');
    expect(toTag(ok)).toBe(early);
    expect(header(ok, 'Contact')).toBe(`<sip:tea@127.0.0.1:${agent.addresses[0]?.port}>;isfocus`);
    expect(header(ok, 'Content-Type')).toBe('application/sdp');
    peer.send(peer.request('ACK', { callId: 'c1', toTag: early }));
    const ack = await app.sip('ACK');
    expect([ack.transactionId, ack.dialogId]).toEqual([invite.transactionId, 'c1;from-tag=ann']);

    const info = await app.inside(ack.dialogId, 'INFO', 'Content-Type: text/plain\r\n', 'hi');
    expect(info).toMatchObject({ verdict: 'OK' });
    const received = await peer.next('INFO');
    expect(received.split('\r\n')[0]).toBe(`INFO sip:ann@127.0.0.1:${peer.port} SIP/2.0`);
    peer.answer(received, '200 OK');
    expect((await app.sip('SIP/2.0 200')).transactionId).toBe(info.fields[6]);

    peer.send(peer.request('BYE', { callId: 'c1', toTag: early, seq: 2 }));
    const bye = await app.sip('BYE');
    expect(bye.dialogId).toBe('c1;from-tag=ann');
    await app.answer(bye.transactionId, '200 OK');
    await peer.next('SIP/2.0 200');
    expect(agent.counts()).toMatchObject({ dialogs: 0, incoming: 0, outgoing: 0 });
  });

  it('that are canceled end with 487, and the application learns it', async () => {
    const app = await App.ready(agent, 'invite');
    peer.send(peer.request('INVITE', { callId: 'cx', branch: 'cx' }));
    const invite = await app.sip('INVITE');
    await app.answer(invite.transactionId, '180 Ringing');
    peer.send(peer.request('CANCEL', { callId: 'cx', branch: 'cx' }));
    expect((await app.sip('CANCEL')).transactionId).toBe(invite.transactionId);
    expect(await peer.next('SIP/2.0 487')).toContain('CSeq: 1 INVITE');
    expect((await app.answer(invite.transactionId, '200 OK')).verdict).toBe('NOK');
    expect(agent.counts()).toMatchObject({ dialogs: 0, incoming: 0 });
  });

  it('are not ended by a CANCEL after the 200', async () => {
    const app = await App.ready(agent, 'invite');
    const { dialogId } = await establish(app, peer, 'late');
    peer.send(peer.request('CANCEL', { callId: 'late', branch: 'late-invite' }));
    expect(await peer.next('SIP/2.0 481')).toContain('CSeq: 1 CANCEL');
    expect((await app.inside(dialogId, 'INFO')).verdict).toBe('OK');
  });

  it('refuse an old CSeq, and INVITEs that meet', async () => {
    const app = await App.ready(agent, 'invite');
    const { dialogId, tag } = await establish(app, peer, 'order');
    peer.send(peer.request('INFO', { callId: 'order', toTag: tag, seq: 9 }));
    await app.sip('INFO');
    peer.send(peer.request('INFO', { callId: 'order', toTag: tag, seq: 8 }));
    expect(await peer.next('SIP/2.0 500')).toContain('CSeq: 8 INFO');
    peer.send(peer.request('INVITE', { callId: 'order', toTag: tag, seq: 10 }));
    await app.sip('INVITE');
    peer.send(peer.request('INVITE', { callId: 'order', toTag: tag, seq: 11 }));
    expect(header(await peer.next('SIP/2.0 500'), 'Retry-After')).toMatch(/^\d+$/);
    const other = await establish(app, peer, 'glare');
    await app.inside(other.dialogId, 'INVITE', '', 'v=0\r\n');
    peer.send(peer.request('INVITE', { callId: 'glare', toTag: other.tag, seq: 2 }));
    expect(await peer.next('SIP/2.0 491')).toBeDefined();
    expect((await app.inside(dialogId, 'INFO', 'Contact: <sip:tea@localhost>\r\n')).fields[0]).toMatch(/localhost/);
  });

  it('whose application is gone are refused at once, and a new application does not get them', async () => {
    const app = await App.ready(agent, 'invite');
    const { tag } = await establish(app, peer, 'orphan');
    peer.send(peer.request('INVITE', { callId: 'pending' }));
    await app.sip('INVITE');
    app.socket.destroy();
    expect(await peer.next('SIP/2.0 480')).toContain('pending');
    await until(() => agent.counts().clients === 0);
    await App.ready(agent, 'invite');
    peer.send(peer.request('INFO', { callId: 'orphan', toTag: tag, seq: 2 }));
    expect(await peer.next('SIP/2.0 480')).toContain('CSeq: 2 INFO');
    peer.send(peer.request('BYE', { callId: 'orphan', toTag: tag, seq: 3 }));
    expect(await peer.next('SIP/2.0 481')).toContain('CSeq: 3 BYE');
    expect(agent.counts().dialogs).toBe(0);
  });

  it('ring reliably when asked to (RFC 3262)', async () => {
    const app = await App.ready(agent, 'invite');
    peer.send(peer.request('INVITE', { callId: 'rel', headers: 'Supported: 100rel\r\n' }));
    const invite = await app.sip('INVITE');
    expect((await app.answer(invite.transactionId, '183 Progress', 'Require: 100rel\r\n')).verdict).toBe('OK');
    const progress = await peer.next('SIP/2.0 183');
    await peer.next('SIP/2.0 183');
    expect((await app.answer(invite.transactionId, '180 Ringing', 'Require: 100rel\r\n')).fields[0]).toMatch(/not yet/);
    const rack = `RAck: ${header(progress, 'RSeq')} 1 INVITE\r\n`;
    peer.send(
      peer.request('PRACK', { callId: 'rel', toTag: toTag(progress), seq: 2, headers: 'RAck: 1 1 INVITE\r\n' }),
    );
    await peer.next('SIP/2.0 481');
    peer.send(peer.request('PRACK', { callId: 'rel', toTag: toTag(progress), seq: 3, headers: rack }));
    await app.answer((await app.sip('PRACK')).transactionId, '200 OK');
    expect((await app.answer(invite.transactionId, '200 OK', '', 'v=0\r\n')).verdict).toBe('OK');
    expect(await peer.next('SIP/2.0 200')).toBeDefined();
    peer.send(peer.request('INVITE', { callId: 'unrel' }));
    const plain = await app.sip('INVITE');
    expect((await app.answer(plain.transactionId, '183 Progress', 'Require: 100rel\r\n')).fields[0]).toMatch(/100rel/);
  });
});

describe('calls of an application', () => {
  const invite = (extra = '') =>
    `sip||\r\nINVITE sip:bob@127.0.0.1:${peer.port} SIP/2.0\r\nFrom: <sip:tea@localhost>\r\n${extra}\r\nv=0\r\n`;

  it('ring, are answered, acknowledged and ended', async () => {
    const app = await App.ready(agent);
    const sent = await app.command(invite());
    expect(sent.fields.slice(7)).toEqual(['Msg sent:', '']);
    const request = await peer.next('INVITE');
    expect(header(request, 'From')).toMatch(new RegExp(`^<sip:tea@127\\.0\\.0\\.1:${agent.addresses[0]?.port}>;tag=`));
    expect(header(request, 'To')).toBe(`<sip:bob@127.0.0.1:${peer.port}>`);
    peer.answer(request, '180 Ringing');
    const ringing = await app.sip('SIP/2.0 180');
    expect(ringing.transactionId).toBe(sent.fields[6]);
    peer.answer(request, '200 OK');
    const ok = await app.sip('SIP/2.0 200');
    expect(ok.dialogId).toBe(
      `${header(request, 'Call-ID')};from-tag=${/tag=(\w+)/.exec(header(request, 'From') ?? '')?.[1]}`,
    );
    await app.inside(ok.dialogId, 'ACK');
    const ack = await peer.next('ACK');
    expect(header(ack, 'CSeq')?.split(' ')[0]).toBe(header(request, 'CSeq')?.split(' ')[0]);
    peer.answer(request, '200 OK');
    expect(await peer.next('ACK')).toBe(ack);
    await app.inside(ok.dialogId, 'BYE');
    peer.answer(await peer.next('BYE'), '200 OK');
    await app.sip('SIP/2.0 200');
    await until(() => agent.counts().dialogs === 0);
  });

  it('end the other branches of a fork', async () => {
    const app = await App.ready(agent);
    await app.command(invite());
    const request = await peer.next('INVITE');
    peer.answer(request, '200 OK');
    await app.inside((await app.sip('SIP/2.0 200')).dialogId, 'ACK');
    await peer.next('ACK');
    peer.answer(request, '200 OK', '', 'carol');
    expect(toTag(await peer.next('ACK'))).toBe('carol');
    expect(toTag(await peer.next('BYE'))).toBe('carol');
    expect(agent.counts().dialogs).toBe(1);
  });

  it('are canceled by transaction id, and end by BYE when the 200 was faster', async () => {
    const app = await App.ready(agent);
    const sent = await app.command(invite());
    const request = await peer.next('INVITE');
    peer.answer(request, '180 Ringing');
    await app.sip('SIP/2.0 180');
    expect((await app.command(`sip|${sent.fields[6]}|\r\nCANCEL sip:x@y SIP/2.0\r\n\r\n`)).verdict).toBe('OK');
    peer.answer(await peer.next('CANCEL'), '200 OK');
    peer.answer(request, '200 OK');
    const ok = await app.sip('SIP/2.0 200');
    await app.inside(ok.dialogId, 'ACK');
    await peer.next('ACK');
    expect(await peer.next('BYE')).toContain('cancel race');
    const unsolicited = await app.sip('BYE');
    expect([unsolicited.transactionId, unsolicited.fields[0]]).toEqual(['unsolicited', 'application']);
  });

  it('that nobody waits for any more are canceled, or accepted and ended', async () => {
    const app = await App.ready(agent);
    await app.command(invite());
    const request = await peer.next('INVITE');
    peer.answer(request, '180 Ringing');
    await app.sip('SIP/2.0 180');
    app.socket.destroy();
    await peer.next('CANCEL');
    peer.answer(request, '200 OK');
    await peer.next('ACK');
    await peer.next('BYE');
  });

  it('go to the outbound proxy, or fail with 503 when the name is unknown', async () => {
    const dead = await startAgent({
      dns: { address: () => Promise.reject(new Error('no')), srv: () => Promise.reject(new Error('no')) },
    });
    const app = await App.ready(dead);
    const routed = await app.command(
      `sip|||sip:127.0.0.1:${peer.port}\r\nOPTIONS sip:x@elsewhere.example SIP/2.0\r\n\r\n`,
    );
    expect(routed.verdict).toBe('OK');
    expect((await peer.next('OPTIONS')).split('\r\n')[0]).toBe('OPTIONS sip:x@elsewhere.example SIP/2.0');
    const lost = await app.command('sip||\r\nOPTIONS sip:x@elsewhere.example SIP/2.0\r\n\r\n');
    expect(lost.fields.slice(0, 5)).toEqual(['application', expect.any(String), 'unknown', '', '0']);
    expect((await app.sip('SIP/2.0 503')).transactionId).toBe(lost.fields[6]);
    await dead.stop();
  });

  it('carry bodies of any size, both ways', async () => {
    const app = await App.ready(agent);
    const body = 'é'.repeat(25_000);
    await app.command(
      `sip||\r\nMESSAGE sip:x@127.0.0.1:${peer.port} SIP/2.0\r\nContent-Type: text/plain\r\n\r\n${body}`,
    );
    expect(await peer.next('MESSAGE')).toContain(body);
  });
});

describe('subscriptions', () => {
  const notify = (state: string) => `Event: conference\r\nSubscription-State: ${state}\r\n`;

  async function subscribe(app: App, callId: string): Promise<{ tag: string; dialogId: string }> {
    peer.send(peer.request('SUBSCRIBE', { callId, headers: 'Event: conference\r\nExpires: 60\r\n' }));
    const { transactionId } = await app.sip('SUBSCRIBE');
    const sent = await app.answer(transactionId, '200 OK', 'Expires: 60\r\n');
    return { tag: toTag(await peer.next('SIP/2.0 200')), dialogId: sent.fields[7] ?? '' };
  }

  it('are answered with 200 and notified on their name, also by another application, until terminated', async () => {
    const app = await App.ready(agent, 'subscribe');
    const { tag, dialogId } = await subscribe(app, 's1');
    expect(dialogId).toBe('s1;from-tag=ann');
    const other = await App.ready(agent);
    await other.inside(dialogId, 'NOTIFY', notify('active;expires=60'));
    const first = await peer.next('NOTIFY');
    expect(header(first, 'To')).toBe('<sip:ann@x>;tag=ann');
    peer.answer(first, '200 OK');
    await other.sip('SIP/2.0 200');
    peer.send(
      peer.request('SUBSCRIBE', { callId: 's1', toTag: tag, seq: 2, headers: 'Event: conference\r\nExpires: 60\r\n' }),
    );
    const refresh = await app.sip('SUBSCRIBE');
    expect(refresh.dialogId).toBe(dialogId);
    await app.answer(refresh.transactionId, '200 OK', 'Expires: 60\r\n');
    await app.inside(dialogId, 'NOTIFY', notify('terminated;reason=noresource'));
    peer.answer(await peer.next('NOTIFY'), '200 OK');
    await app.sip('SIP/2.0 200');
    expect((await app.inside(dialogId, 'NOTIFY', notify('active'))).fields[0]).toMatch(/unable to find dialog/);
    peer.send(peer.request('SUBSCRIBE', { callId: 's1', toTag: tag, seq: 3, headers: 'Event: conference\r\n' }));
    expect((await app.sip('SUBSCRIBE')).dialogId).toBe('');
  });

  it('inside a call end without it, and the call without them (RFC 5057)', async () => {
    const app = await App.ready(agent, 'invite', 'subscribe');
    const call = await establish(app, peer, 'both');
    peer.send(
      peer.request('SUBSCRIBE', {
        callId: 'both',
        toTag: call.tag,
        seq: 2,
        headers: 'Event: conference\r\nExpires: 60\r\n',
      }),
    );
    const inside = await app.sip('SUBSCRIBE');
    expect(inside.dialogId).toBe(call.dialogId);
    await app.answer(inside.transactionId, '200 OK', 'Expires: 60\r\n');
    await app.inside(call.dialogId, 'NOTIFY', notify('terminated'));
    peer.answer(await peer.next('NOTIFY'), '200 OK');
    await app.sip('SIP/2.0 200');
    expect(agent.counts().dialogs).toBe(1);
    peer.send(
      peer.request('SUBSCRIBE', {
        callId: 'both',
        toTag: call.tag,
        seq: 3,
        headers: 'Event: conference\r\nExpires: 60\r\n',
      }),
    );
    await app.answer((await app.sip('SUBSCRIBE')).transactionId, '200 OK', 'Expires: 60\r\n');
    peer.send(peer.request('BYE', { callId: 'both', toTag: call.tag, seq: 4 }));
    await app.answer((await app.sip('BYE')).transactionId, '200 OK');
    expect(agent.counts().dialogs).toBe(1);
    await app.inside(call.dialogId, 'NOTIFY', notify('terminated'));
    peer.answer(await peer.next('NOTIFY'), '200 OK');
    await until(() => agent.counts().dialogs === 0);
  });

  it('that are refused make no dialog', async () => {
    const app = await App.ready(agent, 'subscribe');
    peer.send(peer.request('SUBSCRIBE', { callId: 'bad', headers: 'Event: dialog\r\n' }));
    await app.answer((await app.sip('SUBSCRIBE')).transactionId, '489 Bad Event', 'Allow-Events: conference\r\n');
    expect(await peer.next('SIP/2.0 489')).toContain('Allow-Events: conference');
    expect(agent.counts().dialogs).toBe(0);
  });

  it('to a REFER outside of dialogs are notified on its name', async () => {
    const app = await App.ready(agent, 'refer');
    peer.send(peer.request('REFER', { callId: 'r1', headers: 'Refer-To: <sip:bob@x>\r\n' }));
    const sent = await app.answer((await app.sip('REFER')).transactionId, '200 OK');
    await app.inside(
      sent.fields[7] ?? '',
      'NOTIFY',
      'Event: refer\r\nSubscription-State: terminated\r\nContent-Type: message/sipfrag\r\n',
      'SIP/2.0 200 OK',
    );
    peer.answer(await peer.next('NOTIFY'), '200 OK');
    await until(() => agent.counts().dialogs === 0);
  });
});
