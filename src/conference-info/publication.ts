/** A conference as it is published to one kind of viewer: text of every user, what changed when, and the documents made of it. */
import { ChangeLog } from './change-log.ts';
import { describe, entityOf, hostOf, stateOf } from './conference.ts';
import { descriptionText, hostText, stateText } from './conference-text.ts';
import { type Document, DocumentWriter } from './document.ts';
import { DocumentShelf } from './document-shelf.ts';
import type { LinkSettings } from './link.ts';
import type { Meeting } from './meeting.ts';
import { compare } from './person.ts';
import type { Affected, Roster } from './roster.ts';
import type { ChatPurposeSetting } from './service-uris.ts';
import type { Moment, Source } from './source.ts';
import type { View } from './user.ts';
import { changeOf, UserFragments, type WrittenUser } from './user-fragments.ts';
import { utf8Length } from './xml-text.ts';

/** What a publication is made from. `meeting` and `roster` are live; changes are told by `update`. */
export interface PublicationBasis {
  readonly link: LinkSettings;
  readonly meeting: Meeting;
  readonly roster: Roster;
  readonly chat: ChatPurposeSetting;
  /** Changes remembered. */
  readonly memory: number;
  /** Start of all entity-tags, unlike any other notifier's before or after; null: no tags are given. */
  readonly tags: string | null;
}

/** What changes of users are looked up in: now, and (by key, where it was another) before. */
export type Before = ReadonlyMap<string, UserFragments | string | null>;

// Entities are URIs, so these cannot be one. In the order of the document.
const sections = ['#description', '#host', '#state'] as const;

/** Texts and documents for one view. */
export class Publication implements Source {
  readonly #view: View;
  readonly #basis: PublicationBasis;
  readonly #writer: DocumentWriter;
  readonly #log: ChangeLog<UserFragments | string>;
  readonly #shelf = new DocumentShelf<number>();
  readonly #users = new Map<string, UserFragments>();
  readonly #befores = new Map<number, Before | null>();
  readonly #entitiesOf = new Map<string, readonly string[]>();
  readonly #about: [description: string, host: string, state: string] = ['', '', ''];
  #order: readonly string[] | null = null;
  /** Bytes of all of it, near enough to tell whether a partial document is the smaller one. */
  #size = 0;
  /** Users who take part. */
  #present = 0;
  #now: Moment;

  constructor(view: View, basis: PublicationBasis) {
    this.#view = view;
    this.#basis = basis;
    this.#writer = new DocumentWriter(entityOf(basis.link));
    this.#log = new ChangeLog(basis.memory);
    this.#now = this.#moment();
    this.update('everybody', true);
  }

  get now(): Moment {
    return this.#now;
  }

  get builds(): number {
    return this.#shelf.builds;
  }

  /** Users and endpoints left out so far, see `DocumentWriter.omitted`. */
  get omitted(): number {
    return this.#writer.omitted;
  }

  /** What an entity is shown as, or null. */
  fragmentsOf(entity: string): UserFragments | null {
    return this.#users.get(entity) ?? null;
  }

