/** A SIP request as the focus sees it: plain values, and an answer that never throws (RFC 3261 8.2). */
import type { Logger } from '../log.ts';
import type { SrfRequest, SrfResponse } from './drachtio-srf-types.ts';
import type { PendingWork } from './pending-work.ts';

/** Header names and values to send; a list becomes several header lines. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

export interface AnswerOptions {
  readonly reason?: string;
  readonly headers?: Headers;
  readonly body?: string;
}

/** What went out: the dialog it made or belongs to, and our Contact with the real host in it. Null when it could not be sent any more. */
export interface SentAnswer {
  readonly dialogId: string;
  readonly contact: string | null;
  /** Our tag of the dialog. */
  readonly toTag: string | null;
}

/** The server confirms a sent answer at once; longer means that it is gone. */
const sendLimitMs = 10_000;

/** srf joins repeated headers with commas, which a challenge does not survive: further lines go inside the first one's value. */
export function headerLines(headers: Headers): Record<string, string> {
  const lines: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    lines[name] = typeof value === 'string' ? value : value.join(`\r\n${name}: `);
  }
  return lines;
}

/**
 * RFC 3261 19.1.1: an address without a transport is one for UDP. Who came another way, perhaps because there is no other, must find
 * the way back in our Contact: ACK and BYE go there.
 */
export function returningBy(protocol: string, contact: string): string {
  if (protocol === '' || protocol === 'udp') return contact;
  return /^<[^>]*;transport=/i.test(contact) ? contact : contact.replace('>', `;transport=${protocol}>`);
}

export class IncomingRequest {
  readonly method: string;
  readonly uri: string;
  readonly body: string;
  /** The connection it came on, see `Signaling.connection`. */
  readonly connection: number;
  /** Id of the dialog, when the server knows one. */
  readonly dialogId: string | null;
  /** True when a peer sent it; false when the SIP server made it itself. */
  readonly fromPeer: boolean;
  readonly source: { readonly address: string; readonly port: number };
  /** Hears the status of the final answer, once, when it goes out. */
  onFinalAnswer: (status: number) => void = () => undefined;
  #cancelled = false;
  readonly #request: SrfRequest;
  readonly #response: SrfResponse;
  readonly #pending: PendingWork;
  readonly #log: Logger;

  constructor(request: SrfRequest, response: SrfResponse, connection: number, pending: PendingWork, log: Logger) {
    this.method = request.method;
    this.uri = request.uri;
    this.body = request.body ?? '';
    this.connection = connection;
    this.dialogId = request.stackDialogId || null;
    this.fromPeer = request.source === 'network';
    this.source = { address: request.source_address, port: request.source_port };
    this.#request = request;
    this.#response = response;
    this.#pending = pending;
    this.#log = log;
    if (request.method === 'INVITE') {
      request.on('cancel', () => {
        this.#cancelled = true;
      });
    }
  }

  /** Value of a header, or null; several of one name are joined with commas. */
  header(name: string): string | null {
    return this.#request.get(name) ?? null;
  }

  get callId(): string {
    return this.header('Call-ID') ?? '';
  }

  /** The tag of From: with the Call-ID it makes the server's dialog id. */
  get fromTag(): string | null {
    return tagOf(this.header('From'));
  }

  /** The tag of To: present inside dialogs only. */
  get toTag(): string | null {
    return tagOf(this.header('To'));
  }

  /** The caller took the INVITE back; the server has already answered it. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Answers. Resolves with null when there is nobody to answer any more; never rejects. */
  async respond(status: number, options: AnswerOptions = {}): Promise<SentAnswer | null> {
    if (!this.fromPeer || this.method === 'ACK' || this.#response.finalResponseSent) return null;
    if (status >= 200) this.onFinalAnswer(status);
    const headers = { ...options.headers };
    if (typeof headers['Contact'] === 'string') {
      headers['Contact'] = returningBy(this.#request.protocol.toLowerCase(), headers['Contact']);
    }
    const content = {
      headers: headerLines(headers),
      ...(options.body === undefined ? {} : { body: options.body }),
    };
    try {
      return await this.#pending.run<SentAnswer | null>(sendLimitMs, (resolve) => {
        this.#response.send(status, options.reason, content, (error, sent) => {
          if (error || !sent) return resolve(null);
          const toTag = tagOf(sent.get('To') ?? null);
          resolve({ dialogId: this.#response.stackDialogId ?? '', contact: sent.get('Contact') ?? null, toTag });
        });
      });
    } catch (error) {
      this.#log.warn({ err: error, status }, 'a SIP answer could not be sent');
      return null;
    }
  }
}

function tagOf(value: string | null): string | null {
  return /;\s*tag\s*=\s*([^\s;,>]+)/i.exec(value?.replace(/^.*>/, '') ?? '')?.[1] ?? null;
}
