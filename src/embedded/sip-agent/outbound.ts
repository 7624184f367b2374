/** From the application to the network: new requests, requests inside dialogs, ACK and CANCEL. */
import { randomUUID } from 'node:crypto';
import type { AgentCore } from './agent-core.ts';
import { flowsBySize } from './datagram-limit.ts';
import { createDialogRequest, type Dialog, dialogOfClient, randomSeq, subscriptionUsage } from './dialog.ts';
import type { DialogSender } from './dialog-sender.ts';
import { copyAppBody, copyAppHeaders, hasLocalhostContact, ownAddress, ownContact } from './header-rules.ts';
import type { Outgoing, OutgoingRequests } from './outgoing.ts';
import { isOurselves, resolveTargets, type Targets } from './resolver.ts';
import { parseCSeq, parseNameAddr } from './sip-header.ts';
import { createRequest, createResponse, type SipRequest } from './sip-message.ts';
import { newTag } from './tags.ts';
import type { Flow, LocalAddress } from './transport.ts';
import type { WireClient } from './wire-client.ts';
import { encodeRequestSent } from './wire-messages.ts';

/** A command of an application, to be answered by its id. */
export interface Command {
  readonly client: WireClient;
  readonly frameId: string;
  readonly request: SipRequest;
}

const makesDialog = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);
/** Requests inside a dialog that get our Contact when the application gives none; not NOTIFY, as drachtio-server. */
const contactInDialog = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE']);

export class Outbound {
  readonly #core: AgentCore;
  readonly #outgoing: OutgoingRequests;
  readonly #sender: DialogSender;

  constructor(core: AgentCore, outgoing: OutgoingRequests, sender: DialogSender) {
    this.#core = core;
    this.#outgoing = outgoing;
    this.#sender = sender;
  }

  /** Takes a request of an application; `ids` are the fields of its frame, empty when they are not given. */
  request(command: Command, ids: { transactionId: string; dialogId: string; route: string }): void {
    const { request, client, frameId } = command;
    if (ids.dialogId !== '') {
      this.#inDialog(command, ids.dialogId);
      return;
    }
    if (request.method === 'CANCEL') {
      this.#cancel(command, ids.transactionId);
      return;
    }
    const known = this.#core.dialogs.byCallId(request.headers.get('call-id') ?? '');
    if (known) {
      this.#inDialog(command, known.id);
      return;
    }
    if (request.method === 'ACK') {
      client.refuse(frameId, ackRefusal);
      return;
    }
    this.#outOfDialog(command, ids.route);
  }

