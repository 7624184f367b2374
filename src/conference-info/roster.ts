/** Who is in a conference, kept so that one fact costs the same in a room of ten and of two thousand: which persons does it change? */
import type { Bindings } from '../identity/binding.ts';
import type { LegFact } from './leg.ts';
import type { FactKind, Meeting } from './meeting.ts';
import { compare, compareLegs, jidOfPerson, type Person, personOfLeg, personOfOccupant } from './person.ts';
import type { Showing, User } from './user.ts';
import { type Circumstances, usersOfPerson } from './user-view.ts';

/** That a fact has changed; its value is read from the meeting, which must already have it. */
export interface FactChange {
  readonly kind: FactKind;
  readonly key: string;
}

/** What a fact changed: `everybody` when it changes how people are shown, else keys of persons. */
export type Affected = 'everybody' | ReadonlySet<string>;

const nobody: ReadonlySet<string> = new Set();

/** A person's legs and nicks, by key. */
interface Membership {
  readonly legs: Set<string>;
  readonly nicks: Set<string>;
}

/** A set of values per key; a key without values does not stand. */
class Groups {
  readonly #sets = new Map<string, Set<string>>();

  get(key: string): ReadonlySet<string> {
    return this.#sets.get(key) ?? nobody;
  }

  add(key: string, value: string): void {
    const set = this.#sets.get(key);
    if (set) set.add(value);
    else this.#sets.set(key, new Set([value]));
  }

  remove(key: string, value: string): void {
    const set = this.#sets.get(key);
    set?.delete(value);
    if (set?.size === 0) this.#sets.delete(key);
  }
}

/** Where a leg was put, so that it can be taken out again when its fact is gone. */
interface Placed {
  readonly person: string;
  readonly aor: string | null;
  readonly contact: string | null;
}

/** The index of a live meeting. `meeting` and `bindings` change under it; every change must be told. */
export class Roster {
  readonly #room: string;
  readonly #meeting: Meeting;
  readonly #bindings: Bindings;
  readonly #members = new Map<string, Membership>();
  readonly #placedLegs = new Map<string, Placed>();
  readonly #placedNicks = new Map<string, string>();
  readonly #legsOfAor = new Groups();
  readonly #legsOfContact = new Groups();
  readonly #owners = new Map<string, string>();
  #shown = '';

  constructor(room: string, meeting: Meeting, bindings: Bindings) {
    this.#room = room;
    this.#meeting = meeting;
    this.#bindings = bindings;
    this.#shown = this.#manner();
    for (const leg of meeting.legs.keys()) this.#placeLeg(leg);
    for (const nick of meeting.occupants.keys()) this.#placeNick(nick);
  }

  /** Keys of everybody, in order. */
  persons(): readonly string[] {
    return [...this.#members.keys()].sort(compare);
  }

  /**
   * How a person is shown; empty when there is no such person. `self` gives the users of the ordinary view, with the same entities, as
   * many endpoints and in the same order; only these may have other entities.
   */
  usersOf(key: string, showing: Showing): readonly User[] {
    const person = this.#person(key);
    return person ? usersOfPerson(person, this.#around(), showing) : [];
  }

  /** Takes a change in; keys of persons may be among them whose showing has not changed. */
  change({ kind, key }: FactChange): Affected {
    if (kind === 'leg') return this.#placeLeg(key);
    if (kind === 'occupant') return this.#placeNick(key);
    if (kind === 'affiliation') return this.#members.has(`jid:${key}`) ? new Set([`jid:${key}`]) : nobody;
    if (kind === 'binding') return this.#rebind(key);
    return kind === 'room' && this.#mannerChanged() ? 'everybody' : nobody;
  }

  /** What of the room changes how everybody is shown. */
  #manner(): string {
    return `${this.#meeting.room?.nonAnonymous ?? false} ${this.#meeting.room?.moderated ?? false}`;
  }

  #mannerChanged(): boolean {
    const now = this.#manner();
    const changed = now !== this.#shown;
    this.#shown = now;
    return changed;
  }

