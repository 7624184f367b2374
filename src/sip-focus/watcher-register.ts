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
  /** Key of who they are (see `personOfWatcher`), or null; changed by the register. */
  person: string | null;
}

/** Watchers by key. Most keys have one, which then takes no set. */
class Groups {
  readonly #groups = new Map<string, Watcher | Set<Watcher>>();

  get(key: string): readonly Watcher[] {
    const group = this.#groups.get(key);
    if (group === undefined) return [];
    return group instanceof Set ? [...group] : [group];
  }

  add(key: string | null, watcher: Watcher): void {
    if (key === null) return;
    const group = this.#groups.get(key);
    if (group instanceof Set) group.add(watcher);
    else this.#groups.set(key, group === undefined ? watcher : new Set([group, watcher]));
  }

  delete(key: string | null, watcher: Watcher): void {
    if (key === null) return;
    const group = this.#groups.get(key);
    if (group instanceof Set) group.delete(watcher);
    if (group === watcher || (group instanceof Set && group.size === 0)) this.#groups.delete(key);
  }
}

export class WatcherRegister {
  readonly #byId = new Map<string, Watcher>();
  readonly #byLink = new Groups();
  readonly #byAor = new Groups();
  readonly #byLeg = new Groups();
  readonly #byPerson = new Groups();

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<Watcher> {
    return this.#byId.values();
  }

  get(id: string): Watcher | undefined {
    return this.#byId.get(id);
  }

  ofLink(link: string): readonly Watcher[] {
    return this.#byLink.get(link);
  }

  /** In all conferences. */
  ofAor(aor: string): readonly Watcher[] {
    return this.#byAor.get(aor);
  }

  /** In all conferences, by the key of the person. */
  ofPerson(person: string): readonly Watcher[] {
    return this.#byPerson.get(person);
  }

  ofLeg(leg: string): readonly Watcher[] {
    return this.#byLeg.get(leg);
  }

  add(watcher: Watcher): void {
    this.#byId.set(watcher.id, watcher);
    this.#byLink.add(watcher.link, watcher);
    this.#byAor.add(watcher.aor, watcher);
    this.#byLeg.add(watcher.leg, watcher);
    this.#byPerson.add(watcher.person, watcher);
  }

  /** Who somebody is has become known, or is something else now. */
  setPerson(watcher: Watcher, person: string | null): void {
    if (watcher.person === person) return;
    this.#byPerson.delete(watcher.person, watcher);
    watcher.person = person;
    this.#byPerson.add(person, watcher);
  }

  delete(watcher: Watcher): void {
    if (this.#byId.get(watcher.id) !== watcher) return;
    this.#byId.delete(watcher.id);
    this.#byLink.delete(watcher.link, watcher);
    this.#byAor.delete(watcher.aor, watcher);
    this.#byLeg.delete(watcher.leg, watcher);
    this.#byPerson.delete(watcher.person, watcher);
  }
}
