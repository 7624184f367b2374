/** Requests of applications that are under way: attempts at several addresses, and what their responses do to dialogs. */
import { type AgentCore, forgetIfUnused, patience } from './agent-core.ts';
import type { ClientTransaction, Outcome } from './client-transaction.ts';
import { type Dialog, endSubscription, inviteUsage, learnPeer, refreshTarget, subscriptionUsage } from './dialog.ts';
import type { DialogSender } from './dialog-sender.ts';
import { isRepeatedProvisional } from './reliable-provisional.ts';
import { sessionTerms } from './session-timer.ts';
import { parseCSeq, tagOf } from './sip-header.ts';
import { createRequest, type SipRequest, type SipResponse } from './sip-message.ts';
import type { Flow } from './transport.ts';
import type { WireClient } from './wire-client.ts';
import { encodeToApp } from './wire-messages.ts';

/** One request of an application, over all attempts. */
export interface Outgoing {
  /** The transaction id the application knows. */
  readonly id: string;
  readonly client: WireClient;
  readonly request: SipRequest;
  /** The dialog it is in, or that its answer may make. */
  readonly dialog: Dialog | undefined;
  /** Whether it is to make the dialog. */
  readonly initial: boolean;
  canceled: boolean;
  /** A 2xx to this INVITE was handed to the application. */
  accepted: boolean;
  transaction?: ClientTransaction;
}

/** RFC 6665 4.2.2 and RFC 5057: answers to a NOTIFY that end its subscription. */
const endsSubscription = new Set([408, 481]);

export class OutgoingRequests {
  readonly #core: AgentCore;
  readonly #sender: DialogSender;
  readonly #pending = new Map<string, Outgoing>();

  constructor(core: AgentCore, sender: DialogSender) {
    this.#core = core;
    this.#sender = sender;
  }

  get size(): number {
    return this.#pending.size;
  }

  find(transactionId: string): Outgoing | undefined {
    return this.#pending.get(transactionId);
  }

