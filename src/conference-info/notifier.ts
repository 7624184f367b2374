/** RFC 4575 3 and RFC 6665 4.2: who is told what, and when. A state machine without clock and I/O: times go in, orders come out. */
import type { Bindings } from '../identity/binding.ts';
import type { Document } from './document.ts';
import type { LinkSettings } from './link.ts';
import type { Meeting } from './meeting.ts';
import { firstCount, paceOf } from './pace.ts';
import { Publications } from './publications.ts';
import { type FactChange, Roster } from './roster.ts';
import type { ChatPurposeSetting } from './service-uris.ts';
import type { AnswerDetails, RefreshAnswer, SubscribeOptions, SubscribeWishes } from './subscribe-options.ts';
import {
  dueAt,
  type EndReason,
  entityTag,
  gapAfter,
  lastBody,
  matches,
  meaningOf,
  nextBody,
  nextVersion,
  noteKnown,
  noteSent,
  type Subscription,
  secondsLeft,
} from './subscription.ts';
import type { View } from './user.ts';
import { WakeQueue } from './wake-queue.ts';

/** How a notifier works. Times in milliseconds, sizes in bytes of UTF-8. */
export interface NotifierSettings {
  /** Between NOTIFYs to one subscription (RFC 4575 3.9). */
  readonly minimumGapMs: number;
  /** Largest document. */
  readonly maxBytes: number;
  readonly chatPurposes: ChatPurposeSetting;
  /** Changes remembered per view. */
  readonly changesRemembered: number;
  /** NOTIFYs in a row that may fail, without ending the subscription by themselves, before it is ended with `probation`. */
  readonly mostFailures: number;
  /**
   * RFC 5839: start of every entity-tag, `[A-Za-z0-9-]+`: random and new with each start of the process, because revisions are counted
   * from there and nobody may guess a tag. Null: no tags are given, and Suppress-If-Match is not looked at.
   */
  readonly tags: string | null;
}

/** What stock drachtio-server carries is 12 KB with the header; five seconds is the RFC's. */
export const defaultNotifierSettings: NotifierSettings = {
  minimumGapMs: 5000,
  maxBytes: 11_264,
  chatPurposes: 'both',
  changesRemembered: 4096,
  mostFailures: 10,
  tags: null,
};

/** A NOTIFY to send. Its answer must be told by `answered`, a time-out as 408. */
export interface Order {
  readonly id: string;
  /** Value of Subscription-State. After `terminated` the id is forgotten. */
  readonly subscriptionState: string;
  /** Value of SIP-ETag (RFC 5839), or null for none. */
  readonly entityTag: string | null;
  /** Null: no body. Documents are shared objects, `head` and `tail` may be encoded once for all. */
  readonly document: { readonly head: string; readonly version: number; readonly tail: string } | null;
}

/** How things stand. */
export interface NotifierCounts {
  /** Live subscriptions. */
  readonly subscriptions: number;
  /** Documents built so far: one per change, kind of viewer and revision last seen; and for each person who watches, those about themselves. */
  readonly builds: number;
  /** Last NOTIFYs so far, of a one-shot fetch mostly, that could not hold everything: see `maxBytes`. */
  readonly cut: number;
  /** Users and endpoints left out of documents so far because one alone is larger than `maxBytes`. */
  readonly omitted: number;
}

/** The longest time that a watcher may ask to be left alone, or is told to stay away. */
const longestRetrySeconds = 3600;

/** Notifier of one conference. `meeting` and `bindings` are live and must have a change before `change` is called. */
export class Notifier {
  readonly #settings: NotifierSettings;
  readonly #publications: Publications;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #queue = new WakeQueue<Subscription>();
  #ended: Order[] = [];
  #cut = 0;

