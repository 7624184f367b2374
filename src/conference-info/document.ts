/** RFC 4575 4 and 5: full, partial and deleted documents as canonical text. Each is built once; only the version differs per subscription. */
import { Packing } from './packing.ts';
import type { WrittenUser } from './user-fragments.ts';
import { escapeXml, utf8Length } from './xml-text.ts';

/** A document without its version: `head + version + tail` is the text. Shared by all subscriptions, so it may be encoded once. */
export interface Document {
  readonly state: 'full' | 'partial' | 'deleted';
  readonly head: string;
  readonly tail: string;
}

/** Text of a document with its version (5.2: unsigned, 32 bit). */
export const withVersion = (document: Pick<Document, 'head' | 'tail'>, version: number): string =>
  `${document.head}${version}${document.tail}`;

/** What a document is made of: ready text of its parts, in the order of the schema. Empty leaves a part out. */
export interface Parts {
  /** Description, host and state. */
  readonly about: string;
  readonly users: readonly WrittenUser[];
  readonly sidebars: string;
}

const nothing: Parts = { about: '', users: [], sidebars: '' };
const namespace = 'urn:ietf:params:xml:ns:conference-info';
const longestVersion = 10;

/** UTF-8 length with the longest version. */
export const sizeOf = ({ head, tail }: Document): number => utf8Length(head) + longestVersion + utf8Length(tail);

/** No UTF-16 unit takes more than three bytes, so most documents need not be counted. */
const fits = (document: Document, maxBytes: number): boolean =>
  3 * (document.head.length + document.tail.length) + longestVersion <= maxBytes || sizeOf(document) <= maxBytes;

/** Writes the documents of one conference. */
export class DocumentWriter {
  readonly #heads: Readonly<Record<Document['state'], string>>;
  #omitted = 0;

  constructor(entity: string) {
    const start = `<?xml version="1.0" encoding="UTF-8"?><conference-info xmlns="${namespace}" entity="${escapeXml(entity)}" state="`;
    const head = (state: Document['state']): string => `${start}${state}" version="`;
    this.#heads = { full: head('full'), partial: head('partial'), deleted: head('deleted') };
  }

  /** Users and endpoints that were left out so far because one alone is larger than a document may be. */
  get omitted(): number {
    return this.#omitted;
  }

  /** A full document: it says all there is. */
  full({ about, users, sidebars }: Parts): Document {
    return this.#made('full', about, `<users>${joined(users)}</users>${sidebars}`);
  }

  /** A partial document. `<users>` says so itself (4.4): without it a reader would drop everybody else. */
  partial({ about, users, sidebars }: Parts): Document {
    const list = users.length === 0 ? '' : `<users state="partial">${joined(users)}</users>`;
    return this.#made('partial', about, list + sidebars);
  }

  /** A partial document that only takes the version on. */
  unchanged(): Document {
    return this.partial(nothing);
  }

  /** 4.6: the conference has ceased to exist. */
  deleted(): Document {
    return this.#made('deleted', '', '');
  }

  /**
   * A document as one or several that are at most `maxBytes` each, to be sent one after another: what fits, then partial ones with the
   * rest. Users who are too large for a document are spread over several.
   */
  documents(state: 'full' | 'partial', parts: Parts, maxBytes: number): readonly Document[] {
    const write = (each: Parts): Document => (state === 'full' ? this.full(each) : this.partial(each));
    const whole = write(parts);
    if (fits(whole, maxBytes) || parts.users.length === 0) return [whole];
    const frame = sizeOf(this.unchanged()) + listTags;
    const first = sizeOf(write({ ...parts, users: [] })) + listTags;
    const packing = new Packing(maxBytes - first, maxBytes - frame);
    for (const user of parts.users) packing.add(user);
    this.#omitted += packing.omitted;
    const [opening = [], ...rest] = packing.groups;
    return [write({ ...parts, users: opening }), ...rest.map((users) => this.partial({ ...nothing, users }))];
  }

  #made(state: Document['state'], about: string, rest: string): Document {
    const tail = about === '' && rest === '' ? '"/>' : `">${about}${rest}</conference-info>`;
    return { state, head: this.#heads[state], tail };
  }
}

/** The tags around users, and those of a document that is no longer empty. */
const listTags = '<users state="partial"></users></conference-info>'.length;

function joined(users: readonly WrittenUser[]): string {
  let text = '';
  for (const user of users) text += user.text;
  return text;
}
