/** RFC 4575 3 and RFC 6665 4.2: who is told what, and when. A state machine without clock and I/O: times go in, orders come out. */
import type { Bindings } from '../identity/binding.ts';
import type { Document } from './document.ts';
import type { LinkSettings } from './link.ts';
import type { Meeting } from './meeting.ts';
import { Publication } from './publication.ts';
import { type FactChange, Roster } from './roster.ts';
import type { ChatPurposeSetting } from './service-uris.ts';
import { type EndReason, earliest, meaningOf, nextVersion, type Subscription, secondsLeft } from './subscription.ts';
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
}

/** What stock drachtio-server carries is 12 KB with the header; five seconds is the RFC's. */
export const defaultNotifierSettings: NotifierSettings = {
  minimumGapMs: 5000,
  maxBytes: 11_264,
  chatPurposes: 'both',
  changesRemembered: 4096,
};

/** What a subscriber asked for. */
export interface SubscribeOptions {
  /** Milliseconds, as `now`; not later than `now` = a one-shot fetch. */
  readonly expiresAt: number;
  readonly view: View;
  readonly maxBytes?: number;
  readonly minimumGapMs?: number;
}

/** A NOTIFY to send. Its answer must be told by `answered`, a time-out as 408. */
export interface Order {
  readonly id: string;
  /** Value of Subscription-State. After `terminated` the id is forgotten. */
  readonly subscriptionState: string;
  /** Null: no body. Documents are shared objects, `head` and `tail` may be encoded once for all. */
  readonly document: { readonly head: string; readonly version: number; readonly tail: string } | null;
}

/** Notifier of one conference. `meeting` and `bindings` are live and must have a change before `change` is called. */
export class Notifier {
  readonly #settings: NotifierSettings;
  readonly #link: LinkSettings;
  readonly #meeting: Meeting;
  readonly #roster: Roster;
  readonly #publications = new Map<View, Publication>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #queue = new WakeQueue();
  #ended: Order[] = [];

  constructor(
    link: LinkSettings,
    meeting: Meeting,
    bindings: Bindings,
    settings: NotifierSettings = defaultNotifierSettings,
  ) {
    this.#settings = settings;
    this.#link = link;
    this.#meeting = meeting;
    this.#roster = new Roster(link.room, meeting, bindings);
  }

  /** Live subscriptions, and documents built so far: one per change, kind of viewer and revision last seen. */
  get counts(): { readonly subscriptions: number; readonly builds: number } {
    const builds = [...this.#publications.values()].reduce((sum, publication) => sum + publication.builds, 0);
    return { subscriptions: this.#subscriptions.size, builds };
  }

  /** True while the subscription lives. */
  has(id: string): boolean {
    return this.#subscriptions.has(id);
  }

  /** A new subscription, or a one-shot fetch: `due` has its NOTIFY at once. */
  subscribe(id: string, options: SubscribeOptions, now: number): void {
    const subscription: Subscription = {
      id,
      view: options.view,
      maxBytes: options.maxBytes ?? this.#settings.maxBytes,
      gap: options.minimumGapMs ?? this.#settings.minimumGapMs,
      version: 0,
      expiresAt: options.expiresAt,
      seen: null,
      rest: [],
      inFlight: 0,
      urgent: true,
      notifiedAt: Number.NEGATIVE_INFINITY,
      failures: 0,
      wakeAt: Number.POSITIVE_INFINITY,
    };
    this.#subscriptions.set(id, subscription);
    this.#wake(subscription, now);
  }

  /** A SUBSCRIBE on a living subscription; `expiresAt` not later than `now` ends it. False: there is none, answer 481. */
  refresh(id: string, expiresAt: number, now: number): boolean {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return false;
    subscription.expiresAt = expiresAt;
    subscription.seen = null;
    subscription.urgent = true;
    subscription.failures = 0;
    this.#wake(subscription, now);
    return true;
  }

  /** A fact of this conference, or a binding, has changed. */
  change(change: FactChange, now: number): void {
    const affected = this.#roster.change(change);
    const described = change.kind === 'room' || change.kind === 'link';
    const changed = new Set<View>();
    for (const [view, publication] of this.#publications) {
      if (publication.update(affected, described)) changed.add(view);
    }
    if (changed.size === 0) return;
    for (const subscription of this.#subscriptions.values()) {
      if (changed.has(subscription.view)) this.#schedule(subscription, now);
    }
  }

  /** The final answer to a NOTIFY, 408 when none came. `removed`: the subscription is gone, its dialog usage can be forgotten. */
  answered(id: string, status: number, now: number): 'kept' | 'removed' | 'unknown' {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return 'unknown';
    const meaning = meaningOf(status);
    if (meaning === 'gone') {
      this.#subscriptions.delete(id);
      return 'removed';
    }
    subscription.inFlight = Math.max(0, subscription.inFlight - 1);
    if (meaning === 'missed') {
      subscription.failures += 1;
      subscription.seen = null;
      subscription.rest = [];
    } else {
      subscription.failures = 0;
    }
    this.#schedule(subscription, now);
    return 'kept';
  }

  /** Forgets a subscription whose dialog is gone; nothing is sent. */
  drop(id: string): void {
    this.#subscriptions.delete(id);
  }

  /** Ends one subscription; `due` has the last NOTIFY. */
  terminate(id: string, reason: EndReason): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription) this.#ended.push(this.#last(subscription, reason));
  }

