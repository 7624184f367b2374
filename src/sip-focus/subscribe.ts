/** RFC 6665 4.2, RFC 4575 3, RFC 4579 5.2: the focus as notifier: takes SUBSCRIBEs, looks after who may watch, sends NOTIFYs. */
import type { FactEvent } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { globalLink } from '../conference-info/meeting.ts';
import { Notifier, type Order } from '../conference-info/notifier.ts';
import type { AnswerDetails } from '../conference-info/subscribe-options.ts';
import { type EndReason, isOfPart } from '../conference-info/subscription.ts';
import { focusHeaders } from './capabilities.ts';
import { endsDialog } from './dialog-usages.ts';
import { parseEvent } from './event-header.ts';
import type { IncomingRequest, SentAnswer } from './incoming-request.ts';
import { LastWords } from './last-words.ts';
import { LeftoverDialogs } from './leftover-dialogs.ts';
import type { Leg } from './leg.ts';
import { type NotifyTarget, notificationOf } from './notification.ts';
import { NotifyDesk } from './notify-desk.ts';
import type { NotifyAnswer } from './notify-frame.ts';
import { retryAfter } from './sip-errors.ts';
import type { DocumentCounts, SubscriptionsContext } from './subscribe-context.ts';
import { readSubscribe, type SubscribeWish, subscriptionKey } from './subscribe-request.ts';
import { SubscriptionQuota } from './subscription-quota.ts';
import { WatchGuard } from './watch-guard.ts';
import type { WatcherClaim, WatchRight } from './watch-rights.ts';
import { type Watcher, WatcherRegister } from './watcher-register.ts';

/** To who may subscribe anew at once. */
const farewell = { subscriptionState: 'terminated;reason=deactivated', entityTag: null, document: null };

type Served = Extract<SubscribeWish, { act: 'serve' }>;

const idOf = (dialogId: string, key: string): string => `${dialogId} ${key}`;

/** Whose places it takes, see `SubscriptionQuota`. */
const accountOf = ({ aor, leg }: WatcherClaim): string | null => aor ?? leg;

export class Subscriptions {
  readonly #context: SubscriptionsContext;
  readonly #desks = new Map<string, NotifyDesk>();
  readonly #watchers = new WatcherRegister();
  readonly #guard: WatchGuard;
  readonly #quota: SubscriptionQuota;
  readonly #lastWords = new LastWords();
  readonly #leftovers: LeftoverDialogs;
  #tookOver = false;

