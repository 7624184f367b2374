/** RFC 3903: publishes a conference's state to a presence server, over TCP because a document may be large. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const host = '127.0.0.1';

export class PresencePublisher {
  readonly #socket: Socket;
  readonly #uri: string;
  #heard = '';
  #answered: (answer: string) => void = () => undefined;
  #tag: string | null = null;
  #sequence = 0;

  private constructor(socket: Socket, uri: string) {
    this.#socket = socket;
    this.#uri = uri;
    socket.setEncoding('latin1').on('data', (text) => this.#hear(String(text)));
    socket.on('error', () => undefined);
  }

  static async open(port: number, uri: string): Promise<PresencePublisher> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new PresencePublisher(socket, uri);
  }

  /** Publishes the first state, or another in its place. Rejects unless it is taken. */
  async publish(document: string): Promise<void> {
    this.#sequence += 1;
    const id = randomBytes(8).toString('hex');
    const { port } = this.#socket.address() as { port: number };
    const lines = [
      `PUBLISH ${this.#uri} SIP/2.0`,
      `Via: SIP/2.0/TCP ${host}:${port};branch=z9hG4bK${id}`,
      'Max-Forwards: 70',
      `From: <${this.#uri}>;tag=${id}`,
      `To: <${this.#uri}>`,
      `Call-ID: ${id}`,
      `CSeq: ${this.#sequence} PUBLISH`,
      'Event: conference',
      'Expires: 3600',
      ...(this.#tag === null ? [] : [`SIP-If-Match: ${this.#tag}`]),
      'Content-Type: application/conference-info+xml',
      `Content-Length: ${Buffer.byteLength(document)}`,
    ];
    const answered = new Promise<string>((resolve) => {
      this.#answered = resolve;
    });
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n${document}`);
    const answer = await answered;
    if (!answer.startsWith('SIP/2.0 200')) throw new Error(`a PUBLISH was answered with ${answer.split('\r\n')[0]}`);
    this.#tag = /^SIP-ETag: *(\S+)/im.exec(answer)?.[1] ?? null;
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(text: string): void {
    this.#heard += text;
    const end = this.#heard.indexOf('\r\n\r\n');
    if (end < 0) return;
    const answer = this.#heard.slice(0, end);
    // Answers to PUBLISH have no body.
    this.#heard = this.#heard.slice(end + 4);
    if (/^SIP\/2\.0 [2-6]/.test(answer)) this.#answered(answer);
  }
}
