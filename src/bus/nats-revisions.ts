/** How far the stream of facts has been read: the revision of each subject, and whether the server still holds what was read. */
import type { FactStream, StoredFact } from './nats-stream.ts';

/** Revisions as they have come back to this process. */
export class Revisions {
  readonly #ofSubject = new Map<string, number>();
  readonly #lost = new Set<string>();
  #last = 0;
  #created: string | undefined;

  /** Where reading goes on. */
  get next(): number {
    return this.#last + 1;
  }

  /** Revision of a subject; 0 = none. */
  of(subject: string): number {
    return this.#ofSubject.get(subject) ?? 0;
  }

  /** Everything up to this revision has been read. */
  reached(revision: number): void {
    this.#last = Math.max(this.#last, revision);
  }

  /** Notes a message; false when it, or a newer one of its subject, was known already. */
  advance({ subject, revision }: Pick<StoredFact, 'subject' | 'revision'>): boolean {
    if (this.of(subject) >= revision) return false;
    this.#ofSubject.set(subject, revision);
    return true;
  }

  /**
   * Goes over to a stream just opened. True when the server has come back without (part of) its store: revisions known from before mean
   * nothing any more.
   */
  goOver(stream: Pick<FactStream, 'created' | 'lastRevision'>): boolean {
    const lost = this.#created !== undefined && (this.#created !== stream.created || stream.lastRevision < this.#last);
    this.#created = stream.created;
    if (!lost) return false;
    for (const subject of this.#ofSubject.keys()) this.#lost.add(subject);
    this.#ofSubject.clear();
    this.#last = 0;
    return true;
  }

  /** Subjects that had a revision before a loss and have none now; told once. */
  missing(): string[] {
    const missing = [...this.#lost].filter((subject) => this.of(subject) === 0);
    this.#lost.clear();
    return missing;
  }
}
