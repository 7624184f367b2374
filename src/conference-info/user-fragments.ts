/** RFC 4575 4.4, 4.6: the text of a user in pieces that are kept, and the least that leads a reader from one state of the user to the next. */
import { takesPart } from './involvement.ts';
import type { User } from './user.ts';
import { deletedEndpointText, deletedUserText, endpointText, userHeadTexts } from './user-text.ts';
import { escapeXml } from './xml-text.ts';

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
        : `${this.opening}${this.head}${this.endpoints.join('')}</user>`;
    return this.#text;
  }

  /** The start tag; full is the default, which is not written. */
  get opening(): string {
    return `<user entity="${escapeXml(this.entity)}"${this.state === 'full' ? '' : ` state="${this.state}"`}>`;
  }
}

interface EndpointFragment {
  readonly entity: string;
  readonly text: string;
}

/** Text of one user as one kind of viewer sees them. Never changes; a changed user gets new ones. */
export class UserFragments {
  readonly entity: string;
  readonly head: readonly string[];
  readonly endpoints: readonly EndpointFragment[];
  /** UTF-16 units of all of it: near enough to tell which of two documents is the smaller. */
  readonly length: number;
  readonly takesPart: boolean;
  #whole: WrittenUser | null = null;

  constructor(user: User) {
    this.entity = user.entity;
    this.head = userHeadTexts(user);
    this.endpoints = user.endpoints.map((each) => ({ entity: each.entity, text: endpointText(each) }));
    let length = this.entity.length;
    for (const text of this.head) length += text.length;
    for (const { text } of this.endpoints) length += text.length;
    this.length = length;
    this.takesPart = takesPart(user);
  }

  /** The user with all that is in it. */
  get whole(): WrittenUser {
    this.#whole ??= new WrittenUser(
      this.entity,
      'full',
      this.head.join(''),
      this.endpoints.map(({ text }) => text),
    );
    return this.#whole;
  }

  /** Whether they say the same, in the same order. */
  equals(other: UserFragments): boolean {
    return (
      this.length === other.length &&
      this.endpoints.length === other.endpoints.length &&
      this.head.every((text, place) => text === other.head[place]) &&
      this.endpoints.every((each, place) => each.text === other.endpoints[place]?.text)
    );
  }
}

/** 4.6 step 3: only what differs. Null where that cannot be said: nothing takes an element away that has no state of its own. */
function difference(before: UserFragments, now: UserFragments): WrittenUser | null {
  if (before.head.some((text, place) => text !== '' && now.head[place] === '')) return null;
  const head = now.head.filter((text, place) => text !== before.head[place]).join('');
  const known = new Map(before.endpoints.map(({ entity, text }) => [entity, text]));
  const changed: string[] = [];
  for (const { entity, text } of now.endpoints) {
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
  const partial = difference(before, now);
  if (!partial) return now.whole;
  if (partial.head === '' && partial.endpoints.length === 0) return null;
  return partial.text.length < now.whole.text.length ? partial : now.whole;
}
