/** Requests inside a dialog that go out: routing, the ACK of a 2xx, and the BYE and refresh that the agent sends by itself. */
import { type AgentCore, forgetIfUnused } from './agent-core.ts';
import { type ClientTransaction, type Outcome, viaFor } from './client-transaction.ts';
import { createDialogRequest, type Dialog, inviteUsage, nextHopUri } from './dialog.ts';
import { ownContact } from './header-rules.ts';
import { resolveTargets, type Targets } from './resolver.ts';
import { isOurRefresh, type SessionTerms, sessionDelays } from './session-timer.ts';
import { listOf, parseCSeq } from './sip-header.ts';
import { createRequest, type SipRequest, type SipResponse, serialise } from './sip-message.ts';
import { newBranch } from './tags.ts';
import { TimerSet } from './timer-set.ts';
import type { Flow } from './transport.ts';
import { encodeToApp } from './wire-messages.ts';

export class DialogSender {
  readonly #core: AgentCore;
  readonly #sessions = new Map<Dialog, TimerSet>();

  constructor(core: AgentCore) {
    this.#core = core;
  }

  /** The flows for the next request of a dialog; at once when no name must be resolved. */
  targets(dialog: Dialog, hop = nextHopUri(dialog)): Targets | Promise<Targets> {
    if (hop === undefined) return { flows: [dialog.flow] };
    const inbound = dialog.flow.connection;
    if (dialog.routeSet.length === 0 && inbound?.usable) return { flows: [dialog.flow] };
    return resolveTargets(hop, this.#core.locals, this.#core.dns, dialog.flow);
  }

  /** Calls `use` with the best flow, or with undefined and the refusal when there is none. */
  withFlow(targets: Targets | Promise<Targets>, use: (flow: Flow | undefined, refusal: string) => void): void {
    const settle = (found: Targets) => {
      if ('refusal' in found) use(undefined, found.refusal);
      else use(found.flows[0], 'no address found');
    };
    if (!(targets instanceof Promise)) {
      settle(targets);
      return;
    }
    targets.then(settle).catch((error: unknown) => this.#core.log.error({ err: error }, 'sending in a dialog failed'));
  }

  /** Gives the ACK for a 2xx its Via, keeps it for retransmissions, and sends it. */
  acknowledge(dialog: Dialog, ack: SipRequest, flow: Flow): void {
    ack.headers.prepend('Via', viaFor(flow, newBranch()));
    const bytes = serialise(ack);
    dialog.lastAck = { seq: dialog.inviteSeq, bytes, flow };
    this.#core.layer.transmit(flow, bytes);
  }

  /** A 2xx nobody waits for (another branch of a fork, a dead application): accept it and end that call (13.2.2.4). */
  acknowledgeAndBye(invite: SipRequest, response: SipResponse, flow: Flow): void {
    const seq = parseCSeq(response.headers.get('cseq'))?.seq ?? 1;
    const target = /<([^>]*)>/.exec(listOf(response.headers, 'contact')[0] ?? '')?.[1];
    if (target === undefined) return;
    const create = (method: string, number: number): SipRequest => {
      const request = createRequest(method, target);
      for (const route of listOf(response.headers, 'record-route').reverse()) request.headers.add('Route', route);
      request.headers.add('Max-Forwards', '70');
      request.headers.add('From', invite.headers.get('from') ?? '');
      request.headers.add('To', response.headers.get('to') ?? '');
      request.headers.add('Call-ID', response.headers.get('call-id') ?? '');
      request.headers.add('CSeq', `${number} ${method}`);
      return request;
    };
    const ack = create('ACK', seq);
    ack.headers.prepend('Via', viaFor(flow, newBranch()));
    this.#core.layer.transmit(flow, serialise(ack));
    this.#core.layer.request(create('BYE', seq + 1), flow, () => undefined);
  }

  /** The agent ends a call by itself: BYE to the peer, and an "unsolicited" BYE to the application. */
  bye(dialog: Dialog, why: string): void {
    if (!this.#core.dialogs.has(dialog) || !dialog.usages.has(inviteUsage)) return;
    this.endCall(dialog);
    dialog.localSeq += 1;
    const request = createDialogRequest(dialog, 'BYE', dialog.localSeq);
    request.headers.add('Reason', `SIP;cause=200;text="${why}"`);
    const { id: dialogId, owner, flow } = dialog;
    owner.send(encodeToApp({ message: request, source: 'application', flow, transactionId: 'unsolicited', dialogId }));
    this.withFlow(this.targets(dialog), (to) => {
      if (to) this.#core.layer.request(request, to, () => undefined);
    });
  }

  /** The call part of a dialog is over; subscriptions in it may live on (RFC 5057). */
  endCall(dialog: Dialog): void {
    dialog.usages.delete(inviteUsage);
    this.stopSession(dialog);
    if (dialog.incomingInvite?.open) dialog.incomingInvite.answer(487);
    dialog.incomingInvite = undefined;
    forgetIfUnused(this.#core, dialog);
  }

  /** Starts or restarts the session timer after an INVITE or UPDATE was accepted; `role` is ours in that request. */
  startSession(dialog: Dialog, terms: SessionTerms | undefined, role: 'uac' | 'uas'): void {
    this.stopSession(dialog);
    if (!terms) return;
    const timers = new TimerSet((error) => this.#core.log.error({ err: error }, 'a session timer failed'));
    this.#sessions.set(dialog, timers);
    const { refreshMs, endMs } = sessionDelays(terms);
    timers.start('end', endMs, () => this.bye(dialog, 'Session timer expired'));
    if (isOurRefresh(terms, role)) timers.start('refresh', refreshMs, () => this.#refresh(dialog, terms, timers));
  }

  stopSession(dialog: Dialog): void {
    this.#sessions.get(dialog)?.stop();
    this.#sessions.delete(dialog);
  }

  /** RFC 4028 7.4: a re-INVITE with the session description as it was. */
  #refresh(dialog: Dialog, terms: SessionTerms, timers: TimerSet): void {
    if (dialog.outgoingInvite || dialog.incomingInvite) {
      timers.start('refresh', 2_000, () => this.#refresh(dialog, terms, timers));
      return;
    }
    this.withFlow(this.targets(dialog), (flow) => {
      if (!flow || !this.#core.dialogs.has(dialog)) return;
      dialog.localSeq += 1;
      dialog.inviteSeq = dialog.localSeq;
      const request = createDialogRequest(dialog, 'INVITE', dialog.localSeq);
      request.headers.add('Contact', dialog.contact || ownContact(flow.local));
      request.headers.add('Supported', 'timer');
      request.headers.add('Session-Expires', `${terms.seconds};refresher=uac`);
      if (dialog.localSdp) {
        request.headers.add('Content-Type', 'application/sdp');
        request.body = dialog.localSdp;
      }
      dialog.outgoingInvite = this.#core.layer.request(request, flow, (outcome) =>
        this.#refreshed(dialog, terms, timers, outcome, dialog.outgoingInvite),
      );
    });
  }

  #refreshed(
    dialog: Dialog,
    terms: SessionTerms,
    timers: TimerSet,
    { response, flow }: Outcome,
    transaction: ClientTransaction | undefined,
  ): void {
    const { status } = response;
    if (status < 200 || !this.#core.dialogs.has(dialog)) return;
    if (status < 300) {
      if (!transaction) {
        if (dialog.lastAck) this.#core.layer.transmit(dialog.lastAck.flow, dialog.lastAck.bytes);
        return;
      }
      dialog.outgoingInvite = undefined;
      this.acknowledge(dialog, createDialogRequest(dialog, 'ACK', dialog.inviteSeq), flow ?? transaction.flow);
      this.startSession(dialog, { seconds: terms.seconds, refresher: 'uac' }, 'uac');
      return;
    }
    dialog.outgoingInvite = undefined;
    if (status === 408 || status === 481) {
      this.bye(dialog, 'Session timer expired');
      return;
    }
    // 491 and the like: try again a little later, while the session lasts (RFC 3261 14.1).
    timers.start('refresh', 2_100 + Math.random() * 1_900, () => this.#refresh(dialog, terms, timers));
  }

  /** Stops every timer. */
  close(): void {
    for (const timers of this.#sessions.values()) timers.stop();
    this.#sessions.clear();
  }
}