  /** Ends all: `noresource` when the conference is over, `deactivated` to send watchers elsewhere. */
  end(reason: EndReason): void {
    for (const id of [...this.#subscriptions.keys()]) this.terminate(id, reason);
  }

  /** Every NOTIFY that is to be sent now. Each call hands an order out once. */
  due(now: number): readonly Order[] {
    const orders = this.#ended;
    this.#ended = [];
    for (let first = this.#queue.first(); first && first.at <= now; first = this.#queue.first()) {
      this.#queue.take();
      const subscription = this.#subscriptions.get(first.id);
      if (!subscription || subscription.wakeAt !== first.at) continue;
      subscription.wakeAt = Number.POSITIVE_INFINITY;
      const order = this.#order(subscription, now);
      if (order) orders.push(order);
      if (this.#subscriptions.has(first.id)) this.#schedule(subscription, now);
    }
    this.#tidy();
    return orders;
  }

  /** When `due` should be called next, or null when nothing is to come. */
  nextDue(): number | null {
    if (this.#ended.length > 0) return Number.NEGATIVE_INFINITY;
    for (let first = this.#queue.first(); first; first = this.#queue.first()) {
      if (this.#subscriptions.get(first.id)?.wakeAt === first.at) return first.at;
      this.#queue.take();
    }
    return null;
  }

  #publication(view: View): Publication {
    const known = this.#publications.get(view);
    if (known) return known;
    const { chatPurposes, changesRemembered } = this.#settings;
    const made = new Publication(view, this.#link, this.#meeting, this.#roster, chatPurposes, changesRemembered);
    this.#publications.set(view, made);
    return made;
  }

  /** When this subscription next needs a look: at once, after the gap, or when it expires. */
  #schedule(subscription: Subscription, now: number): void {
    // Within the last second `expires` would be 0, so that it ends then.
    let at = Math.max(now, subscription.expiresAt - 999);
    if (subscription.urgent) at = now;
    else if (subscription.inFlight === 0 && subscription.rest.length > 0) at = now;
    else if (subscription.inFlight === 0 && subscription.seen !== this.#publication(subscription.view).revision) {
      at = Math.min(at, Math.max(now, earliest(subscription)));
    }
    this.#wake(subscription, at);
  }

  #wake(subscription: Subscription, at: number): void {
    if (subscription.wakeAt === at) return;
    subscription.wakeAt = at;
    this.#queue.put(at, subscription.id);
  }

  /** The NOTIFY that is due, or null when what changed has changed back. */
  #order(subscription: Subscription, now: number): Order | null {
    if (secondsLeft(subscription.expiresAt, now) < 1) return this.#last(subscription, 'timeout');
    const document = this.#nextDocument(subscription, now);
    if (!document) return null;
    subscription.urgent = false;
    subscription.inFlight += 1;
    subscription.notifiedAt = now;
    const left = secondsLeft(subscription.expiresAt, now);
    return this.#made(subscription, `active;expires=${left}`, document);
  }

  #nextDocument(subscription: Subscription, now: number): Document | undefined {
    if (!subscription.urgent && subscription.inFlight > 0) return undefined;
    if (!subscription.urgent && subscription.rest.length > 0) {
      const [next, ...rest] = subscription.rest;
      subscription.rest = rest;
      return next;
    }
    if (!subscription.urgent && earliest(subscription) > now) return undefined;
    const publication = this.#publication(subscription.view);
    const { seen, maxBytes, urgent } = subscription;
    const whole = urgent || seen === null;
    const [first, ...rest] = whole ? publication.full(maxBytes) : publication.since(seen, maxBytes);
    subscription.seen = publication.revision;
    subscription.rest = rest;
    return first;
  }

  /** The last NOTIFY: it tells the state where the watcher may know it, as much of it as fits. */
  #last(subscription: Subscription, reason: EndReason): Order {
    this.#subscriptions.delete(subscription.id);
    const state = `terminated;reason=${reason}`;
    if (reason === 'rejected' || reason === 'giveup')
      return { id: subscription.id, subscriptionState: state, document: null };
    const publication = this.#publication(subscription.view);
    const document = reason === 'noresource' ? publication.deleted() : publication.full(subscription.maxBytes)[0];
    return this.#made(subscription, state, document ?? publication.deleted());
  }

  #made(subscription: Subscription, subscriptionState: string, document: Document): Order {
    subscription.version = nextVersion(subscription.version);
    const { head, tail } = document;
    return { id: subscription.id, subscriptionState, document: { head, version: subscription.version, tail } };
  }

  /** Throws outdated entries away when they are the most. */
  #tidy(): void {
    if (this.#queue.size <= 64 + 4 * this.#subscriptions.size) return;
    this.#queue.clear();
    for (const { wakeAt, id } of this.#subscriptions.values()) this.#queue.put(wakeAt, id);
  }
}
