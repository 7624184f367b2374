/** What no honest application or peer sends: it costs its sender the connection at most, and nobody else anything. */
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SipAgent } from '../../../../src/embedded/sip-agent/agent.ts';
import { TcpConnection } from '../../../../src/embedded/sip-agent/tcp-connection.ts';
import { App, Peer, startAgent } from './agent-harness.ts';

let agent: SipAgent;
let app: App;
let peer: Peer;
let count = 0;

beforeAll(async () => {
  agent = await startAgent();
  app = await App.ready(agent, 'options', 'invite');
  peer = await Peer.open(agent);
});

afterAll(async () => {
  peer.close();
  app.socket.destroy();
  await agent.stop();
});

/** A request of an honest peer, repeated as UDP needs it, is still carried to an honest application, and its answer back. */
async function expectService(): Promise<void> {
  count += 1;
  const callId = `honest-${count}`;
  const request = peer.request('OPTIONS', { callId, branch: callId });
  peer.send(request);
  const repeat = setInterval(() => peer.send(request), 500);
  try {
    const { fields } = await app.frames.next(
      ({ kind, sip }) => kind === 'sip' && sip.includes(`Call-ID: ${callId}\r\n`),
      callId,
    );
    await app.answer(fields[6] ?? '', '200 OK');
    await peer.messages.next((text) => text.startsWith('SIP/2.0 200') && text.includes(callId), `answer to ${callId}`);
  } finally {
    clearInterval(repeat);
  }
}

function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined).resume();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('an application', () => {
  const frames: [string, string][] = [
    ['has no length', '#x|ping'],
    ['has a length that is none', '12a#x|ping'],
    ['never says its length', '1'.repeat(40)],
    ['is larger than any', '99999999#'],
    ['has no kind', '5#hello'],
    ['is of a kind unknown', '8#1|reboot'],
    ['is empty', '0#'],
    ['is no text', '4#\xff\xfe\x00\x01'],
  ];

  it.each(frames)('whose frame %s loses its connection', async (_what, bytes) => {
    const bad = await App.ready(agent);
    const end = closed(bad.socket);
    bad.socket.write(Buffer.from(bytes, 'latin1'));
    await end;
    await expectService();
  });

  const messages: [string, string][] = [
    ['is missing', ''],
    ['is noise', '\0\r\n\r\n\0'],
    ['is a megabyte of noise', 'x'.repeat(1_000_000)],
    ['has a request line only', 'INVITE'],
    ['has a URI that is none', 'INVITE <sip:x> SIP/2.0\r\n\r\n'],
    ['has a scheme unknown', 'INVITE gopher:x SIP/2.0\r\n\r\n'],
    ['has a From that is none', 'OPTIONS sip:x@127.0.0.1:9 SIP/2.0\r\nFrom: <<<\r\n\r\n'],
    ['goes to a port that is none', 'OPTIONS sip:x@127.0.0.1:99999 SIP/2.0\r\n\r\n'],
    ['is for the agent itself', 'OPTIONS sip:x@127.0.0.1:PORT SIP/2.0\r\n\r\n'],
    ['is an answer to nothing', 'SIP/2.0 200 OK\r\n\r\n'],
  ];

  it.each(messages)('whose message %s is told so, and goes on', async (_what, text) => {
    const port = agent.addresses.find(({ protocol }) => protocol === 'udp')?.port;
    const { verdict } = await app.command(`sip||\r\n${text.replace('PORT', String(port))}`);
    expect(verdict).toBe('NOK');
    await expectService();
  });

  it('cannot put a line into a message of its own', async () => {
    await app.command(
      `sip||\r\nMESSAGE sip:x@127.0.0.1:${peer.port} SIP/2.0\r\nSubject: a\rVia: SIP/2.0/UDP evil\nRoute: <sip:evil>\r\n\r\n`,
    );
    expect(await peer.next('MESSAGE')).not.toContain('evil');
  });

  it('may send any bytes behind the secret', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (noise) => {
        const bad = await App.ready(agent);
        bad.socket.write(Buffer.concat([Buffer.from(`${noise.length + 3}#1|s`), noise, Buffer.from('5#x|sip')]));
        bad.socket.end();
        await closed(bad.socket);
      }),
      { numRuns: 40 },
    );
    await expectService();
  });
});

