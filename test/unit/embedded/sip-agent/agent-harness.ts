/** A running agent with applications that speak drachtio's wire by hand, and SIP peers that are bare UDP sockets. */
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { createSipAgent, type SipAgent, type SipAgentOptions } from '../../../../src/embedded/sip-agent/agent.ts';
import { FrameReader } from '../../../../src/embedded/sip-agent/wire-framing.ts';
import { createLog } from '../../../../src/log.ts';

export const secret = 'of the test';

export function startAgent(options: Partial<SipAgentOptions> = {}): Promise<SipAgent> {
  return createSipAgent({
    admin: { host: '127.0.0.1', port: 0 },
    secret,
    listen: [
      { protocol: 'udp', host: '127.0.0.1', port: 0 },
      { protocol: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    log: createLog({ level: 'silent' }),
    ...options,
  });
}

/** Things that come one after another and are waited for by what they look like. */
class Inbox<T> {
  readonly #items: T[] = [];
  #wake: () => void = () => undefined;

  put(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item that fits, taken out; rejects after some seconds. */
  async next(fits: (item: T) => boolean, what: string): Promise<T> {
    const end = Date.now() + 8_000;
    for (;;) {
      const index = this.#items.findIndex(fits);
      const [item] = index < 0 ? [] : this.#items.splice(index, 1);
      if (item !== undefined) return item;
      if (Date.now() > end) throw new Error(`no ${what}; there is ${JSON.stringify(this.#items)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 100);
      });
    }
  }
}

export interface Frame {
  readonly kind: string;
  readonly fields: string[];
  readonly sip: string;
}

/** An application. */
export class App {
  readonly frames = new Inbox<Frame>();
  readonly socket: Socket;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader(9_999_999);
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of reader.push(chunk).frames) {
        const text = bytes.toString();
        const end = text.indexOf('\r\n');
        const [, kind = '', ...fields] = (end < 0 ? text : text.slice(0, end)).split('|');
        this.frames.put({ kind, fields, sip: end < 0 ? '' : text.slice(end + 2) });
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async open(agent: SipAgent): Promise<App> {
    const socket = connect(agent.adminPort, '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return new App(socket);
  }

  /** An application that has given the secret and asked for these routes. */
  static async ready(agent: SipAgent, ...routes: string[]): Promise<App> {
    const app = await App.open(agent);
    await app.command(`authenticate|${secret}|`);
    for (const route of routes) await app.command(`route|${route}`);
    return app;
  }

  /** Sends a command; the fields of its answer from the verdict on, and the SIP text in it. */
  async command(text: string): Promise<{ verdict: string; fields: string[]; sip: string }> {
    const id = randomUUID();
    const content = `${id}|${text}`;
    this.socket.write(`${Buffer.byteLength(content)}#${content}`);
    const frame = await this.frames.next(
      ({ kind, fields }) => kind === 'response' && fields[0] === id,
      `answer to ${text}`,
    );
    return { verdict: frame.fields[1] ?? '', fields: frame.fields.slice(2), sip: frame.sip };
  }

  /** The next SIP message that begins like this. */
  sip(start: string): Promise<{ transactionId: string; dialogId: string; sip: string; fields: string[] }> {
    return this.frames
      .next(({ kind, sip }) => kind === 'sip' && sip.startsWith(start), start)
      .then(({ fields, sip }) => ({ transactionId: fields[6] ?? '', dialogId: fields[7] ?? '', sip, fields }));
  }

  /** Answers a request. */
  answer(transactionId: string, status: string, headers = '', body = '') {
    return this.command(`sip|${transactionId}|\r\nSIP/2.0 ${status}\r\n${headers}\r\n${body}`);
  }

  /** Sends a request inside a dialog. */
  inside(dialogId: string, method: string, headers = '', body = '') {
    return this.command(`sip||${dialogId}\r\n${method} sip:placeholder SIP/2.0\r\n${headers}\r\n${body}`);
  }
}

/** A SIP peer. */
export class Peer {
  readonly messages = new Inbox<string>();
  readonly #socket: UdpSocket;
  readonly #agentPort: number;
  port = 0;

  private constructor(socket: UdpSocket, agentPort: number) {
    this.#socket = socket;
    this.#agentPort = agentPort;
    socket.on('message', (bytes) => this.messages.put(bytes.toString()));
  }

  static async open(agent: SipAgent): Promise<Peer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const peer = new Peer(socket, agent.addresses.find(({ protocol }) => protocol === 'udp')?.port ?? 0);
    peer.port = socket.address().port;
    return peer;
  }

  close(): void {
    this.#socket.close();
  }

  send(text: string): void {
    this.#socket.send(text, this.#agentPort, '127.0.0.1');
  }

  /** The next message that begins like this, copies of others included. */
  next(start: string): Promise<string> {
    return this.messages.next((text) => text.startsWith(start), start);
  }

  request(method: string, fields: RequestFields): string {
    const { callId, seq = 1, toTag, headers = '', body = '', branch = randomUUID(), fromTag = 'ann' } = fields;
    const to = `<sip:tea@127.0.0.1>${toTag === undefined ? '' : `;tag=${toTag}`}`;
    return `${method} sip:tea@127.0.0.1:${this.#agentPort} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${branch}\r\nMax-Forwards: 70\r\nFrom: <sip:ann@x>;tag=${fromTag}\r\nTo: ${to}\r\nCall-ID: ${callId}\r\nCSeq: ${seq} ${method}\r\nContact: <sip:ann@127.0.0.1:${this.port}>\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  /** Answers a request of the agent. */
  answer(request: string, status: string, headers = '', toTag = 'bob'): void {
    const line = (name: string) => new RegExp(`^${name}:.*$`, 'm').exec(request)?.[0]?.trim() ?? '';
    const to = line('To').includes('tag=') ? line('To') : `${line('To')};tag=${toTag}`;
    const contact = `Contact: <sip:bob@127.0.0.1:${this.port}>\r\n`;
    this.send(
      `SIP/2.0 ${status}\r\n${line('Via')}\r\n${line('From')}\r\n${to}\r\n${line('Call-ID')}\r\n${line('CSeq')}\r\n${contact}${headers}Content-Length: 0\r\n\r\n`,
    );
  }
}

export interface RequestFields {
  callId: string;
  seq?: number;
  toTag?: string;
  fromTag?: string;
  headers?: string;
  body?: string;
  branch?: string;
}

/** The tag in the To of a message. */
export function toTag(text: string): string {
  return /^To:.*;tag=([^;\r\n]+)/m.exec(text)?.[1] ?? '';
}

/** The value of a header of a message. */
export function header(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1];
}

/** A call from the peer that is up: INVITE, 200, ACK. */
export async function establish(
  app: App,
  peer: Peer,
  callId: string,
): Promise<{ dialogId: string; tag: string; invite: string }> {
  peer.send(peer.request('INVITE', { callId, branch: `${callId}-invite` }));
  const { transactionId } = await app.sip('INVITE');
  const sent = await app.answer(transactionId, '200 OK', '', 'v=0\r\n');
  const tag = toTag(await peer.next('SIP/2.0 200'));
  peer.send(peer.request('ACK', { callId, toTag: tag }));
  await app.sip('ACK');
  return { dialogId: sent.fields[7] ?? '', tag, invite: transactionId };
}
