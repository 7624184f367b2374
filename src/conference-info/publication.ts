/** A conference as it is published to one kind of viewer: text of every user, what changed when, and the documents made of it. */

import { ChangeLog } from './change-log.ts';
import { describe, entityOf, stateOf } from './conference.ts';
import { descriptionText, stateText } from './conference-text.ts';
import { type Document, deletedDocument, documentsOf } from './document.ts';
import type { LinkSettings } from './link.ts';
import type { Meeting } from './meeting.ts';
import { compare } from './person.ts';
import type { Affected, Roster } from './roster.ts';
import type { ChatPurposeSetting } from './service-uris.ts';
import type { View } from './user.ts';
import { deletedUserText, userText } from './user-text.ts';

// Entities are URIs, so these cannot be one.
const descriptionKey = '#description';
const stateKey = '#state';

/** Texts and documents for one view. `meeting` is live; changes are told by `update`. */
export class Publication {
  readonly #view: View;
  readonly #link: LinkSettings;
  readonly #meeting: Meeting;
  readonly #roster: Roster;
  readonly #chat: ChatPurposeSetting;
  readonly #entity: string;
  readonly #log: ChangeLog;
  readonly #texts = new Map<string, string>();
  readonly #entitiesOf = new Map<string, readonly string[]>();
  readonly #built = new Map<string, readonly Document[]>();
  #order: readonly string[] | null = null;
  #description = '';
  #state = '';
  #builds = 0;

  constructor(
    view: View,
    link: LinkSettings,
    meeting: Meeting,
    roster: Roster,
    chat: ChatPurposeSetting,
    memory: number,
  ) {
    this.#view = view;
    this.#link = link;
    this.#meeting = meeting;
    this.#roster = roster;
    this.#chat = chat;
    this.#entity = entityOf(link);
    this.#log = new ChangeLog(memory);
    this.update('everybody', true);
  }

  /** Number of the last change of what this view shows. */
  get revision(): number {
    return this.#log.revision;
  }

  /** Documents built so far. */
  get builds(): number {
    return this.#builds;
  }

  /** Writes anew who is affected, and what the conference is when `described`; true when anything that is shown changed. */
  update(affected: Affected, described: boolean): boolean {
    const before = this.#log.revision;
    const keys = affected === 'everybody' ? new Set([...this.#roster.persons(), ...this.#entitiesOf.keys()]) : affected;
    this.#writePersons([...keys]);
    const description = described
      ? descriptionText(describe(this.#link, this.#meeting, this.#chat))
      : this.#description;
    const state = stateText(stateOf(this.#meeting, this.#texts.size));
    if (description !== this.#description) this.#log.note(descriptionKey, this.#description);
    if (state !== this.#state) this.#log.note(stateKey, this.#state);
    this.#description = description;
    this.#state = state;
    if (this.#log.revision === before) return false;
    this.#built.clear();
    return true;
  }

  /** All who are affected leave their entities before anybody takes one: an entity may pass from one person to another. */
  #writePersons(keys: readonly string[]): void {
    const users = keys.flatMap((key) => {
      const seen = this.#roster.usersOf(key, this.#view);
      const gone = this.#entitiesOf.get(key) ?? [];
      if (seen.length === 0) this.#entitiesOf.delete(key);
      else
        this.#entitiesOf.set(
          key,
          seen.map((user) => user.entity),
        );
      return [{ seen, gone }];
    });
    const texts = new Map(users.flatMap(({ seen }) => seen.map((user) => [user.entity, userText(user)] as const)));
    for (const entity of users.flatMap(({ gone }) => gone)) if (!texts.has(entity)) this.#write(entity, null);
    for (const [entity, text] of texts) this.#write(entity, text);
  }

  #write(entity: string, text: string | null): void {
    const before = this.#texts.get(entity) ?? null;
    if (before === text) return;
    this.#log.note(entity, before);
    if (text === null) this.#texts.delete(entity);
    else this.#texts.set(entity, text);
    if (before === null || text === null) this.#order = null;
  }

  /** The whole state, in documents of at most `maxBytes`. */
  full(maxBytes: number): readonly Document[] {
    return this.#once(`full ${maxBytes}`, () => {
      this.#order ??= [...this.#texts.keys()].sort(compare);
      const users = this.#order.map((entity) => this.#texts.get(entity) ?? '');
      return documentsOf(this.#entity, 'full', { description: this.#description, state: this.#state, users }, maxBytes);
    });
  }

  /** What leads from revision `seen` to now: no documents when nothing does, full ones when it is not remembered. */
  since(seen: number, maxBytes: number): readonly Document[] {
    return this.#once(`${seen} ${maxBytes}`, () => {
      const changed = this.#log.since(seen);
      if (!changed) return this.full(maxBytes);
      const description = this.#differs(changed, descriptionKey, this.#description);
      const state = this.#differs(changed, stateKey, this.#state);
      const users = [...changed].flatMap(([key, before]) => (key.startsWith('#') ? [] : this.#userChange(key, before)));
      if (description === null && state === null && users.length === 0) return [];
      return documentsOf(this.#entity, 'partial', { description, state, users }, maxBytes);
    });
  }

  #differs(changed: ReadonlyMap<string, string | null>, key: string, now: string): string | null {
    return changed.has(key) && changed.get(key) !== now ? now : null;
  }

  #userChange(entity: string, before: string | null): readonly string[] {
    const now = this.#texts.get(entity) ?? null;
    if (now === before) return [];
    return [now ?? deletedUserText(entity)];
  }

  /** That the conference has ended. */
  deleted(): Document {
    return deletedDocument(this.#entity);
  }

  #once(key: string, build: () => readonly Document[]): readonly Document[] {
    const known = this.#built.get(key);
    if (known) return known;
    const made = build();
    // A full document that stands in for a forgotten change was counted when it was built.
    if (made.length > 0 && ![...this.#built.values()].includes(made)) this.#builds += 1;
    this.#built.set(key, made);
    return made;
  }
}
