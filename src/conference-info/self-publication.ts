/** RFC 4575 8.2: the ordinary view for one participant, who may know of themselves what the others may not. Everything else is shared. */
import { ChangeLog } from './change-log.ts';
import type { Document } from './document.ts';
import { DocumentShelf } from './document-shelf.ts';
import type { Before, Publication, PublicationBasis } from './publication.ts';
import type { Moment, Source } from './source.ts';
import { changeOf, UserFragments, type WrittenUser } from './user-fragments.ts';

/** The ordinary view, with a person's own users as they may see them. */
export class SelfPublication implements Source {
  readonly #ordinary: Publication;
  /** Key of the person. */
  readonly person: string;
  readonly #basis: PublicationBasis;
  readonly #serial: number;
  /** By entity, only those that are not just as the others see them. */
  readonly #own = new Map<string, UserFragments>();
  /** `before` null: it was as in the ordinary view. */
  readonly #log: ChangeLog<UserFragments>;
  readonly #shelf = new DocumentShelf<Moment>();
  #now: Moment;
  #shelved: Moment;

  /** `serial`: tells it from every other one of this notifier, also from an earlier one for the same person. */
  constructor(ordinary: Publication, person: string, basis: PublicationBasis, serial: number) {
    this.#ordinary = ordinary;
    this.person = person;
    this.#basis = basis;
    this.#serial = serial;
    this.#log = new ChangeLog(basis.memory);
    this.#now = this.#moment();
    this.#shelved = this.#now;
    this.update();
  }

  get now(): Moment {
    const { shared } = this.#ordinary.now;
    if (this.#now.shared !== shared || this.#now.own !== this.#log.revision) this.#now = this.#moment();
    return this.#now;
  }

  get builds(): number {
    return this.#shelf.builds;
  }

  /** Writes the person anew, after the ordinary view has been updated; true when what only they are shown changed. */
  update(): boolean {
    const before = this.#log.revision;
    const written = new Map<string, UserFragments>();
    for (const user of this.#basis.roster.usersOf(this.person, 'self')) {
      const fragments = new UserFragments(user);
      const shared = this.#ordinary.fragmentsOf(user.entity);
      if (shared && !shared.equals(fragments)) written.set(user.entity, fragments);
    }
    for (const [entity, fragments] of [...this.#own]) {
      if (written.has(entity)) continue;
      this.#log.note(entity, fragments);
      this.#own.delete(entity);
    }
    for (const [entity, fragments] of written) {
      const known = this.#own.get(entity) ?? null;
      if (known?.equals(fragments)) continue;
      this.#log.note(entity, known);
      this.#own.set(entity, fragments);
    }
    return this.#log.revision !== before;
  }

  full(maxBytes: number): readonly Document[] {
    if (this.#own.size === 0) return this.#ordinary.full(maxBytes);
    return this.#once(null, maxBytes, () => this.#ordinary.fullBut(this.#own, maxBytes)) ?? [];
  }

  since(seen: Moment, maxBytes: number): readonly Document[] {
    const ordinary = this.#ordinary.before(seen.shared);
    const own = this.#log.since(seen.own);
    if (!ordinary || !own) return this.full(maxBytes);
    if (own.size === 0 && ![...this.#own.keys()].some((entity) => ordinary.has(entity))) {
      return this.#ordinary.partial(seen.shared, maxBytes) ?? this.full(maxBytes);
    }
    const partial = (): readonly Document[] | null =>
      this.#ordinary.partialOf(ordinary, this.#changedUsers(ordinary, own), maxBytes);
    return this.#once(seen, maxBytes, partial) ?? this.full(maxBytes);
  }

  unchanged(): Document {
    return this.#ordinary.unchanged();
  }

  deleted(): Document {
    return this.#ordinary.deleted();
  }

  #once(seen: Moment | null, maxBytes: number, build: () => readonly Document[] | null): readonly Document[] | null {
    const { now } = this;
    if (this.#shelved !== now) this.#shelf.clear();
    this.#shelved = now;
    return this.#shelf.once(seen, maxBytes, build);
  }

  #moment(): Moment {
    const { shared } = this.#ordinary.now;
    const own = this.#log.revision;
    const { tags } = this.#basis;
    return { shared, own, tag: tags === null ? null : `${tags}-self-${this.#serial}-${own}-${shared}` };
  }

  /** From how the person saw each entity then to how they do now. */
  #changedUsers(ordinary: Before, own: ReadonlyMap<string, UserFragments | null>): readonly WrittenUser[] {
    const changed: WrittenUser[] = [];
    for (const entity of new Set([...ordinary.keys(), ...own.keys()])) {
      const then = own.has(entity) ? own.get(entity) : this.#own.get(entity);
      const now = this.#ordinary.fragmentsOf(entity);
      const before = then ?? (ordinary.has(entity) ? ordinary.get(entity) : now) ?? null;
      // A section of the document, not a user.
      if (typeof before === 'string') continue;
      const written = changeOf(entity, before, this.#own.get(entity) ?? now);
      if (written) changed.push(written);
    }
    return changed;
  }
}
