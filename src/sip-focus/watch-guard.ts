/** RFC 4575 3.5, RFC 6665 4.2.2: looks at the rights of watchers again when facts change, and sends away who may watch no more. */
import type { FactEvent, Facts } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { View } from '../conference-info/user.ts';
import { concernedBy } from './watch-reviews.ts';
import { mayWatch, personOfWatcher, type WatcherClaim, type WatchRight, type WatchRules } from './watch-rights.ts';
import type { Watcher, WatcherRegister } from './watcher-register.ts';

/** What a judgement leads to. */
export interface GuardOrders {
  setView(watcher: Watcher, view: View, self: string | null): void;
  /** Ends the subscription with `rejected`. */
  reject(watcher: Watcher): void;
}

export class WatchGuard {
  readonly #rules: WatchRules;
  readonly #graceMs: number;
  readonly #facts: Facts;
  readonly #watchers: WatcherRegister;
  readonly #orders: GuardOrders;
  /** Who is watched on for the moment. */
  readonly #doubts = new Map<Watcher, NodeJS.Timeout>();

  /** `graceMs`: how long who is not seen among those who may watch goes on: people come back, and facts come one by one. */
  constructor(rules: WatchRules, graceMs: number, facts: Facts, watchers: WatcherRegister, orders: GuardOrders) {
    this.#rules = rules;
    this.#graceMs = graceMs;
    this.#facts = facts;
    this.#watchers = watchers;
    this.#orders = orders;
  }

  /** What somebody may see of a conference now. */
  rightOf(link: LinkSettings, claim: WatcherClaim): WatchRight {
    return mayWatch(claim, this.#rules, this.#facts.meeting(link.id), this.#facts.bindings);
  }

  /** A fact has changed: whoever it concerns is looked at. */
  fact(event: FactEvent, link: LinkSettings): void {
    for (const watcher of concernedBy(event, link.id, this.#watchers)) {
      // RFC 4579 5.11: who is sent away watches no more, whoever else may.
      if (event.kind === 'expulsion' && event.value !== null) this.#orders.reject(watcher);
      else this.review(link, watcher);
    }
  }

  /** Gives a watcher the view that they may have now, or none. */
  review(link: LinkSettings, watcher: Watcher, patient = true): void {
    const right = this.rightOf(link, watcher);
    this.#watchers.setPerson(watcher, personOfWatcher(watcher, this.#facts.bindings));
    if (right.act === 'watch') {
      this.forget(watcher);
      this.#orders.setView(watcher, right.view, right.self);
    } else if (right.why === 'barred') {
      // Any other status: it is not known for the moment who may, and that is no reason to send anybody away.
      if (right.status === 403) this.#orders.reject(watcher);
    } else if (patient) this.#doubt(link, watcher);
    else if (this.#facts.meeting(link.id).room?.joined) this.#orders.reject(watcher);
  }

  /** A subscription has ended. */
  forget(watcher: Watcher): void {
    clearTimeout(this.#doubts.get(watcher));
    this.#doubts.delete(watcher);
  }

  stop(): void {
    for (const timer of this.#doubts.values()) clearTimeout(timer);
    this.#doubts.clear();
  }

  /** Nothing that only moderators or they themselves may see is told while it is in doubt who they are. */
  #doubt(link: LinkSettings, watcher: Watcher): void {
    this.#orders.setView(watcher, 'ordinary', null);
    if (this.#doubts.has(watcher)) return;
    const timer = setTimeout(() => {
      this.#doubts.delete(watcher);
      this.review(link, watcher, false);
    }, this.#graceMs);
    timer.unref();
    this.#doubts.set(watcher, timer);
  }
}
