/** RFC 4575 4 and 5: full, partial and deleted documents as canonical text. Each is built once; only the version differs per subscription. */
import { escapeXml } from './xml-text.ts';

/** A document without its version: `head + version + tail` is the text. Shared by all subscriptions, so it may be encoded once. */
export interface Document {
  readonly state: 'full' | 'partial' | 'deleted';
  readonly head: string;
  readonly tail: string;
  /** UTF-8 length with the longest version. */
  readonly bytes: number;
}

/** Text of a document with its version (5.2: unsigned, 32 bit). */
export const withVersion = (document: Pick<Document, 'head' | 'tail'>, version: number): string =>
  `${document.head}${version}${document.tail}`;

/** What a document is made of: ready text of its parts. Null leaves a part out. */
export interface Parts {
  readonly description: string | null;
  readonly state: string | null;
  readonly users: readonly string[];
}

const namespace = 'urn:ietf:params:xml:ns:conference-info';
const longestVersion = 10;

const ascii = /^[\0-\x7f]*$/;

/** Length in UTF-8; a lone surrogate counts as the replacement character that it becomes. */
export function utf8Length(text: string): number {
  if (ascii.test(text)) return text.length;
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    const next = text.charCodeAt(index + 1);
    if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) index += 1;
  }
  return length;
}

function assemble(entity: string, state: Document['state'], content: string): Document {
  const head =
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<conference-info xmlns="${namespace}" entity="${escapeXml(entity)}" state="${state}" version="`;
  const tail = content === '' ? '"/>' : `">${content}</conference-info>`;
  return { state, head, tail, bytes: utf8Length(head) + longestVersion + utf8Length(tail) };
}

/** A full document: it says all there is. */
export const fullDocument = (entity: string, parts: Parts): Document =>
  assemble(entity, 'full', `${parts.description ?? ''}${parts.state ?? ''}<users>${parts.users.join('')}</users>`);

/** A partial document. `<users>` says so itself (4.4): without it a reader would drop everybody else. */
export function partialDocument(entity: string, parts: Parts): Document {
  const users = parts.users.length === 0 ? '' : `<users state="partial">${parts.users.join('')}</users>`;
  return assemble(entity, 'partial', `${parts.description ?? ''}${parts.state ?? ''}${users}`);
}

/** 4.6: the conference has ceased to exist. */
export const deletedDocument = (entity: string): Document => assemble(entity, 'deleted', '');

/** Users in groups, each with the text around it at most `maxBytes`; the first group has less room. A group holds at least one user. */
function grouped(users: readonly string[], room: number, laterRoom: number): string[][] {
  const groups: string[][] = [[]];
  let left = room;
  for (const user of users) {
    const size = utf8Length(user);
    const group = groups.at(-1) ?? [];
    if (size > left && (group.length > 0 || groups.length === 1)) {
      groups.push([user]);
      left = laterRoom - size;
    } else {
      group.push(user);
      left -= size;
    }
  }
  return groups;
}

/**
 * A document as one or several that are at most `maxBytes` each, to be sent one after another: what fits, then partial ones with the rest.
 * A single user who alone is larger gets a document of their own.
 */
export function documentsOf(
  entity: string,
  state: 'full' | 'partial',
  parts: Parts,
  maxBytes: number,
): readonly Document[] {
  const build = state === 'full' ? fullDocument : partialDocument;
  const whole = build(entity, parts);
  if (whole.bytes <= maxBytes || parts.users.length === 0) return [whole];
  const frame = partialDocument(entity, { description: null, state: null, users: [' '] }).bytes;
  const first = build(entity, { ...parts, users: [] }).bytes + frame - partialDocument(entity, nothing).bytes;
  const [opening = [], ...rest] = grouped(parts.users, maxBytes - first, maxBytes - frame);
  const later = rest.map((users) => partialDocument(entity, { ...nothing, users }));
  return [build(entity, { ...parts, users: opening }), ...later];
}

const nothing: Parts = { description: null, state: null, users: [] };
