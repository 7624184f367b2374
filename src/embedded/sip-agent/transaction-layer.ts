/** RFC 3261 17.1.3, 17.2.3, 8.2.2.2, 9.2, 18.2: matches messages to transactions and makes new ones. */
import type { Logger } from '../../log.ts';
import { ClientTransaction, type Outcome } from './client-transaction.ts';
import { ServerTransaction } from './server-transaction.ts';
import { listOf, parseCSeq, parseVia, splitList, tagOf } from './sip-header.ts';
import { createResponse, reasonPhrase, type SipRequest, type SipResponse, serialise } from './sip-message.ts';
import { parseSip } from './sip-parser.ts';
import { newTag } from './tags.ts';
import type { Flow, Transport } from './transport.ts';

/** Who uses the transactions: the agent. */
export interface TransactionUser {
  /** A new request, neither ACK nor CANCEL. */
  request(request: SipRequest, transaction: ServerTransaction): void;
  /** A CANCEL (answered here already) for an INVITE that has no final answer. */
  cancel(request: SipRequest, invite: ServerTransaction): void;
  /** An ACK that belongs to no failure: for a 2xx, or stray. */
  ack(request: SipRequest, flow: Flow): void;
}

export interface TransactionLayerOptions {
  readonly transport: Pick<Transport, 'send' | 'connectionOf'>;
  readonly user: TransactionUser;
  readonly log: Logger;
  /** Above this many transactions of one side, new requests are answered 503 or fail. */
  readonly maxTransactions: number;
}

/** Oldest transactions that are looked at for one that need not stay. */
const mostLookedAt = 64;

export class TransactionLayer {
  readonly servers = new Map<string, ServerTransaction>();
  readonly clients = new Map<string, ClientTransaction>();
  readonly #merges = new Map<string, string>();
  readonly #options: TransactionLayerOptions;

  constructor(options: TransactionLayerOptions) {
    this.#options = options;
  }

  /** Takes one message from the network. */
  receive(bytes: Buffer, flow: Flow): void {
    if (isKeepAlive(bytes)) return;
    const result = parseSip(bytes);
    if (!result.ok) {
      this.#options.log.debug({ why: result.why, status: result.status }, 'faulty SIP message');
      if (result.request && result.status !== 0) this.#refuse(result.request, flow, result.status, result.why);
      return;
    }
    const { message } = result;
    if (message.kind === 'response') this.#receiveResponse(message, flow);
    else this.#receiveRequest(message, flow);
  }

  /** Starts a client transaction; undefined when there are too many. */
  request(request: SipRequest, flow: Flow, onOutcome: (outcome: Outcome) => void): ClientTransaction | undefined {
    if (this.clients.size >= this.#options.maxTransactions && !this.#makeRoom()) return undefined;
    return this.#startClient(request, flow, onOutcome);
  }

  /** Ends early what only waits for repeated answers (timer K): what comes then matches nothing, and is dropped as well. */
  #makeRoom(): boolean {
    let left = mostLookedAt;
    for (const transaction of this.clients.values()) {
      if (transaction.lingers) {
        transaction.terminate();
        return true;
      }
      left -= 1;
      if (left === 0) return false;
    }
    return false;
  }

  /** Sends bytes outside of any transaction: an ACK for a 2xx. */
  transmit(flow: Flow, bytes: Buffer): void {
    this.#options.transport.send(flow, bytes);
  }

  close(): void {
    for (const transaction of [...this.servers.values(), ...this.clients.values()]) transaction.terminate();
  }

