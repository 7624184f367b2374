/** XML 1.0 with namespaces as the tests read it: strict, without DTDs, and written apart from the product's own reader. */

/** An element, with its namespace resolved. */
export interface XmlNode {
  readonly name: string;
  readonly namespace: string;
  /** Attributes without a prefix, by name; prefixed ones as `{namespace}name`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlNode[];
  /** Character data directly inside, as written. */
  readonly text: string;
}

interface Open {
  readonly qualified: string;
  readonly name: string;
  readonly namespace: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly scope: ReadonlyMap<string, string>;
  readonly children: XmlNode[];
  text: string;
}

const name = '[\\p{L}_:][\\p{L}\\p{N}\\p{M}._:\\-·]*';
const startTag = new RegExp(`<(${name})((?:\\s+${name}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`, 'uy');
const endTag = new RegExp(`</(${name})\\s*>`, 'uy');
const attribute = new RegExp(`(${name})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'gu');
const processing = /<\?[^?]*(?:\?(?!>)[^?]*)*\?>/uy;
const comment = /<!--(?:(?!--)[\s\S])*-->/uy;
const characterData = /<!\[CDATA\[([\s\S]*?)\]\]>/uy;
const plain = /[^<]+/uy;
/** What XML 1.0 2.2 does not admit, not even as a reference. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u;
const predefined: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';

const fail = (what: string): never => {
  throw new Error(`not well-formed XML: ${what}`);
};

function resolved(text: string): string {
  const whole = text.replaceAll(/&([^;&]*)(;?)/g, (_all, reference: string, end: string) => {
    if (end === '') return fail('"&" that begins no reference');
    const digits = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(reference);
    if (!digits) return predefined[reference] ?? fail(`unknown entity &${reference};`);
    const code = Number.parseInt(digits[1] ?? digits[2] ?? '', digits[1] === undefined ? 10 : 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : fail(`no such character: &${reference};`);
  });
  const wrong = forbidden.exec(whole);
  return wrong ? fail(`character U+${wrong[0].codePointAt(0)?.toString(16).padStart(4, '0')}`) : whole;
}

const namespaceOf = (prefix: string, scope: ReadonlyMap<string, string>): string =>
  scope.get(prefix) ?? (prefix === '' ? '' : fail(`prefix "${prefix}" is not declared`));

function split(qualified: string): readonly [string, string] {
  const [first = '', second, ...more] = qualified.split(':');
  if (more.length > 0 || second === '' || first === '') return fail(`name ${qualified}`);
  return second === undefined ? ['', first] : [first, second];
}

function opened(qualified: string, source: string, outer: ReadonlyMap<string, string>): Open {
  const scope = new Map(outer);
  const written = new Map<string, string>();
  for (const [, key = '', double, single] of source.matchAll(attribute)) {
    // 3.3.3: white space in an attribute is a space, unless it was written as a reference
    const value = resolved((double ?? single ?? '').replaceAll(/[\t\n\r]/g, ' '));
    if (written.has(key)) fail(`attribute ${key} twice`);
    written.set(key, value);
    if (key === 'xmlns') scope.set('', value);
    else if (key.startsWith('xmlns:')) scope.set(key.slice(6), value);
  }
  const attributes = new Map<string, string>();
  for (const [key, value] of written) {
    if (key === 'xmlns' || key.startsWith('xmlns:')) continue;
    const [prefix, local] = split(key);
    const expanded = prefix === '' ? local : `{${namespaceOf(prefix, scope)}}${local}`;
    if (attributes.has(expanded)) fail(`attribute ${expanded} twice`);
    attributes.set(expanded, value);
  }
  const [prefix, local] = split(qualified);
  return {
    qualified,
    name: local,
    namespace: namespaceOf(prefix, scope),
    attributes,
    scope,
    children: [],
    text: '',
  };
}

/** Reads a document. Throws an Error that says what is not well-formed; a DOCTYPE is refused. */
export function parseXml(document: string): XmlNode {
  const source = document.replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n');
  const stack: Open[] = [];
  let root: XmlNode | null = null;
  let at = 0;

  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const characters = (text: string): void => {
    const inside = stack.at(-1);
    if (inside) inside.text += text;
    else if (text.trim() !== '') fail('text outside the root element');
  };
  const closed = (element: Open): void => {
    const { name: local, namespace, attributes, children, text } = element;
    const node = { name: local, namespace, attributes, children, text };
    const parent = stack.at(-1);
    if (parent) parent.children.push(node);
    else root = node;
  };

  while (at < source.length) {
    const text = next(plain);
    if (text) {
      if (text[0].includes(']]>')) fail('"]]>" in text');
      characters(resolved(text[0]));
      continue;
    }
    if (next(comment) || next(processing)) continue;
    const literal = next(characterData);
    if (literal) {
      const raw = literal[1] ?? '';
      if (forbidden.test(raw)) fail('a character in CDATA');
      if (stack.length === 0) fail('CDATA outside the root element');
      characters(raw);
      continue;
    }
    const end = next(endTag);
    if (end) {
      const element = stack.pop();
      if (!element || element.qualified !== end[1])
        return fail(`</${end[1]}> closes ${element?.qualified ?? 'nothing'}`);
      closed(element);
      continue;
    }
    const start = next(startTag) ?? fail(`markup at ${JSON.stringify(source.slice(at, at + 40))}`);
    if (root !== null) fail('a second root element');
    const scope = stack.at(-1)?.scope ?? new Map([['xml', xmlNamespace]]);
    const element = opened(start[1] ?? '', start[2] ?? '', scope);
    if (start[3] === '/') closed(element);
    else stack.push(element);
  }
  if (stack.length > 0) fail(`<${stack.at(-1)?.qualified}> is never closed`);
  return root ?? fail('no element');
}

/** The namespace of RFC 4575 documents. */
export const conferenceNamespace = 'urn:ietf:params:xml:ns:conference-info';

/** The children with a name, in the conference-info namespace. */
export const childrenOf = (node: XmlNode | undefined, wanted: string): readonly XmlNode[] =>
  node?.children.filter((child) => child.name === wanted && child.namespace === conferenceNamespace) ?? [];

/** The only child with a name, or undefined. */
export const childOf = (node: XmlNode | undefined, wanted: string): XmlNode | undefined => childrenOf(node, wanted)[0];

/** The text of a child without white space around it; undefined when there is no such child. */
export const textOf = (node: XmlNode | undefined, wanted: string): string | undefined =>
  childOf(node, wanted)?.text.trim();