  #around(): Circumstances {
    return {
      room: this.#room,
      nonAnonymous: this.#meeting.room?.nonAnonymous ?? false,
      moderated: this.#meeting.room?.moderated ?? false,
      ownsContact: (leg) => leg.contact === null || this.#ownerOfContact(leg.contact) === leg.leg,
    };
  }

  #person(key: string): Person | null {
    const membership = this.#members.get(key);
    if (!membership) return null;
    const jid = jidOfPerson(key);
    const legs = this.#legs(membership.legs).sort(compareLegs);
    const occupants = [...membership.nicks].sort(compare).flatMap((nick) => this.#meeting.occupants.get(nick) ?? []);
    if (legs.length + occupants.length === 0) return null;
    const affiliation = jid === null ? 'none' : (this.#meeting.affiliations.get(jid)?.affiliation ?? 'none');
    return { jid, legs, occupants, affiliation };
  }

  #legs(ids: ReadonlySet<string>): LegFact[] {
    return [...ids].flatMap((id) => this.#meeting.legs.get(id) ?? []);
  }

  /** The earliest leg with a contact has it as its entity. Several have one behind a gateway, or when a phone calls twice. */
  #ownerOfContact(contact: string): string | null {
    let owner: LegFact | null = null;
    for (const id of this.#legsOfContact.get(contact)) {
      const leg = this.#meeting.legs.get(id);
      if (leg && (!owner || compareLegs(leg, owner) < 0)) owner = leg;
    }
    return owner?.leg ?? null;
  }

  #rebind(aor: string): ReadonlySet<string> {
    const affected = new Set<string>();
    for (const leg of [...this.#legsOfAor.get(aor)]) for (const person of this.#placeLeg(leg)) affected.add(person);
    return affected;
  }

  #placeNick(nick: string): ReadonlySet<string> {
    const occupant = this.#meeting.occupants.get(nick);
    const before = this.#placedNicks.get(nick);
    const after = occupant ? personOfOccupant(occupant) : undefined;
    if (before !== after) {
      if (before !== undefined) this.#leave(before, 'nicks', nick);
      if (after !== undefined) this.#join(after, 'nicks', nick);
      if (after === undefined) this.#placedNicks.delete(nick);
      else this.#placedNicks.set(nick, after);
    }
    return new Set([before, after].filter((person) => person !== undefined));
  }

  #placeLeg(id: string): ReadonlySet<string> {
    const leg = this.#meeting.legs.get(id);
    const before = this.#placedLegs.get(id);
    const after = leg && { person: personOfLeg(leg, this.#bindings), aor: leg.aor, contact: leg.contact };
    const contacts = new Set([before?.contact, after?.contact].filter((each) => each !== null && each !== undefined));
    const affected = new Set([before?.person, after?.person].filter((person) => person !== undefined));
    if (before) this.#takeOut(id, before);
    if (after) this.#putIn(id, after);
    for (const contact of contacts) this.#settleOwner(contact, affected);
    return affected;
  }

  /** Notes who has a contact now; the one who had it before is remembered, because the live meeting no longer tells. */
  #settleOwner(contact: string, affected: Set<string>): void {
    const before = this.#owners.get(contact) ?? null;
    const owner = this.#ownerOfContact(contact);
    if (owner === before) return;
    if (owner === null) this.#owners.delete(contact);
    else this.#owners.set(contact, owner);
    this.#affectLeg(before, affected);
    this.#affectLeg(owner, affected);
  }

  #affectLeg(id: string | null, affected: Set<string>): void {
    const person = id === null ? undefined : this.#placedLegs.get(id)?.person;
    if (person !== undefined) affected.add(person);
  }

  #putIn(id: string, placed: Placed): void {
    this.#placedLegs.set(id, placed);
    this.#join(placed.person, 'legs', id);
    if (placed.aor !== null) this.#legsOfAor.add(placed.aor, id);
    if (placed.contact !== null) this.#legsOfContact.add(placed.contact, id);
  }

  #takeOut(id: string, placed: Placed): void {
    this.#placedLegs.delete(id);
    this.#leave(placed.person, 'legs', id);
    if (placed.aor !== null) this.#legsOfAor.remove(placed.aor, id);
    if (placed.contact !== null) this.#legsOfContact.remove(placed.contact, id);
  }

  #join(person: string, part: keyof Membership, value: string): void {
    const membership = this.#members.get(person) ?? { legs: new Set(), nicks: new Set() };
    membership[part].add(value);
    this.#members.set(person, membership);
  }

  #leave(person: string, part: keyof Membership, value: string): void {
    const membership = this.#members.get(person);
    membership?.[part].delete(value);
    if (membership && membership.legs.size + membership.nicks.size === 0) this.#members.delete(person);
  }
}
