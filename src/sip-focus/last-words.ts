/**
 * RFC 4579 5.11, RFC 5057: who watches inside the dialog of a call hears of the end before BYE. They go different ways to the
 * SIP server, and drachtio-server knows the dialog no longer once it has sent BYE.
 */

/** Last NOTIFYs on their way, by leg. */
export class LastWords {
  readonly #underWay = new Map<string, Set<Promise<void>>>();

  /** A last NOTIFY sets out; the function says that it has been answered. */
  begin(leg: string): () => void {
    let finish = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const all = (this.#underWay.get(leg) ?? new Set()).add(answered);
    this.#underWay.set(leg, all);
    return () => {
      finish();
      all.delete(answered);
      if (all.size === 0) this.#underWay.delete(leg);
    };
  }

  /** Resolves when all that are under way have been answered; null when none is. */
  of(leg: string): Promise<unknown> | null {
    const all = this.#underWay.get(leg);
    return all ? Promise.all(all) : null;
  }
}