  #cancel({ client, frameId }: Command, transactionId: string): void {
    const sent = this.#outgoing.cancel(transactionId);
    if (!sent) {
      client.refuse(frameId, `unable to cancel unknown transaction id: ${transactionId}`);
      return;
    }
    client.send(encodeRequestSent(frameId, sent.request, sent.flow, randomUUID()));
  }

  #outOfDialog(command: Command, route: string): void {
    const { request } = command;
    const hop = route === '' ? request.uri : routeUri(route);
    const found = resolveTargets(hop, this.#core.locals, this.#core.dns);
    if (!(found instanceof Promise)) {
      this.#sendNew(command, found, route !== '');
      return;
    }
    found
      .then((targets) => this.#sendNew(command, targets, route !== ''))
      .catch((error: unknown) => this.#failed(command, error));
  }

  #failed({ client, frameId }: Command, error: unknown): void {
    this.#core.log.error({ err: error }, 'sending a request failed');
    client.refuse(frameId, 'Server error: internal failure');
  }

  #sendNew(command: Command, targets: Targets, routed: boolean): void {
    const { client, frameId } = command;
    if ('refusal' in targets) {
      client.refuse(frameId, targets.refusal);
      return;
    }
    const [flow] = targets.flows;
    if (flow && !routed && isOurselves(flow, this.#core.locals)) {
      client.refuse(frameId, 'can not send request to myself');
      return;
    }
    const local = flow?.local ?? this.#core.locals[0];
    const request = local ? composeNew(command.request, local) : 'requested protocol/transport not available';
    if (typeof request === 'string') {
      client.refuse(frameId, request);
      return;
    }
    this.#launchNew(command, request, targets.flows);
  }

  #launchNew({ client, frameId }: Command, request: SipRequest, flows: readonly Flow[]): void {
    const [flow] = flows;
    const makes = makesDialog.has(request.method);
    if (makes && this.#core.dialogs.size >= this.#core.limits.maxDialogs) {
      client.refuse(frameId, 'too many dialogs');
      return;
    }
    const dialog = makes && flow ? dialogOfClient(request, flow, client) : undefined;
    const outgoing = newOutgoing({ client, request, dialog, initial: true });
    if (dialog && request.method === 'SUBSCRIBE') {
      // RFC 6665 4.4.1: its first NOTIFY may overtake the answer.
      dialog.usages.set(subscriptionUsage(request.headers.get('event')), Date.now() + 64_000);
      this.#core.dialogs.add(dialog);
    }
    if (flow && !this.#outgoing.start(outgoing, flowsBySize(request, flows, this.#core.locals))) {
      client.refuse(frameId, 'too many transactions');
      return;
    }
    client.send(encodeRequestSent(frameId, request, outgoing.transaction?.flow, outgoing.id));
    if (!flow) this.#outgoing.failLocally(outgoing, createResponse(request, 503, 'DNS Error', newTag()));
  }

  #inDialog(command: Command, dialogId: string): void {
    const { client, frameId, request } = command;
    const dialog = this.#core.dialogs.byId(dialogId);
    if (!dialog) {
      client.refuse(frameId, request.method === 'ACK' ? ackRefusal : unknownDialog);
      return;
    }
    if (hasLocalhostContact(request.headers)) {
      client.refuse(frameId, localhostRefusal);
      return;
    }
    if (dialog.remoteTarget === undefined) {
      client.refuse(frameId, `${noRoute} ${dialogId}`);
      return;
    }
    if (request.method === 'INVITE' && dialog.outgoingInvite?.pending) {
      client.refuse(frameId, 'a re-INVITE is already in progress on this dialog');
      return;
    }
    this.#sender.withFlow(this.#sender.targets(dialog), (flow, refusal) => {
      if (!flow) client.refuse(frameId, refusal);
      else if (!this.#core.dialogs.has(dialog)) client.refuse(frameId, unknownDialog);
      else this.#sendInDialog(command, dialog, flow);
    });
  }

  #sendInDialog({ client, frameId, request: given }: Command, dialog: Dialog, flow: Flow): void {
    const { method } = given;
    const isAck = method === 'ACK';
    const seq = isAck ? dialog.inviteSeq : nextSeq(dialog, given);
    const request = createDialogRequest(dialog, method, seq);
    const ownUri = !isAck && !given.uri.includes('placeholder') && dialog.routeSet.length === 0;
    if (ownUri) request.uri = given.uri;
    copyAppHeaders(given.headers, request.headers, flow.local);
    if (!copyAppBody(given, request)) {
      client.refuse(frameId, missingType);
      return;
    }
    addContact(request, dialog, flow);
    if ((method === 'INVITE' || isAck) && request.body.length > 0) dialog.localSdp = request.body;
    if (isAck) {
      this.#acknowledge({ client, frameId, request }, dialog, flow);
      return;
    }
    dialog.localSeq = seq;
    const outgoing = newOutgoing({ client, request, dialog, initial: false });
    if (!this.#outgoing.start(outgoing, waysInDialog(request, dialog, flow, this.#core.locals))) {
      client.refuse(frameId, 'too many transactions');
      return;
    }
    if (method === 'INVITE') dialog.inviteSeq = seq;
    if (method === 'NOTIFY') extendSubscription(dialog, request);
    client.send(encodeRequestSent(frameId, request, outgoing.transaction?.flow, outgoing.id));
  }

  #acknowledge({ client, frameId, request }: Command, dialog: Dialog, flow: Flow): void {
    this.#sender.acknowledge(dialog, request, flow);
    client.send(encodeRequestSent(frameId, request, flow, randomUUID()));
    if (dialog.byeAfterAck) this.#sender.bye(dialog, 'ACK-BYE due to cancel race condition');
  }
}

