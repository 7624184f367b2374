/**
 * Helper process of the NOTIFY benchmark: the two floors. `frames` writes prepared frames to the SIP server and does nothing else that
 * a notifier does; `datagrams` is a notifier without a SIP server: its own transactions on a bare socket, no timers.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { serve } from './child.ts';
import { clock } from './measure.ts';
import type { Subscriber } from './sip-watchers.ts';

export type FloorOrder =
  | {
      readonly kind: 'start';
      readonly port: number;
      readonly secret: string;
      /** Where the subscribers listen. */
      readonly watcherPort: number;
      readonly watchers: readonly Subscriber[];
      /** A NOTIFY of the product, so that the floors send the same. */
      readonly sample: string;
    }
  | { readonly kind: 'send'; readonly by: 'frames' | 'datagrams' };

export type FloorReport = { readonly kind: 'ready' } | { readonly kind: 'sent'; readonly at: number };

const host = '127.0.0.1';
const window = 32;

let watchers: readonly Subscriber[] = [];
let headers = '';
let bodyHead = '';
let bodyTail = '';
let version = 1;
let next = 0;
let answered = 0;
let finished = (): void => undefined;

/** Takes the parts of a NOTIFY that are the same for all. */
function learn(sample: string): void {
  const end = sample.indexOf('\r\n\r\n');
  const lines = sample.slice(0, end).split('\r\n');
  const kept = lines.filter((line) => /^(?:event|subscription-state|contact|content-type):/i.test(line));
  headers = `${kept.join('\r\n')}\r\n`;
  const body = sample.slice(end + 4);
  const at = body.indexOf(' version="', 60) + 10;
  bodyHead = body.slice(0, at);
  bodyTail = body.slice(body.indexOf('"', at));
}

// --- frames to the SIP server

let server: Socket | undefined;
let heard = '';
/** Ends of transactions: each answer has a frame of its own, beside the one that says that the request went out. */
const answerMark = '\r\nSIP/2.0 200';

async function openServer(port: number, secret: string): Promise<void> {
  const socket = connect({ host, port, noDelay: true });
  server = socket;
  await once(socket, 'connect');
  const text = `floor|authenticate|${secret}|`;
  socket.write(`${text.length}#${text}`);
  await once(socket, 'data');
  socket.on('data', (data) => {
    heard += data.toString('latin1');
    let at = heard.indexOf(answerMark);
    let after = 0;
    let free = 0;
    while (at >= 0) {
      free += 1;
      after = at + answerMark.length;
      at = heard.indexOf(answerMark, after);
    }
    heard = heard.slice(Math.max(after, heard.length - answerMark.length));
    if (free === 0) return;
    answered += free;
    sendFrames(free);
    if (answered === watchers.length) finished();
  });
}

function sendFrames(most: number): void {
  const end = Math.min(watchers.length, next + most);
  if (next === end) return;
  server?.cork();
  for (; next < end; next += 1) {
    const { callId, tag } = watchers[next] as Subscriber;
    const text = `${next}|sip||${callId};from-tag=${tag}\r\nNOTIFY sip:x SIP/2.0\r\n${headers}\r\n${bodyHead}${version}${bodyTail}`;
    server?.write(`${Buffer.byteLength(text)}#${text}`);
  }
  server?.uncork();
}

// --- datagrams to the subscribers

const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20 });
const transactions = new Map<string, number>();
let branches = 0;
let ownPort = 0;

async function openSocket(watcherPort: number): Promise<void> {
  socket.bind(0, host);
  await once(socket, 'listening');
  socket.connect(watcherPort, host);
  await once(socket, 'connect');
  ownPort = socket.address().port;
  socket.on('message', (data) => {
    const at = data.indexOf('z9hG4bK', 0, 'latin1');
    const end = data.indexOf(';', at, 'latin1');
    if (!transactions.delete(data.toString('latin1', at, end))) return;
    answered += 1;
    sendDatagrams(1);
    if (answered === watchers.length) finished();
  });
}

function sendDatagrams(most: number): void {
  const end = Math.min(watchers.length, next + most);
  for (; next < end; next += 1) {
    const { callId, tag } = watchers[next] as Subscriber;
    branches += 1;
    const branch = `z9hG4bK${branches}`;
    const body = `${bodyHead}${version}${bodyTail}`;
    const text =
      `NOTIFY sip:watcher${next}@${host}:1 SIP/2.0\r\nVia: SIP/2.0/UDP ${host}:${ownPort};branch=${branch};rport\r\nMax-Forwards: 70\r\n` +
      `From: <sip:tea@conf.example>;tag=floor\r\nTo: <sip:watcher@watchers.example>;tag=${tag}\r\nCall-ID: ${callId}\r\nCSeq: ${branches} NOTIFY\r\n` +
      `${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    transactions.set(branch, next);
    socket.send(text);
  }
}

serve<FloorOrder, FloorReport>(async (order) => {
  if (order.kind === 'start') {
    watchers = order.watchers;
    learn(order.sample);
    await Promise.all([openServer(order.port, order.secret), openSocket(order.watcherPort)]);
    return { kind: 'ready' };
  }
  version += 1;
  next = 0;
  answered = 0;
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const at = clock();
  if (order.by === 'frames') sendFrames(window);
  else sendDatagrams(window);
  await done;
  return { kind: 'sent', at };
});
