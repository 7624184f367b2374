/**
 * drachtio-server forgets the dialog of a subscription when its last NOTIFY has been answered, and not before: where a subscription ends
 * without one, whoever subscribes and vanishes would fill its memory. So one is sent all the same, and its answer does not matter.
 */
import type { NotifyTarget } from './notification.ts';

/** After this long nobody waits for anything in a dialog that is over (64 times T1, RFC 3261 17). */
const overMs = 32_000;

export class LeftoverDialogs {
  readonly #kept: boolean;
  readonly #send: (target: NotifyTarget) => void;
  readonly #timers = new Set<NodeJS.Timeout>();

  /** `kept`: whether the SIP server needs this. `send`: sends a last NOTIFY. */
  constructor(kept: boolean, send: (target: NotifyTarget) => void) {
    this.#kept = kept;
    this.#send = send;
  }

  /** The answer to a NOTIFY has ended the subscription; a watcher who was out of reach only learns by this one to subscribe anew. */
  failed(target: NotifyTarget): void {
    if (this.#kept) this.#send(target);
  }

  /** The subscriber has ended it and wants no NOTIFY (RFC 5839): it is sent when the subscriber has forgotten the dialog as well. */
  renounced(target: NotifyTarget): void {
    if (!this.#kept) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#send(target);
    }, overMs);
    timer.unref();
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
