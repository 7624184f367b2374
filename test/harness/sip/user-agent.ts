/** A small SIP user agent (RFC 3261) of the tests' own: requests with digest, dialogs, CANCEL; nothing of the product is in it. */
import { randomBytes } from 'node:crypto';
import { type HostPort, parameterOf } from './address.ts';
import { type Content, Dialog, type IncomingRequest, incomingOrigin, outgoingOrigin } from './dialog.ts';
import { DigestClient, type PhoneCredentials } from './digest.ts';
import type { SipMessage } from './message.ts';
import { allowedMethods, type OwnAddress, writeAnswer, writeForInvite, writeRequest } from './message-writer.ts';
import { ClientTransaction, ServerTransaction } from './transactions.ts';
import { openTransport, type Received, type Transport } from './transport.ts';

/** Who a user agent is and where it sends what names no address. */
export interface AgentOptions {
  readonly server: HostPort;
  /** Default: udp. */
  readonly transport?: 'udp' | 'tcp';
  /** SIP URI of the user, as in From. */
  readonly aor: string;
  readonly displayName?: string;
  readonly credentials?: PhoneCredentials;
}

/** What to do with answers while a request is under way. */
export interface RequestWatch {
  onProvisional?(response: SipMessage): void;
  /** Called with each request as it is sent: more than one when there is a challenge. */
  onSent?(transaction: ClientTransaction): void;
}

const branchOf = (message: SipMessage): string => parameterOf(message.header('via') ?? '', 'branch') ?? '';
const toTagOf = (message: SipMessage): string | undefined => parameterOf(message.header('to') ?? '', 'tag');
const known = (method: string): boolean => (allowedMethods as readonly string[]).includes(method);
const dialogKey = (callId: string, localTag: string): string => `${callId};${localTag}`;

export class SipUserAgent {
  readonly options: AgentOptions;
  /** Takes requests outside of dialogs; false for those it does not want: INVITE is then busy, OPTIONS answered, others refused. */
  onRequest: (request: IncomingRequest) => boolean = () => false;
  /** Requests of the peer in dialogs where nothing takes them (any more); they were answered with 481. */
  readonly strays: SipMessage[] = [];
  readonly #digest: DigestClient | undefined;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, { transaction: ServerTransaction; incoming: IncomingRequest }>();
  readonly #dialogs = new Map<string, Dialog>();
  /** The ACK of each 2xx to an INVITE, sent again when the 2xx is. */
  readonly #acks = new Map<string, { message: SipMessage; to: HostPort }>();
  #transport: Transport | undefined;

  private constructor(options: AgentOptions) {
    this.options = options;
    this.#digest = options.credentials && new DigestClient(options.credentials);
  }

  /** Opens a free port on 127.0.0.1. */
  static async open(options: AgentOptions): Promise<SipUserAgent> {
    const agent = new SipUserAgent(options);
    agent.#transport = await openTransport(options.transport ?? 'udp', (received) => agent.#receive(received));
    return agent;
  }

  /** The URI at which this user agent is reached. */
  get contactUri(): string {
    return this.#own.contactUri;
  }

  /** A dialog for a first request to a URI; the peer may write into it from now on. */
  dialogTo(uri: string): Dialog {
    return this.#register(new Dialog(outgoingOrigin(uri, this.options.aor, this.options.displayName)));
  }

  /** The dialog that a request of the peer begins. */
  dialogFrom(request: IncomingRequest): Dialog {
    return this.#register(new Dialog(incomingOrigin(request.message, request.localTag)));
  }

  /** Forgets a dialog once nothing uses it: the peer's requests are answered with 481 from then on. */
  release(dialog: Dialog): void {
    if (dialog.usages.size === 0 && !dialog.dead) this.#dialogs.delete(dialogKey(dialog.callId, dialog.localTag));
  }

