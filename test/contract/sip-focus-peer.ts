/** A bare SIP peer over UDP for the focus's contract: writes requests by hand, so that wrong ones can be written as well. */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface SipMessage {
  readonly start: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

export const headerOf = (message: SipMessage, name: string): string =>
  message.headers.get(name.toLowerCase())?.join(', ') ?? '';
export const statusOf = (message: SipMessage): number => Number(/^SIP\/2\.0 (\d+)/.exec(message.start)?.[1] ?? 0);

function parse(text: string): SipMessage {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [start = '', ...lines] = head.split('\r\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return { start, headers, body: rest.join('\r\n\r\n') };
}

export const offer = (port = 40_000, direction = 'sendrecv', address = '127.0.0.1'): string =>
  [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    `a=${direction}`,
    '',
  ].join('\r\n');

/** A call or subscription from the peer's point of view. */
export interface PeerDialog {
  readonly callId: string;
  readonly from: string;
  to: string;
  target: string;
  cseq: number;
}

export class SipPeer {
  readonly heard: SipMessage[] = [];
  readonly #socket: Socket = createSocket('udp4');
  readonly #server: { host: string; port: number };
  #wake: (() => void)[] = [];
  /** The SDP in our answers to INVITE. */
  sdp = '';
  /** What to answer requests with; null = stay silent. */
  answerWith: (request: SipMessage) => number | null = () => 200;
  /** More header lines of our answers. */
  answerHeaders: readonly string[] = [];

  constructor(server: { host: string; port: number }) {
    this.#server = server;
  }

  async start(): Promise<this> {
    this.#socket.on('message', (data) => this.#hear(parse(data.toString())));
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    return this;
  }

  stop(): void {
    this.#socket.close();
  }

  get port(): number {
    return (this.#socket.address() as AddressInfo).port;
  }

  dialog(user: string, target: string, host = 'callers.example', display = ''): PeerDialog {
    const callId = randomBytes(8).toString('hex');
    return {
      callId,
      from: `${display ? `"${display}" ` : ''}<sip:${user}@${host}>;tag=${randomBytes(4).toString('hex')}`,
      to: `<${target}>`,
      target,
      cseq: 0,
    };
  }

  /** Sends a request and resolves with its final answer. */
  async request(
    method: string,
    dialog: PeerDialog,
    headers: Record<string, string> = {},
    body = '',
  ): Promise<SipMessage> {
    dialog.cseq += 1;
    const branch = `z9hG4bK${randomBytes(8).toString('hex')}`;
    this.#write(method, dialog, dialog.cseq, branch, headers, body);
    const answer = await this.wait(
      (message) => statusOf(message) >= 200 && headerOf(message, 'via').includes(branch),
      `answer to ${method}`,
    );
    if (statusOf(answer) < 300) {
      dialog.to = headerOf(answer, 'to');
      dialog.target = /<([^>]+)>/.exec(headerOf(answer, 'contact'))?.[1] ?? dialog.target;
    }
    if (method === 'INVITE' && statusOf(answer) >= 300) {
      this.#write('ACK', { ...dialog, to: headerOf(answer, 'to') }, dialog.cseq, branch, {}, '');
    }
    return answer;
  }

  /** Sends an INVITE without waiting; the branch is for `cancel`. */
  begin(dialog: PeerDialog, body: string): string {
    dialog.cseq += 1;
    const branch = `z9hG4bK${randomBytes(8).toString('hex')}`;
    this.#write('INVITE', dialog, dialog.cseq, branch, { 'Content-Type': 'application/sdp' }, body);
    return branch;
  }

  cancel(dialog: PeerDialog, branch: string): void {
    this.#write('CANCEL', dialog, dialog.cseq, branch, {}, '');
  }

  ack(dialog: PeerDialog, body = ''): void {
    const headers: Record<string, string> = body ? { 'Content-Type': 'application/sdp' } : {};
    this.#write('ACK', dialog, dialog.cseq, `z9hG4bK${randomBytes(8).toString('hex')}`, headers, body);
  }

  /** The first message, old or new, that fits and was not handed out before. */
  async wait(fits: (message: SipMessage) => boolean, what: string, limitMs = 10_000): Promise<SipMessage> {
    const limit = performance.now() + limitMs;
    for (;;) {
      const index = this.heard.findIndex(fits);
      const [found] = index < 0 ? [] : this.heard.splice(index, 1);
      if (found) return found;
      const left = limit - performance.now();
      if (left <= 0)
        throw new Error(`nothing came: ${what}; heard ${this.heard.map((message) => message.start).join(' / ')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  waitRequest(method: string, dialog: PeerDialog, limitMs = 10_000): Promise<SipMessage> {
    return this.wait(
      (message) => message.start.startsWith(`${method} `) && headerOf(message, 'call-id') === dialog.callId,
      method,
      limitMs,
    );
  }

  #hear(message: SipMessage): void {
    const method = /^([A-Z]+) sip/.exec(message.start)?.[1];
    if (method && method !== 'ACK') this.#answer(message);
    this.heard.push(message);
    for (const wake of this.#wake.splice(0)) wake();
  }

  #answer(message: SipMessage): void {
    const status = this.answerWith(message);
    if (status === null) return;
    const copied = ['via', 'from', 'to', 'call-id', 'cseq'].map((name) => `${name}: ${headerOf(message, name)}`);
    const body = status === 200 && message.start.startsWith('INVITE') ? this.sdp : '';
    const to = /;tag=/.test(headerOf(message, 'to')) ? '' : ';tag=peer';
    const lines = [
      `SIP/2.0 ${status} Whatever`,
      ...copied.map((line) => (line.startsWith('to:') ? line + to : line)),
      `Contact: <sip:peer@127.0.0.1:${this.port}>`,
      ...this.answerHeaders,
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
    this.#socket.send(text, this.#server.port, this.#server.host);
  }

  #write(
    method: string,
    dialog: PeerDialog,
    cseq: number,
    branch: string,
    headers: Record<string, string>,
    body: string,
  ): void {
    const lines = [
      `${method} ${dialog.target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: ${dialog.from}`,
      `To: ${dialog.to}`,
      `Call-ID: ${dialog.callId}`,
      `CSeq: ${cseq} ${method}`,
      ...Object.entries({ Contact: `<sip:peer@127.0.0.1:${this.port}>`, ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      ),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ];
    this.#socket.send(lines.join('\r\n'), this.#server.port, this.#server.host);
  }
}

/** Answers a challenge (RFC 7616 3.4), written apart from the product's own arithmetic. */
export function authorize(
  challenge: SipMessage,
  algorithm: 'SHA-256' | 'MD5',
  who: { user: string; password: string },
  method: string,
  uri: string,
  nc = '00000001',
): string {
  const values = challenge.headers.get('www-authenticate') ?? [];
  const value = values.find((line) => line.includes(`algorithm=${algorithm}`)) ?? '';
  const of = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(value)?.[1] ?? '';
  const h = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const a1 = h(`${who.user}:${of('realm')}:${who.password}`);
  const a2 = h(`${method}:${uri}`);
  const response = h(`${a1}:${of('nonce')}:${nc}:c0ffee:auth:${a2}`);
  return (
    `Digest username="${who.user}", realm="${of('realm')}", nonce="${of('nonce')}", uri="${uri}", algorithm=${algorithm}, ` +
    `response="${response}", qop=auth, nc=${nc}, cnonce="c0ffee", opaque="${of('opaque')}"`
  );
}
