/** RFC 3261 section 12, RFC 5057, RFC 6665 4.5: a dialog, the usages that share it, and the requests made inside it. */
import type { ClientTransaction } from './client-transaction.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { contactUri, listOf, parseCSeq, parseNameAddr, parseSipUri, tagOf } from './sip-header.ts';
import { createRequest, type SipRequest, type SipResponse } from './sip-message.ts';
import type { Flow } from './transport.ts';
import type { WireClient } from './wire-client.ts';

export interface Dialog {
  /** `<Call-ID>;from-tag=<From tag of the request that made it>`, as drachtio names dialogs. */
  readonly id: string;
  readonly callId: string;
  readonly role: 'uas' | 'uac';
  /** The application whose connection made the dialog. */
  readonly owner: WireClient;
  /** From and To values for our requests, with tags. */
  readonly localParty: string;
  remoteParty: string;
  readonly localTag: string;
  /** Undefined until the peer has answered. */
  remoteTag: string | undefined;
  localSeq: number;
  remoteSeq: number | undefined;
  routeSet: readonly string[];
  remoteTarget: string | undefined;
  /** Our Contact value, for requests where the application gives none. */
  contact: string;
  flow: Flow;
  /** The peer's Contact cannot be reached: answer to where its messages come from. */
  behindNat: boolean;
  confirmed: boolean;
  /** What the dialog is for, each with the time (ms since 1970) when it ends by itself. */
  readonly usages: Map<string, number>;
  /** An INVITE of the peer inside this dialog, or the one that made it, until its ACK. */
  incomingInvite?: ServerTransaction | undefined;
  /** The reliable provisional answer that waits for its PRACK. */
  unacknowledged?: { readonly rseq: number; readonly cseq: number; stop(): void } | undefined;
  /** A re-INVITE of ours that has no final answer. */
  outgoingInvite?: ClientTransaction | undefined;
  /** CSeq of our last INVITE, which its ACK repeats. */
  inviteSeq: number;
  /** The ACK of our last INVITE, sent again when its 2xx comes again. */
  lastAck?: { readonly seq: number; readonly bytes: Buffer; readonly flow: Flow } | undefined;
  /** The application had canceled, and the 2xx was faster: BYE after the ACK. */
  byeAfterAck: boolean;
  /** The last session description of ours, for a refresh by the agent. */
  localSdp?: Buffer | undefined;
  /** The highest RSeq of the peer's reliable provisional answers, per INVITE of ours. */
  lastRseq?: { readonly cseq: number; readonly rseq: number } | undefined;
}

/** The usage an INVITE makes. */
export const inviteUsage = 'invite';

/** The usage of a subscription: its event package with the id, if any (RFC 6665 4.5.2). */
export function subscriptionUsage(event: string | undefined): string {
  const [name = '', ...params] = (event ?? '').split(';').map((part) => part.trim());
  const id = params.find((param) => /^id\s*=/i.test(param));
  return id === undefined ? name.toLowerCase() : `${name.toLowerCase()};${id.replace(/\s/g, '')}`;
}

/** Ends the usage of a subscription. A refer NOTIFY may leave out the id when there was one REFER only (RFC 3515 2.4.6). */
export function endSubscription(dialog: Dialog, event: string | undefined): void {
  const usage = subscriptionUsage(event);
  if (dialog.usages.delete(usage)) return;
  const name = usage.split(';')[0];
  const alike = [...dialog.usages.keys()].filter((key) => key !== inviteUsage && key.split(';')[0] === name);
  if (alike.length === 1 && alike[0] !== undefined) dialog.usages.delete(alike[0]);
}

/** The dialog that the application's first answer to a request makes (RFC 3261 12.1.1). */
export function dialogOfServer(
  transaction: ServerTransaction,
  response: SipResponse,
  owner: WireClient,
  ownContact: string,
): Dialog {
  const { request, flow } = transaction;
  const { headers } = request;
  const callId = headers.get('call-id') ?? '';
  const remoteTag = tagOf(headers.get('from'));
  const target = contactUri(headers);
  return {
    id: dialogId(callId, remoteTag),
    callId,
    role: 'uas',
    owner,
    localParty: response.headers.get('to') ?? '',
    remoteParty: headers.get('from') ?? '',
    localTag: tagOf(response.headers.get('to')) ?? transaction.toTag,
    remoteTag,
    localSeq: randomSeq(),
    remoteSeq: parseCSeq(headers.get('cseq'))?.seq,
    routeSet: listOf(headers, 'record-route'),
    remoteTarget: target,
    contact: response.headers.get('contact') ?? ownContact,
    flow,
    behindNat: isUnreachable(target, headers.get('record-route') !== undefined, flow),
    confirmed: false,
    usages: new Map(),
    inviteSeq: 0,
    byeAfterAck: false,
  };
}