  /**
   * Sends a request in a dialog and resolves with its final answer, after digest where it is asked for.
   * Rejects when nobody answers. A 2xx to INVITE wants an `acknowledge`.
   */
  async request(dialog: Dialog, method: string, content: Content = {}, watch: RequestWatch = {}): Promise<SipMessage> {
    for (let attempt = 0; ; attempt += 1) {
      const proof = this.#digest?.authorize(method, dialog.target);
      const headers = [...(proof ? [proof] : []), ...(content.headers ?? [])];
      const request = writeRequest(this.#own, dialog, method, dialog.nextSequence, { ...content, headers });
      const response = await this.#transact(request, dialog, watch);
      const challenged = response.status === 401 || response.status === 407;
      if (!challenged || attempt > 2 || !this.#digest?.accept(response, attempt > 0)) {
        if (response.status < 300) dialog.confirm(response);
        return response;
      }
    }
  }

  /** Sends the ACK to a 2xx, now and whenever the 2xx comes again. */
  acknowledge(dialog: Dialog, response: SipMessage, content: Content = {}): void {
    const message = writeRequest(this.#own, dialog, 'ACK', response.sequence, content);
    const to = dialog.nextHop ?? this.options.server;
    this.#acks.set(this.#ackKey(response), { message, to });
    this.#open.send(message.encode(), to);
  }

  /** Cancels an INVITE; its answer comes as usual. */
  cancel(invite: ClientTransaction, dialog: Dialog): void {
    if (!invite.pending) return;
    invite.cancelled();
    const request = writeForInvite(invite.request, 'CANCEL', invite.request.header('to') ?? '');
    this.#transact(request, dialog, {}).catch(() => undefined);
  }

  async close(): Promise<void> {
    for (const transaction of [...this.#clients.values()]) transaction.stop();
    for (const { transaction } of [...this.#servers.values()]) transaction.stop();
    this.#dialogs.clear();
    await this.#open.close();
  }

  get #open(): Transport {
    if (this.#transport === undefined) throw new Error('the user agent is not open');
    return this.#transport;
  }

  get #own(): OwnAddress {
    const user = /^sips?:([^@;?]+)@/i.exec(this.options.aor)?.[1];
    const { port, protocol } = this.#open;
    const contactUri = `sip:${user === undefined ? '' : `${user}@`}127.0.0.1:${port}${protocol === 'TCP' ? ';transport=tcp' : ''}`;
    return { port, protocol, contactUri };
  }

  #register(dialog: Dialog): Dialog {
    this.#dialogs.set(dialogKey(dialog.callId, dialog.localTag), dialog);
    return dialog;
  }

  #transact(request: SipMessage, dialog: Dialog, watch: RequestWatch): Promise<SipMessage> {
    const key = `${request.method} ${branchOf(request)}`;
    const to = dialog.nextHop ?? this.options.server;
    return new Promise((resolve, reject) => {
      const transaction = new ClientTransaction(request, {
        reliable: this.#open.protocol === 'TCP',
        send: (message) => this.#open.send(message.encode(), to),
        ack: (response) => writeForInvite(request, 'ACK', response.header('to') ?? ''),
        onResponse: (response) => {
          if (response.status < 200) watch.onProvisional?.(response);
          else if (response.status < 300 && request.method === 'INVITE') this.#success(response, dialog, resolve);
          else resolve(response);
        },
        onTimeout: () => reject(new Error(`nobody answered a ${request.method}`)),
        onEnd: () => {
          this.#clients.delete(key);
          reject(new Error(`the phone was closed before its ${request.method} was answered`));
        },
      });
      this.#clients.set(key, transaction);
      watch.onSent?.(transaction);
      transaction.start();
    });
  }

  #ackKey(response: SipMessage): string {
    return `${response.header('call-id')} ${response.sequence} ${toTagOf(response)}`;
  }

  /** A 2xx to INVITE: the first goes up, a copy gets its ACK again, one of another fork is ended. */
  #success(response: SipMessage, dialog: Dialog, resolve: (response: SipMessage) => void): void {
    const sent = this.#acks.get(this.#ackKey(response));
    if (sent !== undefined) this.#open.send(sent.message.encode(), sent.to);
    else if (dialog.matches(toTagOf(response))) resolve(response);
    else {
      const fork = new Dialog({
        ...outgoingOrigin(dialog.target, this.options.aor),
        ...this.#forkOf(dialog, response),
      });
      fork.confirm(response);
      this.acknowledge(fork, response);
      this.request(fork, 'BYE').catch(() => undefined);
    }
  }

  #forkOf(dialog: Dialog, response: SipMessage) {
    const remoteTag = toTagOf(response);
    const routes = response.list('record-route').reverse();
    return {
      callId: dialog.callId,
      localTag: dialog.localTag,
      local: dialog.local,
      remote: dialog.remote,
      remoteTag,
      routes,
    };
  }

