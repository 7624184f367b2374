/** All sources of one conference: a publication for each kind of viewer, and one for each person who watches and is part of it. */
import { Publication, type PublicationBasis } from './publication.ts';
import type { FactChange } from './roster.ts';
import { SelfPublication } from './self-publication.ts';
import type { Source } from './source.ts';
import type { View } from './user.ts';

export class Publications {
  readonly #basis: PublicationBasis;
  readonly #views = new Map<View, Publication>();
  readonly #selves = new Map<string, { readonly publication: SelfPublication; watchers: number }>();
  #serial = 0;
  #formerBuilds = 0;

  constructor(basis: PublicationBasis) {
    this.#basis = basis;
  }

  /** Documents built so far. */
  get builds(): number {
    const all = [...this.#views.values(), ...[...this.#selves.values()].map(({ publication }) => publication)];
    return all.reduce((sum, { builds }) => sum + builds, this.#formerBuilds);
  }

  /** See `Publication.omitted`. */
  get omitted(): number {
    return [...this.#views.values()].reduce((sum, { omitted }) => sum + omitted, 0);
  }

  /** What a watcher is fed from, until `release`. `self`: key of the person that they are; a moderator is shown everything anyway. */
  acquire(view: View, self: string | null): Source {
    if (view === 'moderator' || self === null) return this.#publication(view);
    const known = this.#selves.get(self);
    if (known) {
      known.watchers += 1;
      return known.publication;
    }
    this.#serial += 1;
    const publication = new SelfPublication(this.#publication(view), self, this.#basis, this.#serial);
    this.#selves.set(self, { publication, watchers: 1 });
    return publication;
  }

  /** A watcher has gone, or looks at another source. */
  release(source: Source): void {
    if (!(source instanceof SelfPublication)) return;
    const known = this.#selves.get(source.person);
    if (known?.publication !== source) return;
    known.watchers -= 1;
    if (known.watchers > 0) return;
    this.#formerBuilds += source.builds;
    this.#selves.delete(source.person);
  }

  /** A fact or a binding has changed; true when anything changed that is shown to anybody. */
  change(change: FactChange): boolean {
    const affected = this.#basis.roster.change(change);
    const described = change.kind === 'room' || change.kind === 'link';
    let changed = false;
    for (const publication of this.#views.values()) if (publication.update(affected, described)) changed = true;
    // The persons who watch, or those who are affected, whichever are fewer.
    const concerned = affected === 'everybody' || affected.size > this.#selves.size ? this.#selves.keys() : affected;
    for (const person of concerned) if (this.#selves.get(person)?.publication.update()) changed = true;
    return changed;
  }

  #publication(view: View): Publication {
    const known = this.#views.get(view);
    if (known) return known;
    const made = new Publication(view, this.#basis);
    this.#views.set(view, made);
    return made;
  }
}