describe('a peer by UDP', () => {
  it('may send noise and broken requests of any size', async () => {
    const whole = Buffer.from(
      peer.request('INVITE', { callId: 'broken', headers: 'Supported: 100rel\r\n', body: 'v=0' }),
    );
    const broken = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.constantFrom(0, 10, 13, 32, 34, 44, 58, 59, 60, 255)), {
        maxLength: 8,
      })
      .map((changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const noise = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes));
    for (const bytes of fc.sample(fc.oneof(broken, noise), 400)) peer.send(bytes.toString('latin1'));
    for (const text of ['x'.repeat(65_000), `${'x:y\r\n'.repeat(12_000)}\r\n`, `Via: ${','.repeat(60_000)}\r\n\r\n`])
      peer.send(text);
    peer.send(`INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h${';a'.repeat(30_000)}\r\n\r\n`);
    await expectService();
  });

  it('gets an answer to a request as large as UDP carries', async () => {
    peer.send(peer.request('OPTIONS', { callId: 'largest', body: 'y'.repeat(64_000) }));
    const { transactionId, sip } = await app.sip('OPTIONS');
    expect(sip.length).toBeGreaterThan(64_000);
    await app.answer(transactionId, '200 OK');
    await peer.messages.next((text) => text.includes('largest'), 'answer');
  });
});

describe('a peer by TCP', () => {
  const faults: [string, string][] = [
    ['speaks HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['does not say how long its message is', 'OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n\r\n'],
    ['says so wrongly', 'OPTIONS sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n'],
    ['promises too much', 'OPTIONS sip:x SIP/2.0\r\nContent-Length: 999999999\r\n\r\n'],
    ['never ends its headers', 'x: y\r\n'.repeat(20_000)],
    ['never ends its first line', 'x'.repeat(70_000)],
    ['sends noise', `\0\xff\r\n\r\n`],
  ];

  it.each(faults)('that %s loses its connection', async (_what, text) => {
    const socket = connect(agent.addresses.find(({ protocol }) => protocol === 'tcp')?.port ?? 0, '127.0.0.1');
    const end = closed(socket);
    socket.write(Buffer.from(text, 'latin1'));
    await end;
    await expectService();
  });
});

describe('a connection', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function open(connecting: boolean): { socket: PassThrough; messages: Buffer[] } {
    const socket = Object.assign(new PassThrough(), { setNoDelay: vi.fn(), setKeepAlive: vi.fn(), connecting });
    const messages: Buffer[] = [];
    const limits = { maxHeaderBytes: 1_000, maxMessageBytes: 2_000 };
    new TcpConnection(socket as unknown as Socket, { address: '127.0.0.1', port: 9 }, limits, {
      message: (bytes) => messages.push(bytes),
      closed: () => undefined,
      fault: () => undefined,
    });
    return { socket, messages };
  }
  const whole = Buffer.from('OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n');

  it('of a peer that says nothing, or not all, is closed after 32 s', async () => {
    const silent = open(false).socket;
    const slow = open(false).socket;
    slow.push(whole.subarray(0, 30));
    await vi.advanceTimersByTimeAsync(31_900);
    expect([silent.destroyed, slow.destroyed]).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(200);
    expect([silent.destroyed, slow.destroyed]).toEqual([true, true]);
  });

  it('stays open when something was said, and when we opened it', async () => {
    const used = open(false);
    used.socket.push(whole);
    const own = open(true).socket;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(used.messages).toHaveLength(1);
    expect([used.socket.destroyed, own.destroyed]).toEqual([false, false]);
  });
});
