/** Many subscribers to one conference (RFC 6665) behind one UDP port: they answer 200 to every NOTIFY and read what it says. */
import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { CrowdReader, sharing } from '../conference/crowd-reader.ts';
import { Watch } from '../xmpp-watch.ts';
import type { HostPort } from './address.ts';

/** What came to a crowd so far. */
export interface CrowdCounts {
  readonly notifies: number;
  /** NOTIFYs that came a second time. */
  readonly repeated: number;
  /** All messages of NOTIFYs, header and body. */
  readonly bytes: number;
}

const host = '127.0.0.1';
/** SUBSCRIBEs under way at once. */
const atOnce = 20;
const receiveBuffer = 8 << 20;
const repeatedNames = /^(?:via|v|from|f|to|t|call-id|i|cseq):/i;

/** One of the crowd. */
interface Member {
  readonly reader: CrowdReader;
  /** The last CSeq of the notifier. */
  sequence: number;
}

const headerOf = (head: string, name: RegExp): string => name.exec(head)?.[1] ?? '';
const callIdName = /^(?:call-id|i): *(\S+)/im;
const sequenceName = /^cseq: *(\d+)/im;

export class WatcherCrowd {
  readonly #socket: Socket;
  readonly #server: HostPort;
  readonly #members = new Map<string, Member>();
  readonly #answers = new Map<string, (status: number) => void>();
  readonly #watch = new Watch();
  readonly #shared = sharing();
  readonly #name = randomBytes(6).toString('hex');
  #counts = { notifies: 0, repeated: 0, bytes: 0 };
  #broken: Error | undefined;

  private constructor(socket: Socket, server: HostPort) {
    this.#socket = socket;
    this.#server = server;
    socket.on('message', (data, from) => this.#receive(data.toString('utf8'), data.length, from));
  }

  /** Opens a port on 127.0.0.1; nobody has subscribed yet. */
  static async open(server: HostPort): Promise<WatcherCrowd> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: receiveBuffer });
    socket.on('error', () => undefined);
    socket.bind(0, host);
    await once(socket, 'listening');
    return new WatcherCrowd(socket, server);
  }

  get counts(): CrowdCounts {
    return { ...this.#counts };
  }

  /** What each knows. */
  get readers(): readonly CrowdReader[] {
    return [...this.#members.values()].map(({ reader }) => reader);
  }

  /** So many more subscribers; resolves once each has its first NOTIFY. Rejects when one is refused. */
  async subscribe(uri: string, count: number): Promise<void> {
    const from = this.#members.size;
    for (let index = from; index < from + count; index += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, from + count - index) }, (_, place) => index + place);
      await Promise.all(some.map((each) => this.#subscribeOne(uri, each)));
    }
    await this.until(() => this.readers.every(({ version }) => version > 0), 'a first NOTIFY for each of a crowd');
  }

  /** Resolves once a condition holds, which is looked at after each NOTIFY; rejects when a document broke a rule, and after the limit. */
  until(condition: () => boolean, what: string, limitMs?: number): Promise<boolean> {
    const holds = (): boolean => {
      if (this.#broken !== undefined) throw this.#broken;
      return condition();
    };
    return this.#watch.until(holds, what, limitMs);
  }

  /** The subscriptions are left to expire. */
  close(): void {
    this.#socket.close();
  }

  async #subscribeOne(uri: string, index: number): Promise<void> {
    const callId = `${this.#name}-${index}`;
    this.#members.set(callId, { reader: new CrowdReader(this.#shared), sequence: 0 });
    const answered = new Promise<number>((resolve) => this.#answers.set(callId, resolve));
    const { port } = this.#socket.address();
    const lines = [
      `SUBSCRIBE ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${host}:${port};branch=z9hG4bK-${callId};rport`,
      'Max-Forwards: 70',
      `From: <sip:watcher${index}@watchers.test>;tag=f${index}`,
      `To: <${uri}>`,
      `Call-ID: ${callId}`,
      'CSeq: 1 SUBSCRIBE',
      `Contact: <sip:watcher${index}@${host}:${port}>`,
      'Event: conference',
      'Accept: application/conference-info+xml',
      'Expires: 3600',
      'Content-Length: 0',
    ];
    this.#socket.send(`${lines.join('\r\n')}\r\n\r\n`, this.#server.port, this.#server.host);
    const status = await answered;
    this.#answers.delete(callId);
    if (status !== 200) throw new Error(`a SUBSCRIBE was answered with ${status}`);
  }

  #receive(text: string, bytes: number, from: RemoteInfo): void {
    const end = text.indexOf('\r\n\r\n');
    const head = text.slice(0, end);
    const callId = headerOf(head, callIdName);
    if (!text.startsWith('NOTIFY ')) {
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(head)?.[1] ?? 0);
      if (status >= 200) this.#answers.get(callId)?.(status);
      return;
    }
    const lines = head.split('\r\n').filter((line) => repeatedNames.test(line));
    const answer = `SIP/2.0 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
    this.#socket.send(answer, from.port, from.address);
    this.#counts.bytes += bytes;
    this.#read(callId, Number(headerOf(head, sequenceName)), text.slice(end + 4));
  }

  #read(callId: string, sequence: number, body: string): void {
    const member = this.#members.get(callId);
    // RFC 3261 12.2.2: what is not newer is the last one again.
    if (!member || sequence <= member.sequence) {
      this.#counts.repeated += 1;
      return;
    }
    member.sequence = sequence;
    this.#counts.notifies += 1;
    try {
      if (body !== '') member.reader.accept(body);
    } catch (error) {
      this.#broken ??= error as Error;
    }
    this.#watch.changed();
  }
}
