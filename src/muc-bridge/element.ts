/** XML elements as plain data, how they are made and read, and the limits that a foreign one must keep. */

/** An element. The library's own elements have this form too. */
export interface XmlElement {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  readonly children: ReadonlyArray<XmlElement | string>;
}

type Content = XmlElement | string | null | undefined | false;

/** Makes an element; children that are null, undefined or false are left out. */
export const element = (
  name: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Content[]
): XmlElement => ({
  name,
  attrs,
  children: children.filter(
    (child): child is XmlElement | string => child !== null && child !== undefined && child !== false,
  ),
});

const isElement = (node: XmlElement | string): node is XmlElement => typeof node !== 'string';

/** Child elements; with a name only those, with a namespace only those that declare it. */
export const childrenOf = (parent: XmlElement, name?: string, xmlns?: string): readonly XmlElement[] =>
  parent.children.filter(
    (node): node is XmlElement =>
      isElement(node) &&
      (name === undefined || node.name === name) &&
      (xmlns === undefined || node.attrs.xmlns === xmlns),
  );

/** The first such child, or null. */
export const childOf = (parent: XmlElement | null | undefined, name: string, xmlns?: string): XmlElement | null =>
  parent ? (childrenOf(parent, name, xmlns)[0] ?? null) : null;

/** The character data directly inside an element. */
export const textOf = (parent: XmlElement): string =>
  parent.children.filter((node): node is string => typeof node === 'string').join('');

/** Text of a child, or null when there is no such child. */
export const childText = (parent: XmlElement | null | undefined, name: string, xmlns?: string): string | null => {
  const child = childOf(parent, name, xmlns);
  return child === null ? null : textOf(child);
};

/** What a foreign stanza may be at most: characters of names, attributes and text together, and nesting. */
export interface StanzaLimits {
  readonly characters: number;
  readonly depth: number;
}

/** Characters of an element without its child elements. */
function charactersOf(node: XmlElement): number {
  let sum = node.name.length;
  for (const [name, value] of Object.entries(node.attrs)) sum += name.length + (value?.length ?? 0);
  for (const child of node.children) if (!isElement(child)) sum += child.length;
  return sum;
}

/** True when a stanza keeps the limits. Goes level by level without recursion, so that a hostile one cannot exhaust the stack. */
export function withinLimits(stanza: XmlElement, limits: StanzaLimits): boolean {
  let level: readonly XmlElement[] = [stanza];
  let characters = 0;
  for (let depth = 1; level.length > 0; depth += 1) {
    for (const node of level) characters += charactersOf(node);
    if (depth > limits.depth || characters > limits.characters) return false;
    level = level.flatMap((node) => childrenOf(node));
  }
  return true;
}
