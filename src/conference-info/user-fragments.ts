/** RFC 4575 4.4, 4.6: the text of a user in pieces that are kept, and the least that leads a reader from one state of the user to the next. */
import { takesPart } from './involvement.ts';
import type { User } from './user.ts';
import { deletedEndpointText, deletedUserText, endpointText, userHeadTexts } from './user-text.ts';
import { escapeXml, utf8Length } from './xml-text.ts';

/** A `<user>` element as a document has it; in pieces, so that it can be spread over several documents. */
export class WrittenUser {
  readonly entity: string;
  readonly state: 'full' | 'partial' | 'deleted';
  /** What stands before the endpoints. */
  readonly head: string;
  readonly endpoints: readonly string[];
  #text: string | null = null;

  constructor(entity: string, state: WrittenUser['state'], head: string, endpoints: readonly string[]) {
    this.entity = entity;
    this.state = state;
    this.head = head;
    this.endpoints = endpoints;
  }

  /** The element. */
  get text(): string {
    this.#text ??=
      this.state === 'deleted'
        ? deletedUserText(this.entity)
        : `${this.opening}${this.head}${together(this.endpoints)}</user>`;
    return this.#text;
  }

  /** The start tag; full is the default, which is not written. */
  get opening(): string {
    return `<user entity="${escapeXml(this.entity)}"${this.state === 'full' ? '' : ` state="${this.state}"`}>`;
  }
}

/** Quicker than joining: the text is made flat once, when it is sent. */
function together(texts: readonly string[]): string {
  let all = '';
  for (const text of texts) all += text;
  return all;
}

/** Text of one user as one kind of viewer sees them. Never changes; a changed user gets new ones. */
export class UserFragments {
  readonly entity: string;
  readonly head: readonly string[];
  /** Entities of the endpoints, and their texts, in the same order. */
  readonly endpointEntities: readonly string[];
  readonly endpoints: readonly string[];
  readonly takesPart: boolean;
  #size: number | null = null;

  constructor(user: User) {
    this.entity = user.entity;
    this.head = userHeadTexts(user);
    this.endpointEntities = user.endpoints.map(({ entity }) => entity);
    this.endpoints = user.endpoints.map(endpointText);
    this.takesPart = takesPart(user);
  }

  /**
   * Bytes of it, but for the tags of the user. For who keeps them: counting makes the texts flat, which as they are put together take
   * twice the room.
   */
  get size(): number {
    if (this.#size !== null) return this.#size;
    let size = utf8Length(this.entity);
    for (const text of this.head) size += utf8Length(text);
    for (const text of this.endpoints) size += utf8Length(text);
    this.#size = size;
    return size;
  }

  /** The user with all that is in it; made anew each time, because it takes as much room again. */
  get whole(): WrittenUser {
    return new WrittenUser(this.entity, 'full', together(this.head), this.endpoints);
  }

  /** Whether they say the same, in the same order. */
  equals(other: UserFragments): boolean {
    return (
      this.endpoints.length === other.endpoints.length &&
      this.endpoints.every((text, place) => text === other.endpoints[place]) &&
      this.head.every((text, place) => text === other.head[place])
    );
  }
}

/** 4.6 step 3: only what differs. Null where that cannot be said: nothing takes an element away that has no state of its own. */
function difference(before: UserFragments, now: UserFragments): WrittenUser | null {
  if (before.head.some((text, place) => text !== '' && now.head[place] === '')) return null;
  const head = now.head.filter((text, place) => text !== before.head[place]).join('');
  const known = new Map(before.endpointEntities.map((entity, place) => [entity, before.endpoints[place]]));
  const changed: string[] = [];
  for (const [place, entity] of now.endpointEntities.entries()) {
    const text = now.endpoints[place] ?? '';
    if (known.get(entity) !== text) changed.push(text);
    known.delete(entity);
  }
  const gone = [...known.keys()].map(deletedEndpointText);
  return new WrittenUser(now.entity, 'partial', head, [...gone, ...changed]);
}

/** What a partial document must say of a user; null when it is nothing. `before` and `now` null: there was, or is, no such user. */
export function changeOf(entity: string, before: UserFragments | null, now: UserFragments | null): WrittenUser | null {
  if (before === now) return null;
  if (!now) return new WrittenUser(entity, 'deleted', '', []);
  if (!before) return now.whole;
  const { whole } = now;
  const partial = difference(before, now);
  if (!partial) return whole;
  if (partial.head === '' && partial.endpoints.length === 0) return null;
  return partial.text.length < whole.text.length ? partial : whole;
}