  /** Sends to the first flow, and to the next ones when there is no way to it (RFC 3263 4.3). False: too many. */
  start(outgoing: Outgoing, flows: readonly Flow[]): boolean {
    const [flow, ...others] = flows;
    if (!flow) return false;
    const { request } = outgoing;
    const transaction = this.#core.layer.request(request, flow, (outcome) => {
      const unreachable = outcome.cause === 'transport' || outcome.cause === 'timeout';
      if (unreachable && others.length > 0 && !outgoing.canceled) {
        request.headers.remove('via');
        if (this.start(outgoing, others)) return;
      }
      this.#receive(outgoing, outcome);
    });
    if (!transaction) return false;
    outgoing.transaction = transaction;
    if (transaction.isInvite && outgoing.dialog && !outgoing.initial) outgoing.dialog.outgoingInvite = transaction;
    this.#pending.set(outgoing.id, outgoing);
    return true;
  }

  /** Sends the CANCEL of an INVITE; undefined when there is nothing left to cancel. */
  cancel(transactionId: string): { request: SipRequest; flow: Flow } | undefined {
    const outgoing = this.#pending.get(transactionId);
    const transaction = outgoing?.transaction;
    if (!outgoing || !transaction?.pending || !transaction.isInvite) return undefined;
    outgoing.canceled = true;
    const { headers, uri } = transaction.request;
    const request = createRequest('CANCEL', uri);
    for (const route of headers.all('route')) request.headers.add('Route', route);
    request.headers.add('Max-Forwards', '70');
    for (const name of ['From', 'To', 'Call-ID']) request.headers.add(name, headers.get(name.toLowerCase()) ?? '');
    request.headers.add('CSeq', `${parseCSeq(headers.get('cseq'))?.seq ?? 1} CANCEL`);
    transaction.cancel(request);
    return { request, flow: transaction.flow };
  }

  /** A response that is made here because the request never went out. */
  failLocally(outgoing: Outgoing, response: SipResponse): void {
    this.#receive(outgoing, { response });
  }

  /** An application is gone: nobody waits for its calls any more. */
  release(client: WireClient): void {
    for (const outgoing of this.#pending.values()) {
      if (outgoing.client === client) this.cancel(outgoing.id);
    }
  }

  #receive(outgoing: Outgoing, outcome: Outcome): void {
    const { response } = outcome;
    const { dialog, client } = outgoing;
    const flow = outcome.flow ?? outgoing.transaction?.flow;
    if (outgoing.request.method === 'INVITE' && isSuccess(response) && this.#absorb(outgoing, response, flow)) return;
    if (dialog && isRepeatedProvisional(dialog, response)) return;
    if (dialog && flow) this.#updateDialog(outgoing, dialog, response, flow);
    if (response.status >= 200) this.#pending.delete(outgoing.id);
    const dialogId = dialog?.id ?? '';
    client.send(encodeToApp({ message: response, source: 'network', flow, transactionId: outgoing.id, dialogId }));
    if (dialog) this.#endUsage(outgoing, dialog, response.status);
  }

  /** A 2xx that the application must not see: a repeated one, another branch of a fork, or one that nobody waits for. */
  #absorb(outgoing: Outgoing, response: SipResponse, flow: Flow | undefined): boolean {
    const { dialog, request } = outgoing;
    if (!dialog || !flow) return false;
    if (!outgoing.accepted && !outgoing.client.gone) {
      outgoing.accepted = true;
      return false;
    }
    const ack = dialog.lastAck;
    const isOurs = outgoing.accepted && tagOf(response.headers.get('to')) === dialog.remoteTag;
    if (!isOurs) this.#sender.acknowledgeAndBye(request, response, flow);
    else if (ack && ack.seq === parseCSeq(response.headers.get('cseq'))?.seq)
      this.#core.layer.transmit(ack.flow, ack.bytes);
    this.#pending.delete(outgoing.id);
    return true;
  }

  #updateDialog(outgoing: Outgoing, dialog: Dialog, response: SipResponse, flow: Flow): void {
    const { status } = response;
    const { method } = outgoing.request;
    if (outgoing.initial) this.#establish(outgoing, dialog, response, flow);
    else if (isSuccess(response) && (method === 'INVITE' || method === 'UPDATE' || method === 'SUBSCRIBE')) {
      refreshTarget(dialog, response, flow);
    }
    if (status < 200) return;
    if (dialog.outgoingInvite && dialog.outgoingInvite === outgoing.transaction) dialog.outgoingInvite = undefined;
    if (!isSuccess(response)) return;
    if (method === 'INVITE') this.#sender.startSession(dialog, sessionTerms(response), 'uac');
    if (method === 'SUBSCRIBE') {
      const seconds = Number(response.headers.get('expires') ?? outgoing.request.headers.get('expires') ?? 3600) || 0;
      const usage = subscriptionUsage(outgoing.request.headers.get('event'));
      dialog.usages.set(usage, Date.now() + seconds * 1_000 + patience);
    }
  }

  /** RFC 3261 12.1.2, 13.2.2.4: until the 2xx decides, the newest answer with a tag is the peer. */
  #establish(outgoing: Outgoing, dialog: Dialog, response: SipResponse, flow: Flow): void {
    if (response.status >= 300) {
      this.#core.dialogs.remove(dialog);
      return;
    }
    if (response.status <= 100 || tagOf(response.headers.get('to')) === undefined) return;
    const early = dialog.remoteSeq;
    learnPeer(dialog, response, flow);
    dialog.remoteSeq = early;
    this.#core.dialogs.add(dialog);
    const { method } = outgoing.request;
    if (method === 'INVITE') dialog.usages.set(inviteUsage, Number.POSITIVE_INFINITY);
    if (response.status < 200) return;
    dialog.confirmed = true;
    dialog.byeAfterAck = method === 'INVITE' && outgoing.canceled;
    if (method === 'REFER') dialog.usages.set(`refer;id=${dialog.localSeq}`, Date.now() + 600_000);
  }

  #endUsage(outgoing: Outgoing, dialog: Dialog, status: number): void {
    if (status < 200 || status === 401 || status === 407) return;
    const { method, headers } = outgoing.request;
    if (method === 'BYE') {
      this.#sender.endCall(dialog);
      return;
    }
    if (method !== 'NOTIFY') return;
    const terminated = /^\s*terminated/i.test(headers.get('subscription-state') ?? '');
    if (!terminated && !endsSubscription.has(status)) return;
    endSubscription(dialog, headers.get('event'));
    forgetIfUnused(this.#core, dialog);
  }
}

function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300;
}
