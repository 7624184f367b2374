/** What changed since which revision, so that one partial document serves every subscription that has seen the same. */

/** A change of one part; `before` null = it did not stand. */
interface Entry<Part> {
  readonly revision: number;
  readonly key: string;
  readonly before: Part | null;
}

/** Revisions of parts by key, with a bounded memory. */
export class ChangeLog<Part> {
  readonly #capacity: number;
  #entries: Entry<Part>[] = [];
  #revision = 0;
  #floor = 0;

  /** `capacity`: changes remembered; who has seen nothing newer must be told everything. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Number of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** Notes that a part changed, and what it was before. */
  note(key: string, before: Part | null): void {
    this.#revision += 1;
    this.#entries.push({ revision: this.#revision, key, before });
    if (this.#entries.length <= 2 * this.#capacity) return;
    this.#entries = this.#entries.slice(-this.#capacity);
    this.#floor = this.#revision - this.#capacity;
  }

  /** Keys changed after `seen`, each with what it was then, in the order of their first change; null when that is forgotten. */
  since(seen: number): ReadonlyMap<string, Part | null> | null {
    if (seen < this.#floor) return null;
    const changed = new Map<string, Part | null>();
    // Revisions are consecutive, so the place of the first one is known.
    for (let place = this.#entries.length - (this.#revision - seen); place < this.#entries.length; place += 1) {
      const entry = this.#entries[place];
      if (entry && !changed.has(entry.key)) changed.set(entry.key, entry.before);
    }
    return changed;
  }
}
