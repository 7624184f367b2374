/** RFC 6665 4.2, RFC 4575 3, RFC 4579 5.2: the focus as notifier: takes SUBSCRIBEs, keeps the notifier's time, sends its NOTIFYs. */
import type { Bus, FactEvent } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { globalLink, jidOfLeg } from '../conference-info/meeting.ts';
import { Notifier, type NotifierSettings, type Order } from '../conference-info/notifier.ts';
import type { EndReason } from '../conference-info/subscription.ts';
import type { Aor } from '../identity/aor.ts';
import type { Logger } from '../log.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { allow, conferenceInfoType } from './capabilities.ts';
import { focusContact } from './foci.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { LastWords } from './last-words.ts';
import type { Leg } from './leg.ts';
import type { NotifyWriter } from './notify-writer.ts';
import { type ExpiryLimits, eventOf, readSubscribe, type SubscribeWish } from './subscribe-request.ts';
import { mayWatch, type Watching } from './watch-rights.ts';
import type { WatcherRecords } from './watcher-records.ts';

export interface SubscriptionsContext {
  readonly bus: Bus;
  readonly writer: NotifyWriter;
  readonly records: WatcherRecords;
  readonly notifier: NotifierSettings;
  readonly expiry: ExpiryLimits;
  readonly watching: Watching;
  readonly policy: PolicySettings;
  /** Who sends it: an AOR or null when known; undefined when the request has been answered (challenged, refused). */
  readonly identify: (request: IncomingRequest, always: boolean) => Promise<Aor | null | undefined>;
  readonly log: Logger;
}

/** A subscription as the transport sees it; flat and small, there are thousands. */
interface Watcher {
  readonly id: string;
  readonly link: string;
  readonly dialogId: string;
  /** To the SIP server, see `Signaling.connection`: refreshes reach us as long as it lasts. */
  readonly connection: number;
  readonly event: string;
  /** Our Contact, as it went out in the 200. */
  readonly contact: string;
  readonly aor: Aor | null;
  readonly leg: string | null;
}

/** One conference's notifier and its timer. */
interface Desk {
  readonly link: LinkSettings;
  readonly notifier: Notifier;
  timer: NodeJS.Timeout | null;
  /** When the timer rings; Infinity without one. */
  ringsAt: number;
}

type Served = Extract<SubscribeWish, { act: 'serve' }>;

const idOf = (dialogId: string, event: string): string => `${dialogId} ${event}`;

export class Subscriptions {
  readonly #context: SubscriptionsContext;
  readonly #desks = new Map<string, Desk>();
  readonly #watchers = new Map<string, Watcher>();
  readonly #lastWords = new LastWords();
  #tookOver = false;

