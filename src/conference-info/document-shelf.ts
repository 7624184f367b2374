/** Documents that are built already, so that a change costs one build however many subscriptions wait for it. */
import type { Document } from './document.ts';

/** By what the reader has seen and how large a document may be; until something changes. */
export class DocumentShelf<Seen> {
  readonly #documents = new Map<Seen | null, Map<number, readonly Document[] | null>>();
  #builds = 0;

  /** Builds so far, without those that found nothing to say. */
  get builds(): number {
    return this.#builds;
  }

  /** What leads from `seen` (null: from nothing) to now, built once; that nothing can be built is kept too. */
  once(seen: Seen | null, maxBytes: number, build: () => readonly Document[] | null): readonly Document[] | null {
    const bySize = this.#documents.get(seen) ?? new Map<number, readonly Document[] | null>();
    const known = bySize.get(maxBytes);
    if (known !== undefined) return known;
    const made = build();
    if (made !== null && made.length > 0) this.#builds += 1;
    bySize.set(maxBytes, made);
    this.#documents.set(seen, bySize);
    return made;
  }

  /** Something has changed. */
  clear(): void {
    this.#documents.clear();
  }
}