  constructor(links: readonly LinkSettings[], context: SubscriptionsContext) {
    this.#context = context;
    this.#quota = new SubscriptionQuota(context.limits);
    const { facts } = context.bus;
    this.#guard = new WatchGuard(context, context.graceMs, facts, this.#watchers, {
      setView: ({ id, link }, view, self) => this.#desks.get(link)?.notifier.setView(id, view, self, performance.now()),
      reject: (watcher) => this.#terminate(watcher, 'rejected'),
    });
    this.#leftovers = new LeftoverDialogs(context.keepsDialogs, (target) =>
      this.#notify(target, farewell, () => undefined),
    );
    const ready = (): boolean => context.writer.ready;
    const send = (desk: NotifyDesk, order: Order): void => this.#send(desk, order);
    for (const link of links) {
      const notifier = new Notifier(link, facts.meeting(link.id), facts.bindings, context.notifier);
      this.#desks.set(link.id, new NotifyDesk(link, notifier, { ready, send }));
    }
  }

  get size(): number {
    return this.#watchers.size;
  }

  get documents(): DocumentCounts {
    const sum = { builds: 0, cut: 0, omitted: 0 };
    for (const { notifier } of this.#desks.values()) {
      const { builds, cut, omitted } = notifier.counts;
      sum.builds += builds;
      sum.cut += cut;
      sum.omitted += omitted;
    }
    return sum;
  }

  /** The conference of the subscription that this request belongs to, whether or not it can be served; or null. */
  linkOf(request: IncomingRequest): string | null {
    const key = subscriptionKey(request);
    if (key === null || request.dialogId === null) return null;
    return this.#watchers.get(idOf(request.dialogId, key))?.link ?? null;
  }

  /** Answers a SUBSCRIBE to a conference; `leg` when it came inside the dialog of a call. */
  async handle(request: IncomingRequest, link: LinkSettings, leg: Leg | null): Promise<void> {
    const desk = this.#desks.get(link.id);
    const wish = readSubscribe(request, this.#context.expiry);
    if (wish.act === 'refuse' || !desk) {
      await (wish.act === 'refuse' ? request.respond(wish.status, wish.options) : request.respond(404));
      return;
    }
    const known = request.dialogId === null ? undefined : this.#watchers.get(idOf(request.dialogId, wish.key));
    if (known) return this.#refresh(request, desk, known, wish);
    if (request.toTag !== null && !leg) {
      await request.respond(481);
      return;
    }
    await this.#begin(request, desk, leg, wish);
  }

  /** A fact has changed. */
  fact(event: FactEvent): void {
    if (event.kind === 'watcher') return;
    const desks = event.link === globalLink ? this.#desks.values() : [this.#desks.get(event.link)];
    for (const desk of desks) {
      if (!desk) continue;
      const over = event.kind === 'link' && event.value?.state === 'closed';
      if (over) this.end(desk.link.id, 'noresource');
      desk.notifier.change(event, performance.now());
      if (!over) this.#guard.fact(event, desk.link);
      desk.pump();
    }
  }

  /** A leg has ended: subscriptions in its dialog end with it. Resolves when their watchers have heard; null when there are none. */
  legEnded(leg: Leg): Promise<unknown> | null {
    for (const watcher of this.#watchers.ofLeg(leg.id)) this.#terminate(watcher, 'noresource');
    return this.#lastWords.of(leg.id);
  }

  /** The connection to the SIP server is a new one: refreshes of earlier subscriptions reach nobody, so their watchers must subscribe anew. */
  reconnected(connection: number): void {
    for (const watcher of [...this.#watchers.all]) {
      if (watcher.connection < connection) this.#terminate(watcher, 'deactivated');
    }
  }

  /** NOTIFYs can be sent (again); the first are for whom an earlier process has left without a notifier. */
  resume(): void {
    if (!this.#tookOver) {
      this.#tookOver = true;
      for (const watcher of this.#context.records.takeOver()) this.#notify(watcher, farewell, () => undefined);
    }
    for (const desk of this.#desks.values()) desk.pump();
  }

  /** Ends every subscription, of one conference or of all. */
  end(link: string | null, reason: EndReason): void {
    for (const desk of this.#desks.values()) {
      if (link !== null && desk.link.id !== link) continue;
      desk.notifier.end(reason);
      desk.pump();
    }
  }

  stop(): void {
    for (const desk of this.#desks.values()) desk.stop();
    this.#guard.stop();
    this.#leftovers.stop();
  }

  async #begin(request: IncomingRequest, desk: NotifyDesk, leg: Leg | null, wish: Served): Promise<void> {
    const { watching, identify } = this.#context;
    const aor = leg ? leg.fact.aor : await identify(request, watching !== 'anyone');
    if (aor === undefined) return;
    const claim: WatcherClaim = { aor, leg: leg?.id ?? null };
    const right = this.#guard.rightOf(desk.link, claim);
    if (right.act === 'refuse') {
      const headers = right.status === 503 ? { 'Retry-After': retryAfter() } : {};
      await request.respond(right.status, { reason: right.text, headers });
      return;
    }
    const place = this.#quota.claim(desk.link.id, accountOf(claim));
    if (place === 'account-full') {
      await request.respond(403, { reason: 'Too many subscriptions' });
      return;
    }
    if (place === 'conference-full') {
      await request.respond(503, { reason: 'Too many watchers', headers: { 'Retry-After': retryAfter() } });
      return;
    }
    const sent = await this.#accept(request, desk.link, 200, wish.expires);
    if (sent && leg?.state !== 'ended') this.#enter(request, desk, claim, wish, right, sent);
    else this.#quota.release(desk.link.id, accountOf(claim));
  }

  /** What may have changed while the answer went out is looked at again. */
  #enter(
    request: IncomingRequest,
    desk: NotifyDesk,
    claim: WatcherClaim,
    wish: Served,
    right: Extract<WatchRight, { act: 'watch' }>,
    sent: SentAnswer,
  ): void {
    const now = performance.now();
    const dialogId = sent.dialogId || `${request.callId};from-tag=${request.fromTag ?? ''}`;
    const { link } = desk;
    const watcher: Watcher = {
      ...{ id: idOf(dialogId, wish.key), link: link.id, dialogId, connection: request.connection },
      ...{ event: wish.event, contact: sent.contact ?? '', aor: claim.aor, leg: claim.leg, person: right.self },
    };
    // A retransmission that was answered twice has one subscription.
    const before = this.#watchers.get(watcher.id);
    if (before) this.#forget(before);
    this.#watchers.add(watcher);
    if (wish.expires > 0) this.#context.records.keep(watcher.link, watcher);
    const { rates, suppressIfMatch } = wish;
    const expiresAt = now + wish.expires * 1000;
    desk.notifier.subscribe(watcher.id, { expiresAt, view: right.view, self: right.self, rates, suppressIfMatch }, now);
    this.#guard.review(desk.link, watcher);
    desk.pump();
  }

  async #refresh(request: IncomingRequest, desk: NotifyDesk, watcher: Watcher, wish: Served): Promise<void> {
    const now = performance.now();
    const status = desk.notifier.refresh(watcher.id, now + wish.expires * 1000, now, wish);
    if (status === 481) await request.respond(481);
    else await this.#accept(request, desk.link, status, wish.expires);
    // RFC 5839: no NOTIFY tells of this end.
    if (status === 204 && !desk.notifier.has(watcher.id)) {
      this.#forget(watcher);
      if (watcher.leg === null) this.#leftovers.renounced(watcher);
    }
    desk.pump();
  }

  #accept(request: IncomingRequest, link: LinkSettings, status: number, expires: number): Promise<SentAnswer | null> {
    const reason = status === 204 ? { reason: 'No Notification' } : {};
    return request.respond(status, { ...reason, headers: { ...focusHeaders(link), Expires: String(expires) } });
  }

  #send(desk: NotifyDesk, order: Order): void {
    const { id } = order;
    const watcher = this.#watchers.get(id);
    if (!watcher) {
      desk.notifier.drop(id);
      return;
    }
    const last = order.subscriptionState.startsWith('terminated');
    if (last) this.#forget(watcher);
    if (last && isOfPart(order.entityTag))
      this.#context.log.info({ link: watcher.link }, 'a last NOTIFY could not hold the whole conference');
    const heard = last && watcher.leg !== null ? this.#lastWords.begin(watcher.leg) : null;
    this.#notify(watcher, order, (answer) => {
      heard?.();
      if (watcher.leg !== null && endsDialog(answer.status)) this.#loseDialog(watcher.leg, answer.status);
      else if (!last) this.#answered(desk, watcher, answer);
    });
  }

  #answered(desk: NotifyDesk, watcher: Watcher, { status, retryAfter: patience, event }: NotifyAnswer): void {
    const rates = event === null ? null : (parseEvent(event)?.rates ?? null);
    const details: AnswerDetails = { retryAfter: patience, rates };
    const known = this.#watchers.get(watcher.id) === watcher;
    if (!known) return;
    if (desk.notifier.answered(watcher.id, status, performance.now(), details) === 'removed') {
      this.#forget(watcher);
      if (watcher.leg === null) this.#leftovers.failed(watcher);
    }
    desk.pump();
  }

  /** RFC 5057 5.1: nothing in this dialog reaches the phone any more, neither other subscriptions nor the call. */
  #loseDialog(leg: string, status: number): void {
    for (const watcher of this.#watchers.ofLeg(leg)) {
      this.#desks.get(watcher.link)?.notifier.drop(watcher.id);
      this.#forget(watcher);
    }
    this.#context.dialogLost(leg, status);
  }

  #notify(target: NotifyTarget, order: Omit<Order, 'id'>, answered: (answer: NotifyAnswer) => void): void {
    this.#context.writer.notify(notificationOf(target, order), (answer) => {
      if (answer.status >= 300) this.#context.log.debug({ status: answer.status }, 'a NOTIFY was not taken');
      answered(answer);
    });
  }

  #forget(watcher: Watcher): void {
    if (this.#watchers.get(watcher.id) !== watcher) return;
    this.#watchers.delete(watcher);
    this.#guard.forget(watcher);
    this.#quota.release(watcher.link, accountOf(watcher));
    this.#context.records.drop(watcher.link, watcher);
  }

  #terminate(watcher: Watcher, reason: EndReason): void {
    const desk = this.#desks.get(watcher.link);
    if (!desk) return;
    desk.notifier.terminate(watcher.id, reason);
    desk.pump();
  }
}
