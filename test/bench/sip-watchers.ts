/** Helper process of the NOTIFY benchmark: any number of subscribers behind one UDP socket, who answer 200 and count. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { serve } from './child.ts';
import { clock } from './measure.ts';

export type WatcherOrder =
  /** Sends so many SUBSCRIBEs, at most 20 at a time, and waits for each answer and first NOTIFY. */
  | { readonly kind: 'subscribe'; readonly count: number; readonly port: number; readonly uri: string }
  /** Forgets what was counted and waits for so many different NOTIFYs. */
  | { readonly kind: 'expect'; readonly count: number }
  | { readonly kind: 'await' };

export type WatcherReport =
  | { readonly kind: 'subscribed'; readonly port: number; readonly watchers: readonly Subscriber[] }
  /** `before`: NOTIFYs counted until now. */
  | { readonly kind: 'expecting'; readonly before: number }
  | {
      readonly kind: 'all';
      readonly notifies: number;
      /** NOTIFYs that came a second time. */
      readonly repeated: number;
      /** Of all of them, headers included. */
      readonly bytes: number;
      /** When the first and last came, `clock`. */
      readonly first: number;
      readonly last: number;
      /** The headers and the body of one of them. */
      readonly sample: string;
    };

/** With both of its parts the floors can find the dialog. */
export interface Subscriber {
  readonly callId: string;
  readonly tag: string;
}

const host = '127.0.0.1';
const atOnce = 20;
const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20 });
socket.bind(0, host);
const listening = once(socket, 'listening');

const answers = new Map<string, (status: number) => void>();
let seen = new Set<string>();
let subscribed = 0;
let repeated = 0;
let bytes = 0;
let first = 0;
let last = 0;
let sample = '';
let awaited = 0;
let reached = (): void => undefined;
let all = Promise.resolve();

const repeatedNames = /^(?:via|v|from|f|to|t|call-id|i|cseq):/i;

function answer(text: string, from: RemoteInfo): void {
  const end = text.indexOf('\r\n\r\n');
  const lines = text.slice(0, end).split('\r\n');
  const kept = lines.filter((line) => repeatedNames.test(line)).join('\r\n');
  socket.send(`SIP/2.0 200 OK\r\n${kept}\r\nContent-Length: 0\r\n\r\n`, from.port, from.address);
}

function count(text: string, length: number): void {
  const branch = /branch=([^\s;,]+)/.exec(text)?.[1] ?? '';
  if (seen.has(branch)) {
    repeated += 1;
    return;
  }
  seen.add(branch);
  bytes += length;
  last = clock();
  if (seen.size === 1) {
    first = last;
    sample = text;
  }
  if (seen.size === awaited) reached();
}

socket.on('message', (data, from) => {
  const text = data.toString('utf8');
  if (text.startsWith('NOTIFY ')) {
    answer(text, from);
    count(text, data.length);
    return;
  }
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0);
  if (status >= 200) answers.get(/^call-id: *(\S+)/im.exec(text)?.[1] ?? '')?.(status);
});

function expectNotifies(number: number): void {
  seen = new Set();
  repeated = 0;
  bytes = 0;
  awaited = number;
  all = new Promise((resolve) => {
    reached = resolve;
  });
}

function subscribeText(uri: string, { callId, tag }: Subscriber, index: number): string {
  const { port } = socket.address();
  const lines = [
    `SUBSCRIBE ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${host}:${port};branch=z9hG4bK-${callId};rport`,
    'Max-Forwards: 70',
    `From: <sip:watcher${index}@watchers.example>;tag=${tag}`,
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 SUBSCRIBE',
    `Contact: <sip:watcher${index}@${host}:${port}>`,
    'Event: conference',
    'Accept: application/conference-info+xml',
    'Expires: 3600',
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

async function subscribe(number: number, port: number, uri: string): Promise<WatcherReport> {
  await listening;
  expectNotifies(number);
  const watchers = Array.from({ length: number }, (_, index) => ({
    callId: `${process.pid}-${subscribed + index}`,
    tag: `f${subscribed + index}`,
  }));
  subscribed += number;
  for (let from = 0; from < number; from += atOnce) {
    const some = watchers.slice(from, from + atOnce).map(async (watcher, index) => {
      const answered = new Promise<number>((resolve) => answers.set(watcher.callId, resolve));
      socket.send(subscribeText(uri, watcher, from + index), port, host);
      const status = await answered;
      if (status !== 200) throw new Error(`a SUBSCRIBE was answered with ${status}`);
    });
    await Promise.all(some);
  }
  await all;
  return { kind: 'subscribed', port: socket.address().port, watchers };
}

serve<WatcherOrder, WatcherReport>(async (order) => {
  if (order.kind === 'subscribe') return subscribe(order.count, order.port, order.uri);
  if (order.kind === 'expect') {
    const before = seen.size;
    expectNotifies(order.count);
    return { kind: 'expecting', before };
  }
  await all;
  return { kind: 'all', notifies: seen.size, repeated, bytes, first, last, sample };
});
