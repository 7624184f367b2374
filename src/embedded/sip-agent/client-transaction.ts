/** RFC 3261 17.1, 9.1 and RFC 6026 7.2: the client side of a transaction, INVITE (A, B, D, M) and others (E, F, K). */
import { randomUUID } from 'node:crypto';
import { parseCSeq } from './sip-header.ts';
import { createRequest, createResponse, type SipRequest, type SipResponse, serialise } from './sip-message.ts';
import { newBranch } from './tags.ts';
import { TimerSet } from './timer-set.ts';
import { T1, T2, T4, transactionTimeout } from './timers.ts';
import { addressText, type Flow } from './transport.ts';

/** What a client transaction reports. Without `flow` the response was made here, because of `cause`. */
export interface Outcome {
  readonly response: SipResponse;
  readonly flow?: Flow;
  readonly cause?: 'timeout' | 'transport' | 'canceled';
}

export interface ClientTransactionHost {
  transmit(flow: Flow, bytes: Buffer, onError?: (error: Error) => void): void;
  terminated(transaction: ClientTransaction): void;
  startCancel(request: SipRequest, flow: Flow, branch: string): void;
  failed(error: unknown): void;
}

/** The Via of a request of ours. */
export function viaFor(flow: Flow, branch: string): string {
  return `SIP/2.0/${flow.local.protocol.toUpperCase()} ${addressText(flow.local)};branch=${branch};rport`;
}

export class ClientTransaction {
  /** Also the transaction id on drachtio's wire, unless the caller keeps one for several attempts. */
  readonly id = randomUUID();
  readonly branch: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  state: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated' = 'calling';
  readonly #host: ClientTransactionHost;
  readonly #onOutcome: (outcome: Outcome) => void;
  readonly #timers: TimerSet;
  readonly #reliable: boolean;
  #bytes: Buffer = Buffer.alloc(0);
  #pendingCancel: SipRequest | undefined;
  #ack: Buffer | undefined;

  /** `request` gets its Via here. A given `branch` is that of the INVITE which a CANCEL refers to. */
  constructor(
    request: SipRequest,
    flow: Flow,
    host: ClientTransactionHost,
    onOutcome: (outcome: Outcome) => void,
    branch = newBranch(),
  ) {
    this.request = request;
    this.flow = flow;
    this.branch = branch;
    this.#host = host;
    this.#onOutcome = onOutcome;
    this.#timers = new TimerSet((error) => host.failed(error));
    this.#reliable = flow.local.protocol === 'tcp';
    request.headers.prepend('Via', viaFor(flow, branch));
  }

  get isInvite(): boolean {
    return this.request.method === 'INVITE';
  }

  /** The key under which responses find this transaction (RFC 3261 17.1.3). */
  get key(): string {
    return `${this.branch}|${this.request.method}`;
  }

  /** No final answer yet. */
  get pending(): boolean {
    return this.state === 'calling' || this.state === 'proceeding';
  }

  start(): void {
    this.#bytes = serialise(this.request);
    this.#timers.start('B', transactionTimeout, () => this.#fail(408, 'Request Timeout', 'timeout'));
    if (!this.#reliable) this.#retransmitAfter(T1);
    this.#host.transmit(this.flow, this.#bytes, () => {
      if (this.state === 'calling') this.#fail(503, 'Service Unavailable', 'transport');
    });
  }

  /** RFC 3261 9.1: the CANCEL goes out when a provisional answer has come. */
  cancel(request: SipRequest): void {
    this.#pendingCancel = request;
    if (this.state === 'proceeding') this.#sendCancel();
  }

  receive(response: SipResponse, flow: Flow): void {
    if (this.pending) {
      if (response.status < 200) this.#provisional(response, flow);
      else this.#final(response, flow);
    } else if (this.state === 'completed' && this.#ack && response.status >= 300) {
      this.#host.transmit(this.flow, this.#ack);
    } else if (this.state === 'accepted' && response.status >= 200 && response.status < 300) {
      this.#onOutcome({ response, flow });
    }
  }

  /** Answered, and kept only to absorb repeated answers; nothing is sent for these. */
  get lingers(): boolean {
    return this.state === 'completed' && !this.isInvite;
  }

  terminate(): void {
    this.#timers.stop();
    this.state = 'terminated';
    this.#host.terminated(this);
  }

  #provisional(response: SipResponse, flow: Flow): void {
    this.state = 'proceeding';
    if (this.isInvite) {
      this.#timers.stop('A', 'B');
      if (this.#pendingCancel) this.#sendCancel();
    }
    this.#onOutcome({ response, flow });
  }

  #final(response: SipResponse, flow: Flow): void {
    this.#timers.stop();
    if (this.isInvite && response.status < 300) {
      this.state = 'accepted';
      this.#timers.start('M', transactionTimeout, () => this.terminate());
    } else {
      this.state = 'completed';
      if (this.isInvite) this.#acknowledge(response);
      const linger = this.isInvite ? transactionTimeout : T4;
      this.#timers.start(this.isInvite ? 'D' : 'K', this.#reliable ? 0 : linger, () => this.terminate());
    }
    this.#onOutcome({ response, flow });
  }

  #retransmitAfter(delay: number): void {
    this.#timers.start('A', delay, () => {
      this.#host.transmit(this.flow, this.#bytes);
      const doubled = delay * 2;
      if (this.isInvite) this.#retransmitAfter(doubled);
      else this.#retransmitAfter(this.state === 'proceeding' ? T2 : Math.min(doubled, T2));
    });
  }

  #fail(status: number, reason: string, cause: 'timeout' | 'transport' | 'canceled'): void {
    if (!this.pending) return;
    this.terminate();
    this.#onOutcome({ response: createResponse(this.request, status, reason), cause });
  }

  #sendCancel(): void {
    const request = this.#pendingCancel;
    if (!request) return;
    this.#pendingCancel = undefined;
    this.#host.startCancel(request, this.flow, this.branch);
    this.#timers.start('cancel', transactionTimeout, () => this.#fail(487, 'Request Terminated', 'canceled'));
  }

  /** RFC 3261 17.1.1.3: the ACK for a failure belongs to this transaction. */
  #acknowledge(response: SipResponse): void {
    const ack = createRequest('ACK', this.request.uri);
    const { headers } = this.request;
    ack.headers.add('Via', viaFor(this.flow, this.branch));
    for (const route of headers.all('route')) ack.headers.add('Route', route);
    ack.headers.add('Max-Forwards', '70');
    ack.headers.add('From', headers.get('from') ?? '');
    ack.headers.add('To', response.headers.get('to') ?? '');
    ack.headers.add('Call-ID', headers.get('call-id') ?? '');
    ack.headers.add('CSeq', `${parseCSeq(headers.get('cseq'))?.seq ?? 1} ACK`);
    this.#ack = serialise(ack);
    this.#host.transmit(this.flow, this.#ack);
  }
}