/** The dialog that a request of ours will make when it is answered (RFC 3261 12.1.2). */
export function dialogOfClient(request: SipRequest, flow: Flow, owner: WireClient): Dialog {
  const { headers } = request;
  const callId = headers.get('call-id') ?? '';
  const localTag = tagOf(headers.get('from')) ?? '';
  const seq = parseCSeq(headers.get('cseq'))?.seq ?? 1;
  return {
    id: dialogId(callId, localTag),
    callId,
    role: 'uac',
    owner,
    localParty: headers.get('from') ?? '',
    remoteParty: headers.get('to') ?? '',
    localTag,
    remoteTag: undefined,
    localSeq: seq,
    remoteSeq: undefined,
    routeSet: [],
    // A provisional answer may come without Contact; its PRACK then goes where the request went.
    remoteTarget: request.uri,
    contact: headers.get('contact') ?? '',
    flow,
    behindNat: false,
    confirmed: false,
    usages: new Map(),
    inviteSeq: seq,
    byeAfterAck: false,
    localSdp: request.body.length > 0 ? request.body : undefined,
  };
}

/** drachtio's name of a dialog. */
export function dialogId(callId: string, fromTag: string | undefined): string {
  return `${callId};from-tag=${fromTag ?? ''}`;
}

/** Takes the peer's side of a client dialog from its answer, or from a NOTIFY that came before it. */
export function learnPeer(dialog: Dialog, message: SipRequest | SipResponse, flow: Flow): void {
  const { headers } = message;
  const peer = message.kind === 'response' ? headers.get('to') : headers.get('from');
  const routes = listOf(headers, 'record-route');
  dialog.remoteParty = peer ?? dialog.remoteParty;
  dialog.remoteTag = tagOf(peer);
  dialog.routeSet = message.kind === 'response' ? routes.reverse() : routes;
  const decided = message.kind === 'response' && message.status >= 200;
  dialog.remoteTarget = contactUri(headers) ?? (decided ? undefined : dialog.remoteTarget);
  dialog.flow = flow;
  dialog.behindNat = isUnreachable(dialog.remoteTarget, routes.length > 0, flow);
}

/** A new Contact in a target refresh moves the peer (RFC 3261 12.2). */
export function refreshTarget(dialog: Dialog, message: SipRequest | SipResponse, flow: Flow): void {
  const target = contactUri(message.headers);
  if (target === undefined) return;
  dialog.remoteTarget = target;
  dialog.behindNat = isUnreachable(target, dialog.routeSet.length > 0, flow);
  if (dialog.behindNat) dialog.flow = flow;
}

/**
 * A Contact with an address that is not the one the message came from is taken for one behind NAT, unless a proxy stands
 * between. Another port at the same address is a phone's own choice and is respected.
 */
function isUnreachable(target: string | undefined, routed: boolean, flow: Flow): boolean {
  if (routed) return false;
  const uri = target === undefined ? undefined : parseSipUri(target);
  if (!uri || /\.invalid$/i.test(uri.host)) return true;
  return /^[\d.]+$|:/.test(uri.host) && uri.host !== flow.address;
}

/** A request inside a dialog, with its route set (RFC 3261 12.2.1.1), but without Via, Contact and body. */
export function createDialogRequest(dialog: Dialog, method: string, seq: number): SipRequest {
  const target = dialog.remoteTarget ?? '';
  const first = parseNameAddr(dialog.routeSet[0] ?? '');
  const strict = first !== undefined && !/;lr(?:[;=]|$)/i.test(first.uri);
  const request = createRequest(method, strict ? first.uri : target);
  const routes = strict ? [...dialog.routeSet.slice(1), `<${target}>`] : dialog.routeSet;
  for (const route of routes) request.headers.add('Route', route);
  request.headers.add('Max-Forwards', '70');
  request.headers.add('From', dialog.localParty);
  request.headers.add('To', dialog.remoteParty);
  request.headers.add('Call-ID', dialog.callId);
  request.headers.add('CSeq', `${seq} ${method}`);
  return request;
}

/** Where a request inside the dialog goes: the first route, else the peer's Contact; undefined means back to the flow. */
export function nextHopUri(dialog: Dialog): string | undefined {
  const route = parseNameAddr(dialog.routeSet[0] ?? '')?.uri;
  if (route !== undefined) return route;
  return dialog.behindNat ? undefined : dialog.remoteTarget;
}

/** A first CSeq that leaves room to count (RFC 3261 8.1.1.5). */
export function randomSeq(): number {
  return 1 + Math.floor(Math.random() * 1e8);
}
