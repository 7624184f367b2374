/** Whatever is sent to a running bridge, by SIP, XMPP, NATS or HTTP: a clear refusal or none, and the meeting goes on. */
import { createSocket } from 'node:dgram';
import { connect as connectTcp } from 'node:net';
import { connect as connectNats } from '@nats-io/transport-node';
import { xml } from '@xmpp/client';
import { afterEach, expect, it } from 'vitest';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import type { Call } from '../harness/sip/call.ts';
import { type Attendee, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['sip', 'xml', 'bus', 'http'];

interface Talk {
  readonly owner: Attendee;
  readonly guest: Attendee;
  readonly ownerCall: Call;
  readonly guestCall: Call;
}

async function talk(stack: MeetingStack, link: string): Promise<Talk> {
  const { owner, guest } = await people(stack, link);
  const calls = { ownerCall: await owner.call(), guestCall: await guest.call() };
  await calls.ownerCall.hears(guest.tone);
  return { owner, guest, ...calls };
}

/** The talk goes on, a new call comes in, and moderation still acts. */
async function goesOn(stack: MeetingStack, link: string, { owner, guest, ownerCall, guestCall }: Talk): Promise<void> {
  await guestCall.hears(owner.tone);
  await owner.room.revokeVoice('bob');
  await ownerCall.silentOf(guest.tone);
  await owner.room.grantVoice('bob');
  await ownerCall.hears(guest.tone);
  const late = await (await stack.phone('zoe')).call(stack.link(link).conference);
  await late.hears(guest.tone);
  await stack.bridge.untilReady();
}

const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7919 + (i >> 3)) % 256));

function datagrams(port: number, payloads: readonly (string | Buffer)[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    let left = payloads.length;
    for (const payload of payloads) {
      socket.send(payload, port, '127.0.0.1', () => {
        left -= 1;
        if (left === 0) socket.close(() => resolve());
      });
    }
  });
}

/** Sends on a connection of its own and resolves with what came back within a moment, or until the peer closed it. */
function stream(port: number, payload: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    let heard = '';
    const done = (): void => {
      socket.destroy();
      resolve(heard);
    };
    socket.setTimeout(700, done).on('error', done).on('close', done);
    socket.on('data', (data) => {
      heard += data.toString('latin1');
    });
    socket.write(payload);
  });
}

const sip = (conference: string, lines: readonly string[], body = ''): string =>
  [`INVITE ${conference} SIP/2.0`, ...lines, '', body].join('\r\n');
const usual = [
  'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKbad;rport',
  'From: <sip:x@elsewhere.test>;tag=1',
  'To: <sip:tea@conf.test>',
  'Call-ID: bad',
  'CSeq: 1 INVITE',
  'Max-Forwards: 70',
  'Contact: <sip:x@127.0.0.1:9>',
];
const without = (name: string): string[] => usual.filter((line) => !line.startsWith(name));