  #startClient(
    request: SipRequest,
    flow: Flow,
    onOutcome: (outcome: Outcome) => void,
    branch?: string,
  ): ClientTransaction {
    const host = {
      transmit: (to: Flow, bytes: Buffer, onError?: (error: Error) => void) =>
        this.#options.transport.send(to, bytes, onError),
      terminated: (ended: ClientTransaction) => this.clients.delete(ended.key),
      startCancel: (cancel: SipRequest, to: Flow, of: string) => this.#startClient(cancel, to, () => undefined, of),
      failed: (error: unknown) => this.#options.log.error({ err: error }, 'a SIP timer failed'),
    };
    const transaction = new ClientTransaction(request, flow, host, onOutcome, branch);
    this.clients.set(transaction.key, transaction);
    transaction.start();
    return transaction;
  }

  #receiveResponse(response: SipResponse, flow: Flow): void {
    const branch = parseVia(listOf(response.headers, 'via')[0] ?? '')?.params.get('branch');
    const method = parseCSeq(response.headers.get('cseq'))?.method;
    const transaction = this.clients.get(`${branch}|${method}`);
    if (transaction) transaction.receive(response, flow);
    else this.#options.log.debug({ status: response.status }, 'response without transaction');
  }

  #receiveRequest(request: SipRequest, flow: Flow): void {
    const base = matchingBase(request);
    stampVia(request, flow);
    if (request.method === 'ACK') {
      this.#receiveAck(request, flow, base);
      return;
    }
    const key = `${base}|${request.method}`;
    const known = this.servers.get(key);
    if (known) {
      known.retransmission();
      return;
    }
    if (this.servers.size >= this.#options.maxTransactions) {
      this.#refuse(request, flow, 503, 'too busy');
      return;
    }
    const merge = mergeKey(request);
    if (merge !== undefined && this.#merges.has(merge)) {
      this.#refuse(request, flow, 482, 'merged request');
      return;
    }
    const transaction = this.#createServer(key, request, flow, merge);
    if (request.method === 'CANCEL') this.#cancel(request, transaction, this.servers.get(`${base}|INVITE`));
    else this.#options.user.request(request, transaction);
  }

  #createServer(key: string, request: SipRequest, flow: Flow, merge: string | undefined): ServerTransaction {
    const transaction = new ServerTransaction(key, request, flow, {
      reply: (to, over, bytes) => this.#reply(to, over, bytes),
      terminated: (ended) => {
        this.servers.delete(ended.key);
        if (merge !== undefined) this.#merges.delete(merge);
      },
      failed: (error) => this.#options.log.error({ err: error }, 'a SIP timer failed'),
    });
    this.servers.set(key, transaction);
    if (merge !== undefined) this.#merges.set(merge, key);
    return transaction;
  }

  #receiveAck(request: SipRequest, flow: Flow, base: string): void {
    const invite = this.servers.get(`${base}|INVITE`);
    if (invite && invite.lastStatus >= 300) invite.acknowledge();
    else this.#options.user.ack(request, flow);
  }

  /** RFC 3261 9.2: 200 when the INVITE is known and undecided; after its final answer a CANCEL has no effect. */
  #cancel(request: SipRequest, transaction: ServerTransaction, invite: ServerTransaction | undefined): void {
    if (!invite || invite.state === 'accepted') {
      transaction.answer(481);
      return;
    }
    transaction.toTag = invite.toTag;
    transaction.answer(200);
    if (invite.open) this.#options.user.cancel(request, invite);
  }

  /** Answers without a transaction, so that floods cost nothing. */
  #refuse(request: SipRequest, flow: Flow, status: number, why: string): void {
    if (request.method === 'ACK') return;
    const reason = status === 400 ? `${reasonPhrase(400)} (${why})` : reasonPhrase(status);
    const response = createResponse(request, status, reason, newTag());
    if (status === 503) response.headers.add('Retry-After', '10');
    this.#reply(request, flow, serialise(response));
  }

  /** RFC 3261 18.2.2 and RFC 3581: back to the source; over TCP a lost connection is opened again to the sent-by port. */
  #reply(request: SipRequest, flow: Flow, bytes: Buffer): boolean {
    const { transport } = this.#options;
    if (flow.local.protocol === 'udp' || transport.connectionOf(flow)) {
      transport.send(flow, bytes);
      return true;
    }
    const via = parseVia(listOf(request.headers, 'via')[0] ?? '');
    if (!via) return false;
    transport.send({ local: flow.local, address: flow.address, port: via.port ?? 5060 }, bytes);
    return true;
  }
}

/** CRLF or NUL bytes that keep a NAT binding alive. */
function isKeepAlive(bytes: Buffer): boolean {
  return bytes.length < 8 || bytes.every((byte) => byte === 13 || byte === 10 || byte === 0);
}

/** The transaction key without the method; a request without RFC 3261 branch falls back on RFC 2543 (17.2.3). */
function matchingBase(request: SipRequest): string {
  const { headers } = request;
  const top = listOf(headers, 'via')[0] ?? '';
  const via = parseVia(top);
  const branch = via?.params.get('branch') ?? '';
  if (isRfc3261Branch(branch)) return `${branch}|${via?.host.toLowerCase()}:${via?.port ?? ''}`;
  const cseq = parseCSeq(headers.get('cseq'))?.seq;
  return [request.uri, tagOf(headers.get('from')), headers.get('call-id'), cseq, top].join('|');
}

/** Whether a branch promises to be unique (RFC 3261 8.1.1.7): the magic cookie and something behind it. */
export function isRfc3261Branch(branch: string): boolean {
  return branch.length > 7 && branch.startsWith('z9hG4bK');
}

/** RFC 3261 8.2.2.2: what two copies of one request have in common that came by different ways. */
function mergeKey(request: SipRequest): string | undefined {
  const { headers } = request;
  if (request.method === 'CANCEL' || tagOf(headers.get('to')) !== undefined) return undefined;
  const from = tagOf(headers.get('from'));
  return from === undefined ? undefined : `${headers.get('call-id')}|${from}|${headers.get('cseq')}`;
}

/** RFC 3261 18.2.1 and RFC 3581: always notes where a request came from, whether asked to or not. */
function stampVia(request: SipRequest, flow: Flow): void {
  const first = request.headers.get('via');
  if (first === undefined) return;
  const [top = '', ...rest] = splitList(first);
  const bare = top.replace(/;\s*(rport|received)(\s*=\s*[^;\s]*)?(?=\s*(;|$))/gi, '');
  const stamped = `${bare};received=${flow.address};rport=${flow.port}`;
  request.headers.set('Via', [stamped, ...rest].join(', '));
}
