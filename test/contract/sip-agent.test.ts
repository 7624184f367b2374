/** drachtio-srf, unchanged, on the embedded SIP agent: a request from the network reaches the application and its answer comes back. */
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import Srf from 'drachtio-srf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSipAgent, type SipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { createLog } from '../../src/log.ts';

type Handler = (request: unknown, response: { send(status: number, options?: object): void }) => void;
interface Application {
  connect(options: { host: string; port: number; secret: string }): void;
  disconnect(): void;
  on(event: string, listener: (...values: unknown[]) => void): void;
  options(handler: Handler): void;
  refer(handler: Handler): void;
}

let agent: SipAgent;
let application: Application;

beforeAll(async () => {
  agent = await createSipAgent({
    admin: { host: '127.0.0.1', port: 0 },
    secret: 'of the test',
    listen: [{ protocol: 'udp', host: '127.0.0.1', port: 0 }],
    log: createLog({ level: 'silent' }),
  });
  application = new Srf() as unknown as Application;
  const connected = new Promise<void>((resolve) => application.on('connect', () => resolve()));
  application.options((_request, response) =>
    response.send(200, { headers: { Contact: '<sip:tea@localhost>;isfocus' } }),
  );
  application.refer((_request, response) => response.send(403));
  application.connect({ host: '127.0.0.1', port: agent.adminPort, secret: 'of the test' });
  await connected;
});

afterAll(async () => {
  application.disconnect();
  await agent.stop();
});

/** Sends one request until an answer above 100 comes (the routes of the application may not stand yet). */
async function exchange(method: string): Promise<string> {
  const port = agent.addresses[0]?.port ?? 0;
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  try {
    for (let attempt = 0; attempt < 50; attempt++) {
      const answer = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(String(bytes))));
      const lines = [
        `${method} sip:tea@127.0.0.1:${port} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${socket.address().port};branch=z9hG4bK${randomUUID()};rport`,
        'From: "Ann, \\"A\\" <x>" <sip:ann@example.org>;tag=1',
        'To: <sip:tea@127.0.0.1>',
        `Call-ID: ${randomUUID()}`,
        `CSeq: 1 ${method}`,
        'Contact: <sip:ann@127.0.0.1>',
        'Refer-To: <sip:bob@127.0.0.1>',
        'Max-Forwards: 70',
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
      const text = await answer;
      if (!text.startsWith('SIP/2.0 503')) return text;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return 'no route';
  } finally {
    socket.close();
  }
}

it('passes OPTIONS to the application, and writes its own address where it says localhost', async () => {
  const answer = await exchange('OPTIONS');
  expect(answer).toMatch(/^SIP\/2\.0 200 /);
  expect(answer).toContain(`Contact: <sip:tea@127.0.0.1:${agent.addresses[0]?.port}>;isfocus`);
});

it('passes a REFER outside a dialog on as well', async () => {
  expect(await exchange('REFER')).toMatch(/^SIP\/2\.0 403 /);
});

it('answers what cannot be read with 400 and goes on', async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const answer = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(String(bytes))));
  const via = `Via: SIP/2.0/UDP 127.0.0.1:${socket.address().port};branch=z9hG4bKbad;rport`;
  const text = `OPTIONS sip:tea@127.0.0.1 SIP/2.0\r\n${via}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: bad\r\nCSeq: x OPTIONS\r\n\r\n`;
  socket.send('\u0000garbage', agent.addresses[0]?.port ?? 0, '127.0.0.1');
  socket.send(text, agent.addresses[0]?.port ?? 0, '127.0.0.1');
  expect(await answer).toMatch(/^SIP\/2\.0 400 /);
  socket.close();
  expect(await exchange('OPTIONS')).toMatch(/^SIP\/2\.0 200 /);
});