  /** Writes anew who is affected, and what the conference is when `described`; true when anything that is shown changed. */
  update(affected: Affected, described: boolean): boolean {
    const before = this.#log.revision;
    const { link, meeting, roster, chat } = this.#basis;
    this.#writePersons(affected === 'everybody' ? [...roster.persons(), ...this.#entitiesOf.keys()] : affected);
    if (described) {
      this.#writeSection(0, descriptionText(describe(link, meeting, chat)));
      this.#writeSection(1, hostText(hostOf(link)));
    }
    this.#writeSection(2, stateText(stateOf(meeting, this.#present)));
    if (this.#log.revision === before) return false;
    this.#now = this.#moment();
    this.#shelf.clear();
    this.#befores.clear();
    return true;
  }

  full(maxBytes: number): readonly Document[] {
    return this.#shelf.once(null, maxBytes, () => this.fullBut(null, maxBytes)) ?? [];
  }

  since({ shared }: Moment, maxBytes: number): readonly Document[] {
    return this.partial(shared, maxBytes) ?? this.full(maxBytes);
  }

  /** What leads from a revision to now; null when a full document must, or had better, say it. */
  partial(revision: number, maxBytes: number): readonly Document[] | null {
    return this.#shelf.once(revision, maxBytes, () => {
      const before = this.before(revision);
      return before && this.partialOf(before, this.changedUsers(before), maxBytes);
    });
  }

  /** What was otherwise at a revision; null when it is forgotten. */
  before(revision: number): Before | null {
    const known = this.#befores.get(revision);
    if (known !== undefined) return known;
    const before = this.#log.since(revision);
    this.#befores.set(revision, before);
    return before;
  }

  /** The users among what was otherwise. */
  changedUsers(before: Before): readonly WrittenUser[] {
    const changed: WrittenUser[] = [];
    for (const [entity, fragments] of before) {
      // A section of the document, not a user.
      if (typeof fragments === 'string') continue;
      const written = changeOf(entity, fragments, this.fragmentsOf(entity));
      if (written) changed.push(written);
    }
    return changed;
  }

  /** A partial document with these users and what else is no longer as it was `before`. */
  partialOf(before: Before, users: readonly WrittenUser[], maxBytes: number): readonly Document[] | null {
    let about = '';
    for (const [place, key] of sections.entries()) {
      const text = this.#about[place] ?? '';
      const known = before.get(key);
      if (known === undefined || known === text) continue;
      // No state can be given to it, so that only a full document takes it away.
      if (text === '') return null;
      about += text;
    }
    if (about === '' && users.length === 0) return [];
    // RFC 6446 5.5.1: what has gathered may be no smaller than the whole.
    const size = users.reduce((sum, user) => sum + utf8Length(user.text), utf8Length(about));
    if (size >= this.#size) return null;
    return this.#writer.documents('partial', { about, users, sidebars: '' }, maxBytes);
  }

  /** The whole state, with other fragments for some entities. */
  fullBut(own: ReadonlyMap<string, UserFragments> | null, maxBytes: number): readonly Document[] {
    this.#order ??= [...this.#users.keys()].sort(compare);
    const users: WrittenUser[] = [];
    for (const entity of this.#order) {
      const fragments = own?.get(entity) ?? this.#users.get(entity);
      if (fragments) users.push(fragments.whole);
    }
    return this.#writer.documents('full', { about: this.#about.join(''), users, sidebars: '' }, maxBytes);
  }

  unchanged(): Document {
    return this.#writer.unchanged();
  }

  deleted(): Document {
    return this.#writer.deleted();
  }

  #moment(): Moment {
    const { tags } = this.#basis;
    const { revision } = this.#log;
    return { shared: revision, own: 0, tag: tags === null ? null : `${tags}-${this.#view}-${revision}` };
  }

  #writeSection(place: 0 | 1 | 2, text: string): void {
    const before = this.#about[place];
    if (text === before) return;
    this.#log.note(sections[place], before);
    this.#size += utf8Length(text) - utf8Length(before);
    this.#about[place] = text;
  }

  /** All who are affected leave their entities before anybody takes one: an entity may pass from one person to another. */
  #writePersons(keys: Iterable<string>): void {
    const gone: string[] = [];
    const written = new Map<string, UserFragments>();
    for (const key of new Set(keys)) {
      gone.push(...(this.#entitiesOf.get(key) ?? []));
      this.#entitiesOf.delete(key);
      const users = this.#basis.roster.usersOf(key, this.#view);
      for (const user of users) written.set(user.entity, new UserFragments(user));
      const entities = users.map(({ entity }) => entity);
      if (entities.length > 0) this.#entitiesOf.set(key, entities);
    }
    for (const entity of gone) if (!written.has(entity)) this.#write(entity, null);
    for (const [entity, fragments] of written) this.#write(entity, fragments);
  }

  #write(entity: string, fragments: UserFragments | null): void {
    const before = this.fragmentsOf(entity);
    if (before === fragments || (before && fragments?.equals(before))) return;
    this.#log.note(entity, before);
    this.#size += (fragments?.size ?? 0) - (before?.size ?? 0);
    this.#present += Number(fragments?.takesPart ?? false) - Number(before?.takesPart ?? false);
    if (fragments) this.#users.set(entity, fragments);
    else this.#users.delete(entity);
    if (!before || !fragments) this.#order = null;
  }
}
