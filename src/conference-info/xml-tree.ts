/** XML of strangers as a plain tree, or a refusal: bounded in size, depth and number of elements; DOCTYPE is refused before parsing. */
import { Parser } from 'xml2js';

/** An element; names are local names, of the conference-info namespace unless `namespace` says otherwise. */
export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  /** Attributes without a namespace, by name. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Character data directly inside, untrimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Why a text was not read. */
export interface XmlRefusal {
  readonly refused: 'too-large' | 'too-deep' | 'doctype' | 'malformed' | 'not-conference-info' | 'invalid';
}

/** Limits in UTF-16 units and levels. */
export interface XmlLimits {
  readonly length: number;
  readonly depth: number;
}

export const defaultXmlLimits: XmlLimits = { length: 4_000_000, depth: 64 };

/** Markup that is not a tag: how it starts and ends. */
const opaqueMarkup: readonly (readonly [string, string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
];

/** Index after the `>` of the tag that starts at `start`, -1 when there is none; a `>` between quotes is none. */
function endOfTag(text: string, start: number): number {
  const mark = /[>"']/g;
  mark.lastIndex = start;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    if (found[0] === '>') return mark.lastIndex;
    const closing = text.indexOf(found[0], mark.lastIndex);
    if (closing < 0) return -1;
    mark.lastIndex = closing + 1;
  }
  return -1;
}

/** How many levels a tag goes down. */
function levels(text: string, start: number, end: number): number {
  if (text[start + 1] === '/') return -1;
  return text[end - 2] === '/' ? 0 : 1;
}

/** Looks at the markup once, without a parser: what is too deep must not reach one. Null when nothing is wrong. */
function precheck(text: string, depthLimit: number): XmlRefusal | null {
  let depth = 0;
  for (let start = text.indexOf('<'); start >= 0; ) {
    const opaque = opaqueMarkup.find(([open]) => text.startsWith(open, start));
    if (!opaque && text[start + 1] === '!') return { refused: 'doctype' };
    const found = opaque ? text.indexOf(opaque[1], start + opaque[0].length) + opaque[1].length : endOfTag(text, start);
    if (found <= start) return { refused: 'malformed' };
    if (!opaque) depth += levels(text, start, found);
    if (depth > depthLimit) return { refused: 'too-deep' };
    start = text.indexOf('<', found);
  }
  return null;
}

/** What xml2js makes of an element with the options below. */
interface Parsed {
  readonly $?: Readonly<Record<string, { readonly value: string; readonly local: string; readonly uri: string }>>;
  readonly $ns?: { readonly uri: string; readonly local: string };
  readonly _?: string;
  readonly $$?: readonly Parsed[];
}

function treeOf(parsed: Parsed): XmlElement {
  const attributes = Object.values(parsed.$ ?? {}).filter((each) => each.uri === '');
  return {
    name: parsed.$ns?.local ?? '',
    namespace: parsed.$ns?.uri ?? '',
    attributes: new Map(attributes.map((each) => [each.local, each.value])),
    text: parsed._ ?? '',
    children: (parsed.$$ ?? []).filter((child) => child.$ns !== undefined).map(treeOf),
  };
}

/** Reads a document into a tree. */
export function readXml(text: string, limits: XmlLimits = defaultXmlLimits): XmlElement | XmlRefusal {
  if (text.length > limits.length) return { refused: 'too-large' };
  const wrong = precheck(text, limits.depth);
  if (wrong) return wrong;
  const parser = new Parser({
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
