/**
 * XML of strangers as a plain tree, or a refusal. What could cost more than time in proportion to the text is refused before a parser
 * sees it: DOCTYPE, depth, too many elements or attributes (the parser compares each attribute of an element with all before it).
 */
import { Parser } from 'xml2js';

/** An element; names are local names, of the conference-info namespace unless `namespace` says otherwise. */
export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  /** Attributes without a namespace, by name. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The namespaces that this element declares, with or without a prefix. */
  readonly declares: readonly string[];
  /** Character data directly inside, untrimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Why a text was not read. */
export interface XmlRefusal {
  readonly refused: 'too-large' | 'too-deep' | 'too-many' | 'doctype' | 'malformed' | 'not-conference-info' | 'invalid';
}

/** What a text may have at most. */
export interface XmlLimits {
  /** UTF-16 units. */
  readonly length: number;
  /** Levels. */
  readonly depth: number;
  readonly elements: number;
  /** In the whole text. */
  readonly attributes: number;
  /** Of one element. */
  readonly attributesOfOne: number;
}

/** Room for a conference of 5,000 people with every element of the RFC. */
export const defaultXmlLimits: XmlLimits = {
  ...{ length: 4_000_000, depth: 64, elements: 150_000, attributes: 150_000, attributesOfOne: 200 },
};

/** Markup that is not a tag: how it starts and ends. */
const opaqueMarkup: readonly (readonly [string, string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
];

/** A tag: the index after its `>`, and how many values between quotes it has. */
interface Tag {
  readonly end: number;
  readonly values: number;
}

/** The tag that starts at `start`, or null when it does not end; a `>` between quotes ends none. */
function tagAt(text: string, start: number): Tag | null {
  const mark = /[>"']/g;
  mark.lastIndex = start;
  let values = 0;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    if (found[0] === '>') return { end: mark.lastIndex, values };
    const closing = text.indexOf(found[0], mark.lastIndex);
    if (closing < 0) return null;
    values += 1;
    mark.lastIndex = closing + 1;
  }
  return null;
}

/** Counts the tags of a text as they come. */
class Census {
  readonly #limits: XmlLimits;
  #depth = 0;
  #elements = 0;
  #attributes = 0;

  constructor(limits: XmlLimits) {
    this.#limits = limits;
  }

  /** Null: within the limits. */
  take(text: string, start: number, tag: Tag): XmlRefusal | null {
    const closing = text[start + 1] === '/';
    if (closing) this.#depth -= 1;
    else {
      this.#elements += 1;
      if (text[tag.end - 2] !== '/') this.#depth += 1;
    }
    this.#attributes += tag.values;
    const { depth, elements, attributes, attributesOfOne } = this.#limits;
    if (this.#depth > depth) return { refused: 'too-deep' };
    const tooMany = this.#elements > elements || this.#attributes > attributes || tag.values > attributesOfOne;
    return tooMany ? { refused: 'too-many' } : null;
  }
}

/** Index after the markup at `start` that is no tag; 0 when it does not end, null when it is a tag after all. */
function endOfOpaque(text: string, start: number): number | null {
  const opaque = opaqueMarkup.find(([open]) => text.startsWith(open, start));
  if (!opaque) return null;
  const [open, close] = opaque;
  const found = text.indexOf(close, start + open.length);
  return found < 0 ? 0 : found + close.length;
}

/** Index after the markup at `start`, or what is wrong with it. */
function endOfMarkup(text: string, start: number, census: Census): number | XmlRefusal {
  const opaque = endOfOpaque(text, start);
  if (opaque !== null) return opaque === 0 ? { refused: 'malformed' } : opaque;
  if (text[start + 1] === '!') return { refused: 'doctype' };
  const tag = tagAt(text, start);
  return tag === null ? { refused: 'malformed' } : (census.take(text, start, tag) ?? tag.end);
}

/** Looks at the markup once, without a parser. Null when nothing is wrong. */
function precheck(text: string, limits: XmlLimits): XmlRefusal | null {
  const census = new Census(limits);
  for (let start = text.indexOf('<'); start >= 0; ) {
    const end = endOfMarkup(text, start, census);
    if (typeof end !== 'number') return end;
    start = text.indexOf('<', end);
  }
  return null;
}

/** Where xml2js puts things: names that no element can have. */
const keys = { attrkey: '#attributes', charkey: '#text', childkey: '#children' } as const;
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

/** What xml2js makes of an element with the options below. */
interface Parsed {
  readonly '#attributes'?: Readonly<
    Record<string, { readonly value: string; readonly local: string; readonly uri: string }>
  >;
  readonly '#attributesns'?: { readonly uri: unknown; readonly local: string };
  readonly '#text'?: string;
  readonly '#children'?: readonly Parsed[];
}

const nothing: readonly string[] = [];

/** The parser looks prefixes up in an object, and `constructor` is in every object. */
const namespaceOf = (uri: unknown): string => (typeof uri === 'string' ? uri : 'unbound');

function treeOf(parsed: Parsed): XmlElement {
  const all = Object.values(parsed['#attributes'] ?? {});
  const declared = all.filter((each) => each.uri === xmlnsNamespace);
  return {
    name: parsed['#attributesns']?.local ?? '',
    namespace: namespaceOf(parsed['#attributesns']?.uri),
    attributes: new Map(all.filter((each) => each.uri === '').map((each) => [each.local, each.value])),
    declares: declared.length === 0 ? nothing : declared.map((each) => each.value),
    text: parsed['#text'] ?? '',
    children: (parsed['#children'] ?? []).map(treeOf),
  };
}

/** Reads a document into a tree. */
export function readXml(text: string, limits: XmlLimits = defaultXmlLimits): XmlElement | XmlRefusal {
  if (text.length > limits.length) return { refused: 'too-large' };
  const wrong = precheck(text, limits);
  if (wrong) return wrong;
  const parser = new Parser({
    ...keys,
    xmlns: true,
    explicitRoot: false,
    explicitChildren: true,
    preserveChildrenOrder: true,
    strict: true,
    async: false,
  });
  let tree: XmlElement | XmlRefusal = { refused: 'malformed' };
  try {
    parser.parseString(text, (error: Error | null, parsed: Parsed | null) => {
      if (!error && parsed) tree = treeOf(parsed);
    });
  } catch {
    return { refused: 'malformed' };
  }
  return tree;
}