  constructor(
    link: LinkSettings,
    meeting: Meeting,
    bindings: Bindings,
    settings: NotifierSettings = defaultNotifierSettings,
  ) {
    this.#settings = settings;
    this.#publications = new Publications({
      ...{ link, meeting, roster: new Roster(link.room, meeting, bindings) },
      chat: settings.chatPurposes,
      memory: settings.changesRemembered,
      tags: settings.tags === null ? null : `${settings.tags}-${link.id}`,
    });
  }

  get counts(): NotifierCounts {
    const { builds, omitted } = this.#publications;
    return { subscriptions: this.#subscriptions.size, builds, cut: this.#cut, omitted };
  }

  /** True while the subscription lives. */
  has(id: string): boolean {
    return this.#subscriptions.has(id);
  }

  /** A new subscription, or a one-shot fetch: `due` has its NOTIFY at once, without a body when the subscriber has the state already. */
  subscribe(id: string, options: SubscribeOptions, now: number): void {
    this.drop(id);
    const minimumGap = options.minimumGapMs ?? this.#settings.minimumGapMs;
    const subscription: Subscription = {
      id,
      source: this.#publications.acquire(options.view, options.self ?? null),
      maxBytes: options.maxBytes ?? this.#settings.maxBytes,
      minimumGap,
      pace: paceOf(options.rates ?? null, minimumGap, options.expiresAt - now),
      version: 0,
      expiresAt: options.expiresAt,
      seen: null,
      whole: false,
      rest: [],
      inFlight: 0,
      urgent: 'whole',
      notifiedAt: Number.NEGATIVE_INFINITY,
      count: firstCount,
      failures: 0,
      notBefore: Number.NEGATIVE_INFINITY,
      wakeAt: Number.POSITIVE_INFINITY,
    };
    const missing = options.expiresAt > now ? 0 : subscription.source.full(subscription.maxBytes).length - 1;
    const tag = entityTag(subscription.source.now, missing);
    if (matches(options.suppressIfMatch, tag)) subscription.urgent = 'bare';
    this.#subscriptions.set(id, subscription);
    this.#queue.set(subscription, now);
  }

  /** A SUBSCRIBE on a living subscription; `expiresAt` not later than `now` ends it. Says how to answer it. */
  refresh(id: string, expiresAt: number, now: number, wishes: SubscribeWishes = {}): RefreshAnswer {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return 481;
    const { suppressIfMatch, rates = null } = wishes;
    subscription.expiresAt = expiresAt;
    subscription.failures = 0;
    subscription.notBefore = Number.NEGATIVE_INFINITY;
    subscription.pace = paceOf(rates, subscription.minimumGap, expiresAt - now);
    if (matches(suppressIfMatch, subscription.source.now.tag)) {
      if (expiresAt <= now) this.drop(id);
      else {
        noteKnown(subscription, suppressIfMatch);
        this.#schedule(subscription, now);
      }
      return 204;
    }
    subscription.urgent = 'whole';
    this.#queue.set(subscription, now);
    return 200;
  }

  /** Somebody has become a moderator or is one no longer, or is now known to be a person: the next NOTIFY has all, in the new view. */
  setView(id: string, view: View, self: string | null, now: number): void {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    const before = subscription.source;
    subscription.source = this.#publications.acquire(view, self);
    this.#publications.release(before);
    if (subscription.source === before) return;
    forget(subscription);
    this.#schedule(subscription, now);
  }

  /** A fact of this conference, or a binding, has changed. */
  change(change: FactChange, now: number): void {
    if (!this.#publications.change(change)) return;
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.seen !== subscription.source.now) this.#schedule(subscription, now);
    }
  }

  /** The final answer to a NOTIFY, 408 when none came. `removed`: the subscription is gone, its dialog usage can be forgotten. */
  answered(id: string, status: number, now: number, details: AnswerDetails = {}): 'kept' | 'removed' | 'unknown' {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return 'unknown';
    const meaning = meaningOf(status);
    if (meaning === 'gone') {
      this.drop(id);
      return 'removed';
    }
    subscription.inFlight = Math.max(0, subscription.inFlight - 1);
    if (meaning === 'received') {
      subscription.failures = 0;
      const { expiresAt, minimumGap } = subscription;
      if (details.rates) subscription.pace = paceOf(details.rates, minimumGap, expiresAt - now);
    } else this.#missed(subscription, now, details.retryAfter ?? 0);
    if (this.#subscriptions.has(id)) this.#schedule(subscription, now);
    return 'kept';
  }

  /** Forgets a subscription whose dialog is gone; nothing is sent. */
  drop(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    this.#publications.release(subscription.source);
    this.#queue.set(subscription, Number.POSITIVE_INFINITY);
    this.#subscriptions.delete(id);
  }

  /** Ends one subscription; `due` has the last NOTIFY. `retryAfter`: seconds, which only `probation` and `giveup` can tell. */
  terminate(id: string, reason: EndReason, retryAfter: number | null = null): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription) this.#ended.push(this.#last(subscription, reason, retryAfter));
  }

  /** Ends all: `noresource` when the conference is over, `deactivated` or `probation` to send watchers elsewhere or away. */
  end(reason: EndReason, retryAfter: number | null = null): void {
    for (const id of [...this.#subscriptions.keys()]) this.terminate(id, reason, retryAfter);
  }

  /** Every NOTIFY that is to be sent now. Each call hands an order out once. */
  due(now: number): readonly Order[] {
    const orders = this.#ended;
    this.#ended = [];
    for (let next = this.#queue.take(now); next; next = this.#queue.take(now)) {
      const order = this.#order(next, now);
      if (order) orders.push(order);
      if (this.#subscriptions.has(next.id)) this.#schedule(next, now);
    }
    return orders;
  }

  /** When `due` should be called next, or null when nothing is to come. */
  nextDue(): number | null {
    return this.#ended.length > 0 ? Number.NEGATIVE_INFINITY : this.#queue.next();
  }

  /** What a watcher has missed is never taken as known; who misses too much is told to come back later. */
  #missed(subscription: Subscription, now: number, retryAfter: number): void {
    forget(subscription);
    subscription.failures += 1;
    subscription.notBefore = now + Math.min(retryAfter, longestRetrySeconds) * 1000;
    const { failures, pace } = subscription;
    if (failures < this.#settings.mostFailures) return;
    const patience = Math.max(retryAfter, Math.ceil(gapAfter(failures, pace.gap) / 1000));
    this.terminate(subscription.id, 'probation', Math.min(patience, longestRetrySeconds));
  }

  #schedule(subscription: Subscription, now: number): void {
    this.#queue.set(subscription, dueAt(subscription, now));
  }

  /** The NOTIFY that is due, or null when what changed has changed back. */
  #order(subscription: Subscription, now: number): Order | null {
    const left = secondsLeft(subscription.expiresAt, now);
    if (left < 1) return this.#last(subscription, 'timeout', null);
    const body = nextBody(subscription, now);
    if (body === undefined) return null;
    noteSent(subscription, now);
    const { pace, seen, rest } = subscription;
    return this.#made(subscription, `active;expires=${left}${pace.parameters}`, body, entityTag(seen, rest.length));
  }

  /** The last NOTIFY: it tells the state where the watcher may know it, as much of it as fits. */
  #last(subscription: Subscription, reason: EndReason, retryAfter: number | null): Order {
    this.drop(subscription.id);
    const later = retryAfter !== null && (reason === 'probation' || reason === 'giveup');
    const state = `terminated;reason=${reason}${later ? `;retry-after=${Math.ceil(retryAfter)}` : ''}`;
    if (reason === 'rejected' || reason === 'giveup' || reason === 'probation')
      return this.#made(subscription, state, null, null);
    const { source, urgent } = subscription;
    if (reason === 'noresource') return this.#made(subscription, state, source.deleted(), null);
    const { document, missing } = lastBody(subscription);
    if (urgent === 'bare') return this.#made(subscription, state, null, entityTag(source.now, missing));
    if (missing > 0) this.#cut += 1;
    return this.#made(subscription, state, document, entityTag(source.now, missing));
  }

  #made(subscription: Subscription, subscriptionState: string, body: Document | null, entityTag: string | null): Order {
    const { id } = subscription;
    if (!body) return { id, subscriptionState, entityTag, document: null };
    subscription.version = nextVersion(subscription.version);
    const document = { head: body.head, version: subscription.version, tail: body.tail };
    return { id, subscriptionState, entityTag, document };
  }
}

/** The next document must say everything. */
function forget(subscription: Subscription): void {
  subscription.seen = null;
  subscription.rest = [];
}