  #receive(received: Received): void {
    const { message } = received;
    const tag = parameterOf(message.header(message.status > 0 ? 'from' : 'to') ?? '', 'tag');
    const dialog = tag === undefined ? undefined : this.#dialogs.get(dialogKey(message.header('call-id') ?? '', tag));
    if (dialog?.dead) return;
    if (message.status > 0) this.#clients.get(`${message.method} ${branchOf(message)}`)?.receive(message);
    else if (message.method === 'ACK') this.#receiveAck(message);
    else this.#receiveRequest(received, dialog, tag);
  }

  #receiveAck(ack: SipMessage): void {
    for (const { transaction, incoming } of this.#servers.values()) {
      const { request } = transaction;
      const same = request.header('call-id') === ack.header('call-id') && request.sequence === ack.sequence;
      if (request.method !== 'INVITE' || !same) continue;
      transaction.acknowledged();
      incoming.onAck(ack);
      incoming.onAck = () => undefined;
    }
  }

  #receiveRequest(received: Received, dialog: Dialog | undefined, tag: string | undefined): void {
    const { message } = received;
    const key = `${message.method} ${branchOf(message)} ${message.header('via')?.split(';')[0]}`;
    const before = this.#servers.get(key);
    if (before !== undefined) {
      before.transaction.repeat();
      return;
    }
    const localTag = tag ?? randomBytes(8).toString('hex');
    const send = (response: SipMessage): void => received.reply(response.encode());
    const transaction = new ServerTransaction(message, this.#open.protocol === 'TCP', send, () =>
      this.#servers.delete(key),
    );
    const incoming: IncomingRequest = {
      message,
      localTag,
      respond: (status, content = {}) =>
        transaction.respond(writeAnswer(this.#own, message, received.source, status, localTag, content)),
      onCancel: () => undefined,
      onAck: () => undefined,
    };
    this.#servers.set(key, { transaction, incoming });
    if (message.method === 'CANCEL') this.#cancelled(incoming, key);
    else if (tag !== undefined) this.#inDialog(incoming, dialog);
    else this.#outOfDialog(incoming);
  }

  #cancelled(cancel: IncomingRequest, key: string): void {
    const invite = this.#servers.get(key.replace(/^CANCEL /, 'INVITE '));
    cancel.respond(invite === undefined ? 481 : 200);
    if (invite === undefined || invite.transaction.answered) return;
    invite.incoming.respond(487);
    invite.incoming.onCancel();
  }

  #inDialog(incoming: IncomingRequest, dialog: Dialog | undefined): void {
    const { message } = incoming;
    if (dialog === undefined || !dialog.matches(parameterOf(message.header('from') ?? '', 'tag'))) {
      this.strays.push(message);
      incoming.respond(481);
    } else if (!dialog.follow(message)) incoming.respond(500);
    else {
      for (const usage of dialog.usages) if (usage.receive(incoming)) return;
      if (message.method !== 'OPTIONS') this.strays.push(message);
      this.#plainAnswer(incoming);
    }
  }

  #outOfDialog(incoming: IncomingRequest): void {
    if (this.onRequest(incoming)) return;
    if (incoming.message.method === 'INVITE') incoming.respond(486);
    else this.#plainAnswer(incoming);
  }

  #plainAnswer(incoming: IncomingRequest): void {
    const { method } = incoming.message;
    if (method === 'OPTIONS') incoming.respond(200, { headers: [['Accept', 'application/sdp']] });
    else incoming.respond(known(method) ? 481 : 405);
  }
}