describeStacks('A running bridge', { links }, (stack) => {
  let pid: number | null = null;
  afterEach(() => expect(stack().bridge.pid).toBe(pid));

  it('takes no harm from garbage and monsters on SIP', async () => {
    pid = stack().bridge.pid;
    const meeting = await talk(stack(), 'sip');
    const { conference } = stack().link('sip');
    const { port } = stack().sipServer;
    const bad = [
      ...['', '\r\n\r\n', '\0', 'INVITE', 'SIP/2.0 200 OK\r\n\r\n', noise(1), noise(1400), noise(60_000)],
      ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => sip(conference, without(name))),
      sip(conference, [...usual, `X-Long: ${'x'.repeat(50_000)}`]),
      sip(conference, [...usual, ...Array.from({ length: 900 }, (_, i) => `X-Many-${i}: y`)]),
      sip(conference, [...usual, 'Content-Type: application/sdp', 'Content-Length: 9'], 'not SDP\r\n'),
      sip(conference, [...usual, 'Content-Length: 99999'], 'short'),
      sip(conference, [...usual, 'Content-Length: -1']),
      sip(`sip:${'%'.repeat(300)}@`, usual),
      sip('sip:\u0000\ufffe@conf.test', usual),
    ];
    await datagrams(port, bad);
    for (const payload of [noise(5_000), ...bad.slice(-7), 'x'.repeat(300_000)]) await stream(port, payload);
    await goesOn(stack(), 'sip', meeting);
  });

  it('takes no harm from what people and strangers write in XMPP', async () => {
    pid = stack().bridge.pid;
    const meeting = await talk(stack(), 'xml');
    const { user } = meeting.guest;
    const { room } = stack().link('xml');
    const focus = `focus@${stack().xmpp.componentDomain}`;
    const deep = () =>
      Array.from({ length: 300 }).reduce<ReturnType<typeof xml>>((inner) => xml('a', {}, inner), xml('b'));
    for (const to of [focus, `${focus}/focus`, stack().xmpp.componentDomain]) {
      await user.send(xml('message', { to }, xml('body', {}, 'x'.repeat(60_000))));
      await user.send(xml('message', { to, type: 'groupchat' }, deep()));
      await user.send(
        xml('presence', { to, type: 'unavailable' }, xml('x', { xmlns: 'http://jabber.org/protocol/muc#user' })),
      );
      const iq = xml('query', { xmlns: 'urn:none' }, xml('item', { role: 'none', nick: 'alice' }));
      await expect(user.iq('set', to, iq)).rejects.toThrow();
      await expect(user.iq('get', to, deep())).rejects.toThrow();
    }
    await user.send(xml('message', { to: room, type: 'groupchat' }, xml('body', {}, '\u202e<&">]]>\ufffd'), deep()));
    const forged = xml(
      'x',
      { xmlns: 'http://jabber.org/protocol/muc#user' },
      xml('destroy'),
      xml('status', { code: '307' }),
    );
    await user.send(xml('presence', { to: `${room}/bob` }, forged));
    await goesOn(stack(), 'xml', meeting);
  });

  it('takes no harm from what others say on NATS', async () => {
    pid = stack().bridge.pid;
    const meeting = await talk(stack(), 'bus');
    const other = await connectNats({ servers: stack().nats.url });
    const key = (text: string): string => Buffer.from(text).toString('base64url');
    const payloads = ['', 'not JSON', '[]', '{"value":7}', '{"value":{"nick":1}}', '{}', noise(900_000)];
    for (const kind of ['leg', 'occupant', 'room', 'link', 'expulsion', 'binding', 'no-such-kind']) {
      for (const payload of payloads) other.publish(`cusax.v1.bus.${kind}.${key('-')}`, payload);
    }
    other.publish('cusax.v1.bus', 'x');
    other.publish('cusax.v1.BUS*.leg.***', 'x');
    for (const payload of ['', 'not JSON', '{"ask":{}}', noise(10_000)]) {
      for (const subject of ['cusax.ask.v1.room', `cusax.ask.v1.focus.${key('bridge-1')}`]) {
        const answer = await other.request(subject, payload, { timeout: 5_000 });
        expect(answer.json()).toMatchObject({ ok: false, condition: 'bad-request' });
      }
    }
    await other.close();
    await goesOn(stack(), 'bus', meeting);
    expect(stack().bridge.output()).toContain('a message without the form of its kind is left aside');
  });

  it('answers bad HTTP with what is wrong, and shows strangers nothing', async () => {
    pid = stack().bridge.pid;
    const meeting = await talk(stack(), 'http');
    const { url, token } = stack().bridge;
    const send = (path: string, init: RequestInit, authorization = `Bearer ${token}`) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization, ...init.headers } });
    const json = { 'content-type': 'application/json' };
    const mute = '/admin/links/http/mute';
    const cases: [string, RequestInit, number][] = [
      [mute, { method: 'POST', body: '{"person":', headers: json }, 400],
      [mute, { method: 'POST', body: '{}', headers: json }, 400],
      [mute, { method: 'POST', body: '{"person":["bob"]}', headers: json }, 400],
      [mute, { method: 'POST', body: '<mute/>', headers: { 'content-type': 'text/xml' } }, 415],
      [mute, { method: 'POST', body: JSON.stringify({ person: 'x'.repeat(70_000) }), headers: json }, 413],
      ['/admin/links/none/mute', { method: 'POST', body: '{"person":"bob"}', headers: json }, 404],
      ['/admin/links/%00/mute', { method: 'POST', body: '{"person":"bob"}', headers: json }, 404],
      [mute, { method: 'GET' }, 404],
      ['/nothing', { method: 'GET' }, 404],
    ];
    for (const [path, init, status] of cases) {
      const answer = await send(path, init);
      expect([path, answer.status]).toEqual([path, status]);
      expect(await answer.json()).toMatchObject({ error: expect.any(String), text: expect.stringMatching(/\w+ \w+/) });
    }
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${token}`]) {
      const answer = await send('/admin/links', {}, authorization);
      expect(answer.status).toBe(401);
      expect(await answer.text()).not.toContain('tea');
    }
    const port = Number(new URL(url).port);
    expect(await stream(port, noise(20_000))).toMatch(/^HTTP\/1\.1 400/);
    expect(await stream(port, `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/);
    await goesOn(stack(), 'http', meeting);
  });
});
