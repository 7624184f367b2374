/** Who is in a conference, kept so that one fact costs the same in a room of ten and of two thousand: which persons does it change? */
import type { Bindings } from '../identity/binding.ts';
import type { DepartureFact } from './departure.ts';
import type { Circumstances } from './endpoint-view.ts';
import type { FactKind, Meeting } from './meeting.ts';
import { type Call, compare, compareCalls, jidOfPerson, type Person, personOfLeg, personOfOccupant } from './person.ts';
import type { Showing, User } from './user.ts';
import { usersOfPerson } from './user-view.ts';

/** That a fact has changed; its value is read from the meeting, which must already have it. */
export interface FactChange {
  readonly kind: FactKind;
  readonly key: string;
}

/** What a fact changed: `everybody` when it changes how people are shown, else keys of persons. */
export type Affected = 'everybody' | ReadonlySet<string>;

const nobody: ReadonlySet<string> = new Set();

/** A set of values per key; a key without values does not stand. One value, as most have, stands bare: a set of it takes 200 bytes. */
class Groups {
  readonly #values = new Map<string, string | Set<string>>();

  has(key: string): boolean {
    return this.#values.has(key);
  }

  keys(): Iterable<string> {
    return this.#values.keys();
  }

  get(key: string): Iterable<string> {
    const values = this.#values.get(key) ?? nobody;
    return typeof values === 'string' ? [values] : values;
  }

  add(key: string, value: string): void {
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, value);
    else if (typeof values !== 'string') values.add(value);
    else if (values !== value) this.#values.set(key, new Set([values, value]));
  }

  remove(key: string, value: string): void {
    const values = this.#values.get(key);
    if (values === value) this.#values.delete(key);
    if (values === undefined || typeof values === 'string') return;
    values.delete(value);
    if (values.size === 0) this.#values.delete(key);
  }
}

/** Where a call was put, so that it can be taken out again when its fact is gone. */
interface Placed {
  readonly person: string;
  readonly aor: string | null;
  readonly contact: string | null;
  readonly ended: boolean;
}

/** Who calls, as far as it is proved: callers of one contact who prove nothing are taken for one. */
const partyOf = ({ person }: Placed): string => (person.startsWith('leg:') ? '' : person);

const endedLater = (one: DepartureFact, other: DepartureFact): boolean =>
  (compare(one.when, other.when) || compare(one.leg.leg, other.leg.leg)) > 0;

const goesBefore = (one: Call, other: Call): boolean =>
  one.departure && other.departure ? endedLater(one.departure, other.departure) : compareCalls(one, other) < 0;

/** The index of a live meeting. `meeting` and `bindings` change under it; every change must be told. */
export class Roster {
  readonly #room: string;
  readonly #meeting: Meeting;
  readonly #bindings: Bindings;
  /** Of each person, by key: calls, standing or ended, and nicks. */
  readonly #callsOfPerson = new Groups();
  readonly #nicksOfPerson = new Groups();
  readonly #placedCalls = new Map<string, Placed>();
  readonly #placedNicks = new Map<string, string>();
  readonly #callsOfAor = new Groups();
  readonly #callsOfContact = new Groups();
  readonly #owners = new Map<string, string>();
  #shown = '';

  constructor(room: string, meeting: Meeting, bindings: Bindings) {
    this.#room = room;
    this.#meeting = meeting;
    this.#bindings = bindings;
    this.#shown = this.#manner();
    for (const leg of [...meeting.legs.keys(), ...meeting.departures.keys()]) this.#placeCall(leg);
    for (const nick of meeting.occupants.keys()) this.#placeNick(nick);
  }

