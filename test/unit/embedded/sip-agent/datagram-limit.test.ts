/** Requests too large for a datagram: TCP is tried first, and the application hears how it ended in any case. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SipAgent } from '../../../../src/embedded/sip-agent/agent.ts';
import { flowsBySize } from '../../../../src/embedded/sip-agent/datagram-limit.ts';
import { createRequest, type SipRequest } from '../../../../src/embedded/sip-agent/sip-message.ts';
import type { Flow, LocalAddress } from '../../../../src/embedded/sip-agent/transport.ts';
import { App, header, Peer, startAgent, toTag } from './agent-harness.ts';

function request(bytes: number): SipRequest {
  const made = createRequest('NOTIFY', 'sip:ann@192.0.2.1');
  made.body = Buffer.alloc(bytes);
  return made;
}

describe('the way of a request', () => {
  const udp: LocalAddress = { protocol: 'udp', host: '127.0.0.1', port: 5060 };
  const tcp: LocalAddress = { protocol: 'tcp', host: '127.0.0.1', port: 5060 };
  const far: Flow = { local: udp, address: '192.0.2.1', port: 5070 };
  const protocols = (bytes: number, flow: Flow, locals = [udp, tcp]) =>
    flowsBySize(request(bytes), [flow], locals).map(
      ({ local, address, port }) => `${local.protocol}:${address}:${port}`,
    );

  it('is UDP up to 1,300 bytes, then TCP with UDP behind it (RFC 3261 18.1.1)', () => {
    expect(protocols(1_000, far)).toEqual(['udp:192.0.2.1:5070']);
    expect(protocols(1_300, far)).toEqual(['tcp:192.0.2.1:5070', 'udp:192.0.2.1:5070']);
  });

  it('is UDP up to what a datagram holds on the loopback interface', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(protocols(60_000, { ...far, address })).toEqual([`udp:${address}:5070`]);
      expect(protocols(65_000, { ...far, address })[0]).toBe(`tcp:${address}:5070`);
    }
  });

  it('stays what it is where there is no TCP, or nothing else', () => {
    expect(protocols(9_000, far, [udp])).toEqual(['udp:192.0.2.1:5070']);
    expect(protocols(9_000, far, [udp, { ...tcp, host: '127.0.0.2' }])).toEqual(['udp:192.0.2.1:5070']);
    expect(protocols(9_000, { ...far, local: tcp })).toEqual(['tcp:192.0.2.1:5070']);
  });

  it('counts headers, in bytes', () => {
    const made = request(0);
    made.headers.add('Subject', 'é'.repeat(600));
    expect(flowsBySize(made, [far], [udp, tcp])).toHaveLength(2);
  });
});

describe('a NOTIFY in a dialog over UDP', () => {
  let agent: SipAgent;
  let app: App;
  let peer: Peer;
  const sockets = new Set<Socket>();
  let listener: Server | undefined;

  beforeEach(async () => {
    agent = await startAgent();
    peer = await Peer.open(agent);
    app = await App.ready(agent, 'subscribe');
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    listener?.close();
    listener = undefined;
    app.socket.destroy();
    peer.close();
    await agent.stop();
  });

  /** The peer's TCP side, which answers every complete request with 200; resolves with the bytes of bodies it got. */
  function listenTcp(): Promise<number[]> {
    const sizes: number[] = [];
    const server = createServer((socket) => {
      sockets.add(socket);
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        const end = text.indexOf('\r\n\r\n');
        const length = Number(header(text, 'Content-Length') ?? Number.NaN);
        if (end < 0 || text.length < end + 4 + length) return;
        sizes.push(length);
        const lines = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(text, name)}\r\n`);
        socket.write(`SIP/2.0 200 OK\r\n${lines.join('')}Content-Length: 0\r\n\r\n`);
        text = text.slice(end + 4 + length);
      });
    });
    listener = server;
    return new Promise((resolve) => server.listen(peer.port, '127.0.0.1', () => resolve(sizes)));
  }

  async function subscribe(): Promise<string> {
    peer.send(peer.request('SUBSCRIBE', { callId: 'large', headers: 'Event: conference\r\nExpires: 60\r\n' }));
    const { transactionId } = await app.sip('SUBSCRIBE');
    const sent = await app.answer(transactionId, '200 OK', 'Expires: 60\r\n');
    expect(toTag(await peer.next('SIP/2.0 200'))).not.toBe('');
    return sent.fields[7] ?? '';
  }

  const headers = 'Event: conference\r\nSubscription-State: active;expires=60\r\nContent-Type: text/plain\r\n';

  it('arrives by TCP when it is larger than a datagram, of any size', async () => {
    const sizes = await listenTcp();
    const dialogId = await subscribe();
    for (const size of [100_000, 300_000, 3_000_000]) {
      const sent = await app.inside(dialogId, 'NOTIFY', headers, 'x'.repeat(size));
      expect(sent.fields[2]).toBe('tcp');
      expect((await app.sip('SIP/2.0 200')).transactionId).toBe(sent.fields[6]);
    }
    expect(sizes).toEqual([100_000, 300_000, 3_000_000]);
    await app.inside(dialogId, 'NOTIFY', headers, 'small');
    peer.answer(await peer.next('NOTIFY'), '200 OK');
    await app.sip('SIP/2.0 200');
  });

  it('fails with 503, after the OK to its command, when the peer takes no TCP', async () => {
    const dialogId = await subscribe();
    const sent = await app.inside(dialogId, 'NOTIFY', headers, 'x'.repeat(100_000));
    expect(sent.verdict).toBe('OK');
    expect((await app.sip('SIP/2.0 503')).transactionId).toBe(sent.fields[6]);
    expect(agent.counts()).toMatchObject({ clientTransactions: 0, outgoing: 0, dialogs: 1 });
  });

  it('fails in the same order when no connection may be opened', async () => {
    const closed = await startAgent({ limits: { maxConnections: 0 } });
    const other = await App.ready(closed);
    const sent = await other.command(`sip||\r\nOPTIONS sip:x@127.0.0.1:9;transport=tcp SIP/2.0\r\n\r\n`);
    expect(sent.verdict).toBe('OK');
    expect((await other.sip('SIP/2.0 503')).transactionId).toBe(sent.fields[6]);
    expect(closed.counts()).toMatchObject({ clientTransactions: 0, outgoing: 0 });
    await closed.stop();
  });
});
