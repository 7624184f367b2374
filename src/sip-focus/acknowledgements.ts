/**
 * RFC 3261 13.3.1.4, 15: who was called says BYE only when the ACK for their 200 has come, or when it can come no more. Neither
 * drachtio-server nor the embedded agent holds a BYE back.
 */

/**
 * The 200's transaction ends after 64 times T1, 32 s: the SIP server then says BYE itself and tells us of it. Had we the same limit,
 * the two would cross.
 */
const overMs = 33_000;

interface Open {
  /** False when the call is over without a BYE of ours. */
  readonly done: Promise<boolean>;
  readonly finish: (byeIsDue: boolean) => void;
}

/** Calls whose 200 is not acknowledged yet, by dialog; a dialog that is not among them counts as acknowledged. */
export class Acknowledgements {
  readonly #open = new Map<string, Open>();

  /** A 200 is about to go. */
  expect(dialogId: string): void {
    let resolve = (_byeIsDue: boolean): void => undefined;
    const done = new Promise<boolean>((settle) => {
      resolve = settle;
    });
    const timer = setTimeout(() => this.#finish(dialogId, true), overMs);
    timer.unref();
    const finish = (byeIsDue: boolean): void => {
      clearTimeout(timer);
      resolve(byeIsDue);
    };
    this.#open.set(dialogId, { done, finish });
  }

  /** The ACK has come. */
  came(dialogId: string): void {
    this.#finish(dialogId, true);
  }

  /** The call has ended from the other side. False when nothing was awaited. */
  over(dialogId: string): boolean {
    return this.#finish(dialogId, false);
  }

  /** Resolves when BYE may go, with false when none is due any more; null when it may go at once. */
  of(dialogId: string): Promise<boolean> | null {
    return this.#open.get(dialogId)?.done ?? null;
  }

  /** What is awaited now is awaited for this long (ms) at most. */
  close(limitMs: number): void {
    const timer = setTimeout(() => {
      for (const dialogId of [...this.#open.keys()]) this.#finish(dialogId, true);
    }, limitMs);
    timer.unref();
  }

  #finish(dialogId: string, byeIsDue: boolean): boolean {
    const open = this.#open.get(dialogId);
    this.#open.delete(dialogId);
    open?.finish(byeIsDue);
    return open !== undefined;
  }
}