  /** Keys of everybody, in order. */
  persons(): readonly string[] {
    return [...new Set([...this.#callsOfPerson.keys(), ...this.#nicksOfPerson.keys()])].sort(compare);
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
    if (kind === 'leg' || kind === 'departure') return this.#placeCall(key);
    if (kind === 'occupant') return this.#placeNick(key);
    if (kind === 'affiliation') return this.#knows(`jid:${key}`) ? new Set([`jid:${key}`]) : nobody;
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

  #knows(person: string): boolean {
    return this.#callsOfPerson.has(person) || this.#nicksOfPerson.has(person);
  }

  #person(key: string): Person | null {
    if (!this.#knows(key)) return null;
    const jid = jidOfPerson(key);
    const calls = [...this.#callsOfPerson.get(key)].flatMap((id) => this.#shownCall(id) ?? []).sort(compareCalls);
    const nicks = [...this.#nicksOfPerson.get(key)].sort(compare);
    const occupants = nicks.flatMap((nick) => this.#meeting.occupants.get(nick) ?? []);
    if (calls.length + occupants.length === 0) return null;
    const affiliation = jid === null ? 'none' : (this.#meeting.affiliations.get(jid)?.affiliation ?? 'none');
    return { jid, calls, occupants, affiliation };
  }

  #call(id: string): Call | null {
    const leg = this.#meeting.legs.get(id);
    if (leg) return { leg, departure: null };
    const departure = this.#meeting.departures.get(id);
    return departure ? { leg: departure.leg, departure } : null;
  }

  /** Null for an ended call of somebody who has called from there again since. */
  #shownCall(id: string): Call | null {
    const call = this.#call(id);
    const placed = this.#placedCalls.get(id);
    if (!call?.departure || !placed || placed.contact === null) return call;
    for (const other of this.#callsOfContact.get(placed.contact)) {
      const later = this.#call(other);
      const another = this.#placedCalls.get(other);
      if (other === id || !later || !another || partyOf(another) !== partyOf(placed)) continue;
      if (later.departure === null || endedLater(later.departure, call.departure)) return null;
    }
    return call;
  }

  /**
   * One call with a contact has it as its entity: the earliest that stands, else the one that ended last. Several have one behind a
   * gateway, or when a phone calls twice.
   */
  #ownerOfContact(contact: string): string | null {
    let owner: Call | null = null;
    for (const id of this.#callsOfContact.get(contact)) {
      const call = this.#call(id);
      if (call && (!owner || goesBefore(call, owner))) owner = call;
    }
    return owner?.leg.leg ?? null;
  }

  #rebind(aor: string): ReadonlySet<string> {
    const affected = new Set<string>();
    for (const call of [...this.#callsOfAor.get(aor)]) for (const person of this.#placeCall(call)) affected.add(person);
    return affected;
  }

  #placeNick(nick: string): ReadonlySet<string> {
    const occupant = this.#meeting.occupants.get(nick);
    const before = this.#placedNicks.get(nick);
    const after = occupant ? personOfOccupant(occupant) : undefined;
    if (before !== after) {
      if (before !== undefined) this.#nicksOfPerson.remove(before, nick);
      if (after !== undefined) this.#nicksOfPerson.add(after, nick);
      if (after === undefined) this.#placedNicks.delete(nick);
      else this.#placedNicks.set(nick, after);
    }
    return new Set([before, after].filter((person) => person !== undefined));
  }

  #placeCall(id: string): ReadonlySet<string> {
    const call = this.#call(id);
    const before = this.#placedCalls.get(id);
    const after = call ? this.#placeOf(call) : undefined;
    const contacts = new Set([before?.contact, after?.contact].filter((each) => each !== null && each !== undefined));
    const affected = new Set([before?.person, after?.person].filter((person) => person !== undefined));
    if (before) this.#takeOut(id, before);
    if (after) this.#putIn(id, after);
    for (const contact of contacts) {
      this.#settleOwner(contact, affected);
      this.#affectEnded(contact, affected);
    }
    return affected;
  }

  #placeOf({ leg, departure }: Call): Placed {
    const person = personOfLeg(leg, this.#bindings);
    return { person, aor: leg.aor, contact: leg.contact, ended: departure !== null };
  }

  /** Whether an ended call is shown depends on the others from there. */
  #affectEnded(contact: string, affected: Set<string>): void {
    for (const id of this.#callsOfContact.get(contact)) {
      const placed = this.#placedCalls.get(id);
      if (placed?.ended) affected.add(placed.person);
    }
  }

  /** Notes who has a contact now; the one who had it before is remembered, because the live meeting no longer tells. */
  #settleOwner(contact: string, affected: Set<string>): void {
    const before = this.#owners.get(contact) ?? null;
    const owner = this.#ownerOfContact(contact);
    if (owner === before) return;
    if (owner === null) this.#owners.delete(contact);
    else this.#owners.set(contact, owner);
    this.#affectCall(before, affected);
    this.#affectCall(owner, affected);
  }

  #affectCall(id: string | null, affected: Set<string>): void {
    const person = id === null ? undefined : this.#placedCalls.get(id)?.person;
    if (person !== undefined) affected.add(person);
  }

  #putIn(id: string, placed: Placed): void {
    this.#placedCalls.set(id, placed);
    this.#callsOfPerson.add(placed.person, id);
    if (placed.aor !== null) this.#callsOfAor.add(placed.aor, id);
    if (placed.contact !== null) this.#callsOfContact.add(placed.contact, id);
  }

  #takeOut(id: string, placed: Placed): void {
    this.#placedCalls.delete(id);
    this.#callsOfPerson.remove(placed.person, id);
    if (placed.aor !== null) this.#callsOfAor.remove(placed.aor, id);
    if (placed.contact !== null) this.#callsOfContact.remove(placed.contact, id);
  }
}
