/** From the application to the network: its answers to requests, and the dialogs that these answers make. */
import { type AgentCore, forgetIfUnused, patience } from './agent-core.ts';
import { type Dialog, dialogId, dialogOfServer, inviteUsage, refreshTarget, subscriptionUsage } from './dialog.ts';
import type { DialogSender } from './dialog-sender.ts';
import { copyAppBody, copyAppHeaders, ownContact } from './header-rules.ts';
import type { Inbound, Incoming } from './inbound.ts';
import { isReliable, sendReliably, stopReliable } from './reliable-provisional.ts';
import { sessionTerms } from './session-timer.ts';
import { hasOption, isToken, parseCSeq, tagOf } from './sip-header.ts';
import { createResponse, type SipResponse } from './sip-message.ts';
import type { WireClient } from './wire-client.ts';
import { encodeResponseSent } from './wire-messages.ts';

const makesDialog = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);
const refreshesTarget = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);
/** How long NOTIFYs of a REFER may go on, in ms: longer than any phone rings. */
const referTime = 600_000;

export class AppResponder {
  readonly #core: AgentCore;
  readonly #inbound: Inbound;
  readonly #sender: DialogSender;

  constructor(core: AgentCore, inbound: Inbound, sender: DialogSender) {
    this.#core = core;
    this.#inbound = inbound;
    this.#sender = sender;
  }

  /** Sends an application's answer, and tells it what was sent or why not. */
  respond(client: WireClient, frameId: string, transactionId: string, given: SipResponse): void {
    const incoming = this.#inbound.find(transactionId);
    if (!incoming?.transaction.open) {
      client.refuse(frameId, 'Response not sent due to unknown transaction');
      return;
    }
    const response = this.#compose(incoming, given);
    const { transaction } = incoming;
    const formed = this.#formDialog(incoming, response);
    const refusal = this.#send(incoming, response);
    if (refusal !== undefined) {
      client.refuse(frameId, refusal);
      return;
    }
    this.#settle(incoming, response);
    const { headers } = transaction.request;
    const name = formed ? dialogId(headers.get('call-id') ?? '', tagOf(headers.get('from'))) : '';
    const ids = { transactionId, dialogId: incoming.dialog?.id ?? name };
    client.send(encodeResponseSent(frameId, response, transaction.flow, ids));
  }

