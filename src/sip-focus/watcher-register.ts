/** The subscriptions of this process, found by whatever may concern them. */
import type { Aor } from '../identity/aor.ts';

/** A subscription as the transport sees it; flat and small, there are thousands. */
export interface Watcher {
  readonly id: string;
  readonly link: string;
  readonly dialogId: string;
  /** To the SIP server, see `Signaling.connection`: refreshes reach us as long as it lasts. */
  readonly connection: number;
  /** Value of Event, as it is repeated. */
  readonly event: string;
  /** Our Contact, as it went out in the 200. */
  readonly contact: string;
  readonly aor: Aor | null;
  /** The call in whose dialog it is, or null. */
  readonly leg: string | null;
}

const nobody: ReadonlySet<Watcher> = new Set();

/** Sets of watchers by key; a key without watchers does not stand. */
class Groups {
  readonly #sets = new Map<string, Set<Watcher>>();

  get(key: string): ReadonlySet<Watcher> {
    return this.#sets.get(key) ?? nobody;
  }

  add(key: string | null, watcher: Watcher): void {
    if (key === null) return;
    const set = this.#sets.get(key);
    if (set) set.add(watcher);
    else this.#sets.set(key, new Set([watcher]));
  }

  delete(key: string | null, watcher: Watcher): void {
    const set = key === null ? undefined : this.#sets.get(key);
    set?.delete(watcher);
    if (key !== null && set?.size === 0) this.#sets.delete(key);
  }
}

export class WatcherRegister {
  readonly #byId = new Map<string, Watcher>();
  readonly #byLink = new Groups();
  readonly #byAor = new Groups();
  readonly #byLeg = new Groups();
  readonly #byPerson = new Groups();
  /** Of those who are somebody. */
  readonly #persons = new Map<Watcher, string>();

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<Watcher> {
    return this.#byId.values();
  }

  get(id: string): Watcher | undefined {
    return this.#byId.get(id);
  }

  ofLink(link: string): ReadonlySet<Watcher> {
    return this.#byLink.get(link);
  }

  /** In all conferences. */
  ofAor(aor: string): ReadonlySet<Watcher> {
    return this.#byAor.get(aor);
  }

  /** In all conferences, by the key of the person (see `personOfWatcher`). */
  ofPerson(person: string): ReadonlySet<Watcher> {
    return this.#byPerson.get(person);
  }

  ofLeg(leg: string): ReadonlySet<Watcher> {
    return this.#byLeg.get(leg);
  }

  add(watcher: Watcher, person: string | null): void {
    this.#byId.set(watcher.id, watcher);
    this.#byLink.add(watcher.link, watcher);
    this.#byAor.add(watcher.aor, watcher);
    this.#byLeg.add(watcher.leg, watcher);
    this.setPerson(watcher, person);
  }

  /** Who somebody is has become known, or is something else now. */
  setPerson(watcher: Watcher, person: string | null): void {
    const before = this.#persons.get(watcher) ?? null;
    if (before === person) return;
    this.#byPerson.delete(before, watcher);
    this.#byPerson.add(person, watcher);
    if (person === null) this.#persons.delete(watcher);
    else this.#persons.set(watcher, person);
  }

  delete(watcher: Watcher): void {
    if (this.#byId.get(watcher.id) !== watcher) return;
    this.#byId.delete(watcher.id);
    this.#byLink.delete(watcher.link, watcher);
    this.#byAor.delete(watcher.aor, watcher);
    this.#byLeg.delete(watcher.leg, watcher);
    this.setPerson(watcher, null);
  }
}
