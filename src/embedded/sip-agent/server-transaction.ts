/** RFC 3261 17.2 and RFC 6026 7.1: the server side of a transaction, for INVITE (timers G, H, I, L) and others (J). */
import { randomUUID } from 'node:crypto';
import { createResponse, reasonPhrase, type SipRequest, type SipResponse, serialise } from './sip-message.ts';
import { newTag } from './tags.ts';
import { TimerSet } from './timer-set.ts';
import { T1, T2, T4, transactionTimeout } from './timers.ts';
import type { Flow } from './transport.ts';

export interface ServerTransactionHost {
  /** Sends to where the request came from; false when there is no way any more. */
  reply(request: SipRequest, flow: Flow, bytes: Buffer): boolean;
  terminated(transaction: ServerTransaction): void;
  failed(error: unknown): void;
}

export class ServerTransaction {
  /** Also the transaction id on drachtio's wire. */
  readonly id = randomUUID();
  readonly key: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated' = 'proceeding';
  /** The To tag of every answer; the application may choose another before the first one. */
  toTag = newTag();
  /** Status of the last answer, 0 before the first. */
  lastStatus = 0;
  /** Called when a 2xx to INVITE got no ACK in 64*T1 (RFC 3261 13.3.1.4). */
  onAckTimeout: (() => void) | undefined;
  readonly #host: ServerTransactionHost;
  readonly #timers: TimerSet;
  readonly #reliable: boolean;
  #last: Buffer | undefined;
  #rseq = 0;

  constructor(key: string, request: SipRequest, flow: Flow, host: ServerTransactionHost) {
    this.key = key;
    this.request = request;
    this.flow = flow;
    this.#host = host;
    this.#timers = new TimerSet((error) => host.failed(error));
    this.#reliable = flow.local.protocol === 'tcp';
  }

  get isInvite(): boolean {
    return this.request.method === 'INVITE';
  }

  /** Whether a final answer can still be given. */
  get open(): boolean {
    return this.state === 'proceeding';
  }

  /** The request came again: repeat the last answer. A 2xx to INVITE is repeated by its own timer only. */
  retransmission(): void {
    if (!this.#last || this.state === 'confirmed' || this.state === 'accepted') return;
    this.#host.reply(this.request, this.flow, this.#last);
  }

  /** Gives an answer of the agent itself. */
  answer(status: number, reason = reasonPhrase(status), headers: readonly (readonly [string, string])[] = []): void {
    const response = createResponse(this.request, status, reason, status > 100 ? this.toTag : undefined);
    for (const [name, value] of headers) response.headers.add(name, value);
    this.send(response);
  }

  /** Sends a provisional or the final answer; false when a final one was given before or the peer cannot be reached. */
  send(response: SipResponse): boolean {
    if (!this.open) return false;
    const bytes = serialise(response);
    this.#last = bytes;
    this.lastStatus = response.status;
    if (response.status >= 200) this.#finish(response.status, bytes);
    return this.#host.reply(this.request, this.flow, bytes);
  }

  /** RFC 3262 3: the number of the next reliable provisional answer; the first is random, then it counts. */
  nextRseq(): number {
    this.#rseq = this.#rseq === 0 ? 1 + Math.floor(Math.random() * 1e6) : this.#rseq + 1;
    return this.#rseq;
  }

  /** RFC 3262 3: sends a provisional answer again and again until `stop` is called or 64*T1 are over. */
  sendReliably(response: SipResponse, onTimeout: () => void): { stop(): void } {
    const bytes = serialise(response);
    this.#last = bytes;
    this.lastStatus = response.status;
    this.#host.reply(this.request, this.flow, bytes);
    this.#repeat('reliable', bytes, T1, Number.POSITIVE_INFINITY);
    this.#timers.start('reliable-end', transactionTimeout, () => {
      this.#timers.stop('reliable');
      onTimeout();
    });
    return { stop: () => this.#timers.stop('reliable', 'reliable-end') };
  }

  /** The ACK has come, for a 2xx or for a failure. */
  acknowledge(): void {
    if (this.state === 'completed') {
      this.#timers.stop('G', 'H');
      this.state = 'confirmed';
      this.#timers.start('I', this.#reliable ? 0 : T4, () => this.terminate());
    } else if (this.state === 'accepted') {
      // Timer L goes on: it absorbs retransmitted INVITEs.
      this.#timers.stop('G');
      this.onAckTimeout = undefined;
    }
  }

  terminate(): void {
    this.#timers.stop();
    this.state = 'terminated';
    this.#host.terminated(this);
  }

  #finish(status: number, bytes: Buffer): void {
    this.#timers.stop();
    if (!this.isInvite) {
      this.state = 'completed';
      this.#timers.start('J', this.#reliable ? 0 : transactionTimeout, () => this.terminate());
    } else if (status < 300) {
      this.state = 'accepted';
      // A 2xx is repeated on every transport: it is acknowledged end to end (RFC 3261 13.3.1.4).
      this.#repeat('G', bytes, T1, T2);
      this.#timers.start('L', transactionTimeout, () => this.#endAccepted());
    } else {
      this.state = 'completed';
      if (!this.#reliable) this.#repeat('G', bytes, T1, T2);
      this.#timers.start('H', transactionTimeout, () => this.terminate());
    }
  }

  #endAccepted(): void {
    const unacknowledged = this.onAckTimeout;
    this.terminate();
    unacknowledged?.();
  }

  #repeat(name: string, bytes: Buffer, delay: number, longest: number): void {
    this.#timers.start(name, delay, () => {
      this.#host.reply(this.request, this.flow, bytes);
      this.#repeat(name, bytes, Math.min(delay * 2, longest), longest);
    });
  }
}
