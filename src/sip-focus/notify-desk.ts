/** One conference's notifier and its clock: asks it for what is due, and hands that over to be sent. */
import type { LinkSettings } from '../conference-info/link.ts';
import type { Notifier, Order } from '../conference-info/notifier.ts';

/** The way out. */
export interface OrderPost {
  /** Without it everything waits until the next `pump`. */
  ready(): boolean;
  send(desk: NotifyDesk, order: Order): void;
}

/** The longest time that a timer can wait. */
const longestDelayMs = 2 ** 31 - 1;

export class NotifyDesk {
  readonly link: LinkSettings;
  readonly notifier: Notifier;
  readonly #post: OrderPost;
  #timer: NodeJS.Timeout | null = null;
  #ringsAt = Number.POSITIVE_INFINITY;

  constructor(link: LinkSettings, notifier: Notifier, post: OrderPost) {
    this.link = link;
    this.notifier = notifier;
    this.#post = post;
  }

  /** Sends what is due and sets the timer for what comes next. */
  pump(): void {
    if (!this.#post.ready()) return;
    for (const order of this.notifier.due(performance.now())) this.#post.send(this, order);
    this.#setTimer(this.notifier.nextDue() ?? Number.POSITIVE_INFINITY);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#ringsAt = Number.POSITIVE_INFINITY;
  }

  /** A timer that rings too early stays: one look for nothing costs less than a new timer with each answer to a NOTIFY. */
  #setTimer(at: number): void {
    if (at >= this.#ringsAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    const delay = Math.min(Math.max(0, at - performance.now()), longestDelayMs);
    this.#ringsAt = at;
    this.#timer = setTimeout(() => {
      this.#ringsAt = Number.POSITIVE_INFINITY;
      this.pump();
    }, Math.ceil(delay));
    this.#timer.unref();
  }
}