  #compose({ transaction, dialog }: Incoming, given: SipResponse): SipResponse {
    const { request, flow } = transaction;
    const wanted = tagOf(given.headers.get('to'));
    if (wanted !== undefined && isToken(wanted) && !dialog) transaction.toTag = wanted;
    const tag = given.status > 100 ? transaction.toTag : undefined;
    const response = createResponse(request, given.status, given.reason, tag);
    const forms = given.status > 100 && given.status < 300 && makesDialog.has(request.method);
    const { headers } = response;
    if (forms) {
      for (const route of request.headers.all('record-route')) headers.add('Record-Route', route);
    }
    copyAppHeaders(given.headers, headers, flow.local);
    copyAppBody(given, response);
    if (forms && headers.get('contact') === undefined)
      headers.add('Contact', dialog?.contact || ownContact(flow.local));
    if (request.method === 'INVITE' && given.status === 200)
      echoSessionTimer(request.headers.get('session-expires'), response);
    return response;
  }

  /** RFC 3261 12.1.1: true when the answer belongs to a dialog that it makes or would make. */
  #formDialog(incoming: Incoming, response: SipResponse): boolean {
    const { transaction, inDialog } = incoming;
    if (inDialog || response.status <= 100 || !makesDialog.has(transaction.request.method)) return false;
    // Only INVITE has early dialogs; a failure makes none.
    const early = transaction.isInvite && response.status < 200;
    if (!incoming.dialog && (early || isSuccess(response))) {
      incoming.dialog = dialogOfServer(transaction, response, incoming.client, ownContact(transaction.flow.local));
      this.#core.dialogs.add(incoming.dialog);
      if (transaction.isInvite) {
        incoming.dialog.incomingInvite = transaction;
        incoming.dialog.usages.set(inviteUsage, Number.POSITIVE_INFINITY);
      }
    }
    return true;
  }

  #send(incoming: Incoming, response: SipResponse): string | undefined {
    const { transaction, dialog } = incoming;
    if (dialog && isReliable(transaction.request, response)) return sendReliably(dialog, transaction, response);
    if (response.status >= 200) stopReliable(dialog);
    if (transaction.isInvite && isSuccess(response) && dialog) {
      transaction.onAckTimeout = () => {
        this.#inbound.forget(transaction.id);
        this.#sender.bye(dialog, 'ACK timeout');
      };
    }
    return transaction.send(response) ? undefined : 'transport for response has been shutdown or closed';
  }

  #settle(incoming: Incoming, response: SipResponse): void {
    const { transaction, dialog } = incoming;
    if (dialog) this.#updateDialog(dialog, incoming, response);
    if (response.status < 200) return;
    if (dialog?.incomingInvite === transaction && !isSuccess(response)) dialog.incomingInvite = undefined;
    this.#inbound.forget(transaction.id);
  }

  #updateDialog(dialog: Dialog, incoming: Incoming, response: SipResponse): void {
    const { request, flow, isInvite } = incoming.transaction;
    keepOwnSide(dialog, incoming, response);
    if (response.status < 200) return;
    if (!isSuccess(response)) {
      if (!incoming.inDialog) this.#core.dialogs.remove(dialog);
      return;
    }
    if (!incoming.inDialog) dialog.confirmed = true;
    if (incoming.inDialog && refreshesTarget.has(request.method)) refreshTarget(dialog, request, flow);
    this.#addUsage(dialog, incoming, response);
    const terms = sessionTerms(response);
    if (isInvite || (request.method === 'UPDATE' && terms)) this.#sender.startSession(dialog, terms, 'uas');
  }

  #addUsage(dialog: Dialog, { transaction, inDialog }: Incoming, response: SipResponse): void {
    const { method, headers } = transaction.request;
    // A dialog that ended while the answer was under way stays ended.
    if (inDialog && !this.#core.dialogs.has(dialog)) return;
    if (method === 'SUBSCRIBE') {
      const seconds = Number(response.headers.get('expires') ?? headers.get('expires') ?? 3600) || 0;
      dialog.usages.set(subscriptionUsage(headers.get('event')), Date.now() + seconds * 1_000 + patience);
    }
    if (method === 'REFER' && !/^\s*false/i.test(response.headers.get('refer-sub') ?? '')) {
      dialog.usages.set(`refer;id=${parseCSeq(headers.get('cseq'))?.seq}`, Date.now() + referTime);
    }
    forgetIfUnused(this.#core, dialog);
  }
}

/** What we told the peer of ourselves: the Contact and SDP that stand from now on. */
function keepOwnSide(dialog: Dialog, { transaction }: Incoming, response: SipResponse): void {
  const contact = response.headers.get('contact');
  const names = isSuccess(response) && makesDialog.has(transaction.request.method);
  if (contact !== undefined && names) dialog.contact = contact;
  if (transaction.isInvite && response.body.length > 0 && response.status < 300) dialog.localSdp = response.body;
}

function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

/** As drachtio-server does: a Session-Expires that names its refresher is granted when the application says nothing. */
function echoSessionTimer(asked: string | undefined, response: SipResponse): void {
  if (asked === undefined || !/refresher/i.test(asked) || response.headers.get('session-expires') !== undefined) return;
  response.headers.add('Session-Expires', asked);
  if (/refresher\s*=\s*uac/i.test(asked) && !hasOption(response.headers, ['require'], 'timer')) {
    response.headers.add('Require', 'timer');
  }
}