const ackRefusal = 'Server error: ACK for non-success final response is automatically generated by server';
const unknownDialog = 'Server error: unable to find dialog for dialog id provided';
const noRoute = 'Server error: unable to find route when sending request inside dialog for dialog id';
const missingType = 'Server error: missing content-type';
const localhostRefusal =
  'Server error: localhost in a Contact is not replaced inside a dialog (drachtio-server loses headers); write the host out';

function routeUri(route: string): string {
  const uri = parseNameAddr(route)?.uri ?? route;
  return /^sips?:/i.test(uri) ? uri : `sip:${uri}`;
}

/** A new request with the headers that the agent makes; a text is the refusal. */
function composeNew(given: SipRequest, local: LocalAddress): SipRequest | string {
  const { method, headers } = given;
  const from = composeFrom(ownAddress('from', headers.get('from') ?? ownContact(local), local));
  if (from === undefined) return 'invalid from value provided by client';
  const to = ownAddress('to', headers.get('to') ?? `<${given.uri}>`, local);
  if (!parseNameAddr(to)) return 'invalid to value provided by client';
  const request = createRequest(method, given.uri);
  request.headers.add('Max-Forwards', /^\d{1,3}$/.exec(headers.get('max-forwards') ?? '')?.[0] ?? '70');
  request.headers.add('From', from);
  request.headers.add('To', to);
  request.headers.add('Call-ID', headers.get('call-id') ?? randomUUID());
  request.headers.add('CSeq', `${/^\d+/.exec(headers.get('cseq') ?? '')?.[0] ?? randomSeq()} ${method}`);
  copyAppHeaders(headers, request.headers, local);
  if (!copyAppBody(given, request)) return missingType;
  if (makesDialog.has(method) && request.headers.get('contact') === undefined) {
    request.headers.add('Contact', ownContact(local));
  }
  return request;
}

/** The From value with a tag; parameters of a bare URI belong to the header (RFC 3261 20.20). */
function composeFrom(value: string): string | undefined {
  const parsed = parseNameAddr(value);
  if (!parsed) return undefined;
  if (parsed.params.has('tag')) return value;
  return value.includes('<') ? `${value};tag=${newTag()}` : `<${parsed.uri}>;tag=${newTag()}`;
}

/** A NOTIFY says how long the subscription goes on. */
function extendSubscription(dialog: Dialog, notify: SipRequest): void {
  const usage = subscriptionUsage(notify.headers.get('event'));
  const seconds = /^\s*(?:active|pending)\b.*;\s*expires\s*=\s*(\d{1,9})/i.exec(
    notify.headers.get('subscription-state') ?? '',
  );
  if (seconds && dialog.usages.has(usage)) dialog.usages.set(usage, Date.now() + Number(seconds[1]) * 1_000 + 64_000);
}

function newOutgoing(given: Pick<Outgoing, 'client' | 'request' | 'dialog' | 'initial'>): Outgoing {
  return { ...given, id: randomUUID(), canceled: false, accepted: false };
}

/** A peer that only its own source address reaches cannot be called by TCP. */
function waysInDialog(request: SipRequest, dialog: Dialog, flow: Flow, locals: readonly LocalAddress[]): Flow[] {
  return dialog.behindNat ? [flow] : flowsBySize(request, [flow], locals);
}

/** The next CSeq of our side; an application that counts for itself may run ahead. */
function nextSeq(dialog: Dialog, given: SipRequest): number {
  return Math.max(dialog.localSeq + 1, parseCSeq(given.headers.get('cseq'))?.seq ?? 0);
}

/** The server adds our Contact where the application gave none and the method refreshes the target. */
function addContact(request: SipRequest, dialog: Dialog, flow: Flow): void {
  if (!contactInDialog.has(request.method) || request.headers.get('contact') !== undefined) return;
  request.headers.add('Contact', dialog.contact || ownContact(flow.local));
}
