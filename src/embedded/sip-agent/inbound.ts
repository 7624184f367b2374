/** From the network to the application: which requests it sees, and what is answered without it. */
import { type AgentCore, forgetIfUnused, patience } from './agent-core.ts';
import { type Dialog, endSubscription, learnPeer } from './dialog.ts';
import type { DialogSender } from './dialog-sender.ts';
import { stopReliable, takePrack } from './reliable-provisional.ts';
import { screen } from './screening.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { isSessionTooShort, minSessionSeconds } from './session-timer.ts';
import { listOf, parseCSeq, parseVia, tagOf } from './sip-header.ts';
import type { SipRequest } from './sip-message.ts';
import { isRfc3261Branch, type TransactionUser } from './transaction-layer.ts';
import type { Flow } from './transport.ts';
import type { WireClient } from './wire-client.ts';
import { encodeToApp } from './wire-messages.ts';

/** A request of the network that the application has to answer. */
export interface Incoming {
  readonly transaction: ServerTransaction;
  readonly client: WireClient;
  /** The dialog it came in, or that the application's answer made. */
  dialog: Dialog | undefined;
  readonly inDialog: boolean;
}

/** New requests that an application may get. REFER too, unlike drachtio-server: RFC 4579 5.5 dials out by it. */
const passedOn = new Set([
  'INVITE',
  'REGISTER',
  'MESSAGE',
  'OPTIONS',
  'INFO',
  'NOTIFY',
  'SUBSCRIBE',
  'PUBLISH',
  'REFER',
]);
/** Requests that have no meaning outside of a dialog, or when they name one that is not there. */
const dialogOnly = new Set(['BYE', 'UPDATE', 'PRACK']);
/** A watcher's refresh of a subscription we have forgotten is the application's to refuse. */
const withStaleTag = new Set(['SUBSCRIBE', 'NOTIFY', 'REGISTER', 'PUBLISH', 'MESSAGE']);
const makesDialog = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

export class Inbound implements TransactionUser {
  readonly #core: AgentCore;
  readonly #sender: DialogSender;
  readonly #pending = new Map<string, Incoming>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(core: AgentCore, sender: DialogSender) {
    this.#core = core;
    this.#sender = sender;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** The request with this transaction id, while it can be answered. */
  find(transactionId: string): Incoming | undefined {
    return this.#pending.get(transactionId);
  }