  constructor(links: readonly LinkSettings[], context: SubscriptionsContext) {
    this.#context = context;
    const { facts } = context.bus;
    for (const link of links) {
      const notifier = new Notifier(link, facts.meeting(link.id), facts.bindings, context.notifier);
      this.#desks.set(link.id, { link, notifier, timer: null, ringsAt: Number.POSITIVE_INFINITY });
    }
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** The conference of the subscription that this request belongs to, whether or not it can be served; or null. */
  linkOf(request: IncomingRequest): string | null {
    const event = eventOf(request);
    if (event === null || request.dialogId === null) return null;
    return this.#watchers.get(idOf(request.dialogId, event))?.link ?? null;
  }

  /** Answers a SUBSCRIBE to a conference; `leg` when it came inside the dialog of a call. */
  async handle(request: IncomingRequest, link: LinkSettings, leg: Leg | null): Promise<void> {
    const desk = this.#desks.get(link.id);
    const wish = readSubscribe(request, this.#context.expiry);
    if (wish.act === 'refuse' || !desk) {
      await (wish.act === 'refuse' ? request.respond(wish.status, { headers: wish.headers }) : request.respond(404));
      return;
    }
    const known = request.dialogId === null ? undefined : this.#watchers.get(idOf(request.dialogId, wish.event));
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
      if (event.kind === 'link' && event.value?.state === 'closed') this.end(desk.link.id, 'noresource');
      else this.#recheck(desk, event);
      desk.notifier.change(event, performance.now());
      this.#pump(desk);
    }
  }

  /** A leg has ended: subscriptions in its dialog end with it. Resolves when their watchers have heard; null when there are none. */
  legEnded(leg: Leg): Promise<unknown> | null {
    for (const watcher of [...this.#watchers.values()]) {
      if (watcher.leg === leg.id) this.#terminate(watcher, 'noresource');
    }
    return this.#lastWords.of(leg.id);
  }

  /** The connection to the SIP server is a new one: refreshes of earlier subscriptions reach nobody, so their watchers must subscribe anew. */
  reconnected(connection: number): void {
    for (const watcher of [...this.#watchers.values()]) {
      if (watcher.connection < connection) this.#terminate(watcher, 'deactivated');
    }
  }

  /** NOTIFYs can be sent (again); the first are for whom an earlier process has left without a notifier. */
  resume(): void {
    if (!this.#tookOver) {
      this.#tookOver = true;
      for (const watcher of this.#context.records.takeOver()) {
        this.#notify(watcher, 'terminated;reason=deactivated', null, () => undefined);
      }
    }
    for (const desk of this.#desks.values()) this.#pump(desk);
  }

  /** Ends every subscription, of one conference or of all. */
  end(link: string | null, reason: EndReason): void {
    for (const desk of this.#desks.values()) {
      if (link !== null && desk.link.id !== link) continue;
      desk.notifier.end(reason);
      this.#pump(desk);
    }
  }

  stop(): void {
    for (const desk of this.#desks.values()) {
      if (desk.timer) clearTimeout(desk.timer);
      desk.timer = null;
      desk.ringsAt = Number.POSITIVE_INFINITY;
    }
  }

  async #begin(request: IncomingRequest, desk: Desk, leg: Leg | null, wish: Served): Promise<void> {
    const { bus, watching, policy, identify } = this.#context;
    const aor = leg ? leg.fact.aor : await identify(request, watching !== 'anyone');
    if (aor === undefined) return;
    const { meeting, bindings } = { meeting: bus.facts.meeting(desk.link.id), bindings: bus.facts.bindings };
    const right = mayWatch({ aor, inCall: leg !== null }, watching, desk.link, meeting, bindings, policy);
    if (right.act === 'refuse') {
      await request.respond(right.status, { reason: right.text });
      return;
    }
    const sent = await this.#accept(request, desk.link, wish.expires);
    if (!sent || leg?.state === 'ended') return;
    const now = performance.now();
    const dialogId = sent.dialogId || `${request.callId};from-tag=${request.fromTag ?? ''}`;
    const watcher: Watcher = {
      id: idOf(dialogId, wish.event),
      link: desk.link.id,
      dialogId,
      connection: request.connection,
      event: wish.event,
      contact: sent.contact ?? '',
      aor,
      leg: leg?.id ?? null,
    };
    this.#watchers.set(watcher.id, watcher);
    if (wish.expires > 0) this.#context.records.keep(watcher.link, watcher);
    const gap = Math.max(this.#context.notifier.minimumGapMs, (wish.gapSeconds ?? 0) * 1000);
    const expiresAt = now + wish.expires * 1000;
    desk.notifier.subscribe(watcher.id, { expiresAt, view: right.view, minimumGapMs: gap }, now);
    this.#pump(desk);
  }

  async #refresh(request: IncomingRequest, desk: Desk, watcher: Watcher, wish: Served): Promise<void> {
    const sent = await this.#accept(request, desk.link, wish.expires);
    const now = performance.now();
    if (sent && desk.notifier.refresh(watcher.id, now + wish.expires * 1000, now)) this.#pump(desk);
  }

  #accept(request: IncomingRequest, link: LinkSettings, expires: number) {
    const headers = {
      Expires: String(expires),
      Contact: focusContact(link),
      'Allow-Events': 'conference',
      Allow: allow,
    };
    return request.respond(200, { headers });
  }

  /** Sends what is due and sets the timer for what comes next; without a connection it all waits for `resume`. */
  #pump(desk: Desk): void {
    if (!this.#context.writer.ready) return;
    for (const order of desk.notifier.due(performance.now())) this.#send(desk, order);
    this.#setTimer(desk, desk.notifier.nextDue() ?? Number.POSITIVE_INFINITY);
  }

  /** A timer that rings too early stays: one look for nothing costs less than a new timer with each answer to a NOTIFY. */
  #setTimer(desk: Desk, at: number): void {
    if (at >= desk.ringsAt) return;
    if (desk.timer) clearTimeout(desk.timer);
    const delay = Math.min(Math.max(0, at - performance.now()), 2 ** 31 - 1);
    desk.ringsAt = at;
    desk.timer = setTimeout(() => {
      desk.ringsAt = Number.POSITIVE_INFINITY;
      this.#pump(desk);
    }, Math.ceil(delay));
    desk.timer.unref();
  }

  #send(desk: Desk, { id, subscriptionState, document }: Order): void {
    const watcher = this.#watchers.get(id);
    if (!watcher) {
      desk.notifier.drop(id);
      return;
    }
    const last = subscriptionState.startsWith('terminated');
    if (last) this.#forget(watcher);
    const heard = last && watcher.leg !== null ? this.#lastWords.begin(watcher.leg) : null;
    this.#notify(watcher, subscriptionState, document, (status) => {
      heard?.();
      if (last) return;
      if (desk.notifier.answered(id, status, performance.now()) === 'removed') this.#forget(watcher);
      this.#pump(desk);
    });
  }

  #notify(
    { event, contact, dialogId }: Pick<Watcher, 'event' | 'contact' | 'dialogId'>,
    subscriptionState: string,
    document: Order['document'],
    answered: (status: number) => void,
  ): void {
    const type = document ? `Content-Type: ${conferenceInfoType}\r\n` : '';
    const where = contact === '' ? '' : `Contact: ${contact}\r\n`;
    const headers = `Event: ${event}\r\nSubscription-State: ${subscriptionState}\r\n${where}${type}`;
    const body = document ? document.head + document.version + document.tail : '';
    this.#context.writer.notify({ dialogId, headers, body }, (status) => {
      if (status >= 300) this.#context.log.debug({ status }, 'a NOTIFY was not taken');
      answered(status);
    });
  }

  #forget(watcher: Watcher): void {
    this.#watchers.delete(watcher.id);
    this.#context.records.drop(watcher.link, watcher);
  }

  #terminate(watcher: Watcher, reason: EndReason): void {
    const desk = this.#desks.get(watcher.link);
    if (!desk) return;
    desk.notifier.terminate(watcher.id, reason);
    this.#pump(desk);
  }

  /** RFC 4579 5.11: who is sent away watches no more. Looks only at what such a fact is about. */
  #recheck(desk: Desk, event: FactEvent): void {
    const byAor = event.kind === 'caller-ban';
    if ((!byAor && event.kind !== 'expulsion' && event.kind !== 'affiliation') || event.value === null) return;
    const { bindings } = this.#context.bus.facts;
    const concerned = [...this.#watchers.values()].filter(
      (watcher) => watcher.link === desk.link.id && (byAor ? watcher.aor : jidOfLeg(watcher, bindings)) === event.key,
    );
    for (const watcher of concerned) {
      if (event.kind === 'expulsion' || this.#keptOut(desk.link, watcher.aor)) this.#terminate(watcher, 'rejected');
    }
  }

  #keptOut(link: LinkSettings, aor: Aor | null): boolean {
    const { policy } = this.#context;
    const { facts } = this.#context.bus;
    const right = mayWatch({ aor, inCall: true }, 'anyone', link, facts.meeting(link.id), facts.bindings, policy);
    return right.act === 'refuse';
  }
}