  /** The request needs no further answer of the application. */
  forget(transactionId: string): void {
    this.#pending.delete(transactionId);
    clearTimeout(this.#timers.get(transactionId));
    this.#timers.delete(transactionId);
  }

  request(request: SipRequest, transaction: ServerTransaction): void {
    const refusal = refuse(request);
    if (refusal) {
      transaction.answer(refusal.status, undefined, refusal.headers);
      return;
    }
    const dialog = this.#core.dialogs.ofRequest(request);
    const screened = dialog ? undefined : screen(request, this.#core.screening);
    if (dialog) this.#inDialog(dialog, request, transaction);
    else if (screened !== undefined) transaction.answer(screened);
    else this.#outOfDialog(request, transaction);
  }

  cancel(request: SipRequest, invite: ServerTransaction): void {
    const incoming = this.#pending.get(invite.id);
    stopReliable(incoming?.dialog);
    invite.answer(487);
    if (!incoming) return;
    this.forget(invite.id);
    const { dialog } = incoming;
    if (dialog) dialog.incomingInvite = undefined;
    if (dialog && !incoming.inDialog) this.#core.dialogs.remove(dialog);
    this.#toApp(incoming, request, invite.flow);
  }

  ack(request: SipRequest, flow: Flow): void {
    const dialog = this.#core.dialogs.ofRequest(request);
    const invite = dialog?.incomingInvite;
    if (!dialog || invite?.state !== 'accepted') return;
    if (parseCSeq(invite.request.headers.get('cseq'))?.seq !== parseCSeq(request.headers.get('cseq'))?.seq) return;
    invite.acknowledge();
    dialog.incomingInvite = undefined;
    this.forget(invite.id);
    this.#toApp({ transaction: invite, client: dialog.owner, dialog, inDialog: true }, request, flow);
  }

  /** An application is gone: its callers are told at once. */
  release(client: WireClient): void {
    for (const [id, incoming] of this.#pending) {
      if (incoming.client !== client) continue;
      stopReliable(incoming.dialog);
      this.forget(id);
      if (!incoming.transaction.open) continue;
      incoming.transaction.answer(480);
      if (incoming.dialog && !incoming.inDialog) this.#core.dialogs.remove(incoming.dialog);
    }
  }

  close(): void {
    for (const id of [...this.#pending.keys()]) this.forget(id);
  }

  #outOfDialog(request: SipRequest, transaction: ServerTransaction): void {
    const { method, headers } = request;
    const tagged = tagOf(headers.get('to')) !== undefined;
    if (dialogOnly.has(method) || (tagged && !withStaleTag.has(method))) {
      transaction.answer(481);
      return;
    }
    if (!passedOn.has(method)) {
      transaction.answer(501);
      return;
    }
    if (method === 'INVITE') transaction.answer(100);
    const client = this.#core.pick(method);
    const full = makesDialog.has(method) && this.#core.dialogs.size >= this.#core.limits.maxDialogs;
    if (!client || full) {
      transaction.answer(503);
      return;
    }
    this.#deliver({ transaction, client, dialog: undefined, inDialog: false });
  }

  #inDialog(dialog: Dialog, request: SipRequest, transaction: ServerTransaction): void {
    const { method, headers } = request;
    if (dialog.remoteTag === undefined) learnPeer(dialog, request, transaction.flow);
    const seq = parseCSeq(headers.get('cseq'))?.seq ?? 0;
    if (dialog.remoteSeq !== undefined && seq < dialog.remoteSeq) {
      transaction.answer(500, 'CSeq out of order');
      return;
    }
    dialog.remoteSeq = seq;
    if (method === 'PRACK' && !takePrack(dialog, request)) {
      transaction.answer(481);
      return;
    }
    if (method === 'INVITE' && !this.#acceptsInvite(dialog, transaction)) return;
    this.#endUsage(dialog, request);
    if (dialog.owner.gone) {
      transaction.answer(method === 'BYE' ? 481 : 480);
      return;
    }
    this.#deliver({ transaction, client: dialog.owner, dialog, inDialog: true });
  }

  /** RFC 3261 14.2: one INVITE at a time. */
  #acceptsInvite(dialog: Dialog, transaction: ServerTransaction): boolean {
    if (dialog.outgoingInvite?.pending) {
      transaction.answer(491);
      return false;
    }
    if (dialog.incomingInvite?.open) {
      transaction.answer(500, 'Overlapping INVITE', [['Retry-After', String(Math.floor(Math.random() * 11))]]);
      return false;
    }
    transaction.answer(100);
    dialog.incomingInvite = transaction;
    return true;
  }

  #endUsage(dialog: Dialog, request: SipRequest): void {
    if (request.method === 'BYE') this.#sender.endCall(dialog);
    else if (request.method === 'NOTIFY' && /^\s*terminated/i.test(request.headers.get('subscription-state') ?? '')) {
      endSubscription(dialog, request.headers.get('event'));
      forgetIfUnused(this.#core, dialog);
    }
  }

  #deliver(incoming: Incoming): void {
    const { transaction } = incoming;
    this.#pending.set(transaction.id, incoming);
    this.#toApp(incoming, transaction.request, transaction.flow);
    const timer = setTimeout(() => this.#silent(incoming), patience);
    timer.unref();
    this.#timers.set(transaction.id, timer);
  }

  /** The application has not said a word: the peer must not wait for ever. */
  #silent({ transaction, dialog }: Incoming): void {
    if (transaction.lastStatus > 100 && transaction.open) return;
    this.forget(transaction.id);
    if (!transaction.open) return;
    if (dialog?.incomingInvite === transaction) dialog.incomingInvite = undefined;
    transaction.answer(480);
  }

  #toApp(incoming: Incoming, message: SipRequest, flow: Flow): void {
    const { transaction, client, dialog, inDialog } = incoming;
    const common = {
      message,
      source: 'network',
      flow,
      transactionId: transaction.id,
      dialogId: dialog?.id ?? '',
    } as const;
    const isNew = !inDialog && message === transaction.request;
    client.send(encodeToApp(isNew ? { ...common, receivedOn: flow.local } : common));
  }
}

interface Refusal {
  readonly status: number;
  readonly headers?: readonly (readonly [string, string])[];
}

/** What is wrong with a well-formed request in any case. */
export function refuse(request: SipRequest): Refusal | undefined {
  const { headers, method, uri } = request;
  if (!/^(sips?|tel):/i.test(uri)) return { status: 416 };
  const branch = parseVia(listOf(headers, 'via')[0] ?? '')?.params.get('branch') ?? '';
  // Only a peer of RFC 2543 may leave the From tag out (RFC 3261 12.1.1).
  if (tagOf(headers.get('from')) === undefined && isRfc3261Branch(branch)) return { status: 400 };
  if ((method === 'INVITE' || method === 'UPDATE') && isSessionTooShort(request)) {
    return { status: 422, headers: [['Min-SE', String(minSessionSeconds)]] };
  }
  return undefined;
}
