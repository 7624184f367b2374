/** RFC 4575 4.6: how a subscriber makes one coherent state of the full and partial documents it gets. Pure. */
import type { XmlElement } from './xml-tree.ts';

/** What a subscriber knows. */
export interface Coherent {
  readonly version: number;
  /** Root of the whole state, without `state` attributes; null when the conference has ceased to exist. */
  readonly root: XmlElement | null;
}

/** `discarded`: not newer. `refresh`: documents are missing, a full one must be asked for; what is known stays. */
export type Applied =
  | { readonly outcome: 'applied'; readonly state: Coherent }
  | { readonly outcome: 'discarded' | 'refresh'; readonly state: Coherent | null };

const stateOf = (element: XmlElement): string => element.attributes.get('state')?.trim() || 'full';

/** 4.5: the key of an element among its siblings of one name, as it is written. Empty: it has no key. */
function keyOf(element: XmlElement, parent: XmlElement): string {
  if (element.name === 'user' || element.name === 'endpoint') return element.attributes.get('entity') ?? '';
  if (element.name === 'media') return element.attributes.get('id') ?? '';
  if (element.name !== 'entry') return '';
  if (parent.name === 'sidebars-by-val') return element.attributes.get('entity') ?? '';
  if (parent.name !== 'sidebars-by-ref') return '';
  return element.children.find((child) => child.name === 'uri')?.text ?? '';
}

/** Attributes that tell of a document, and not of the conference. */
const said = ([name]: readonly [string, string]): boolean => name !== 'state' && name !== 'version';

/** An element as part of the whole: nothing that is deleted, and no word of states. */
function settled(element: XmlElement): XmlElement {
  const children = element.children.filter((child) => stateOf(child) !== 'deleted').map(settled);
  return { ...element, attributes: new Map([...element.attributes].filter(said)), children };
}

/** No name, key or namespace in XML holds a control character. */
const identity = (element: XmlElement, parent: XmlElement): string =>
  `${element.namespace}\u0000${element.name}\u0000${keyOf(element, parent)}`;

/** Elements by name and key. There is one of each, but for elements without a key, and where a server breaks 4.5. */
type Rows = Map<string, readonly XmlElement[]>;

function rowsOf(elements: readonly XmlElement[], parent: XmlElement): Rows {
  const rows = new Map<string, XmlElement[]>();
  for (const element of elements) {
    const key = identity(element, parent);
    const row = rows.get(key);
    if (row) row.push(element);
    else rows.set(key, [element]);
  }
  return rows;
}

/** One row after an update of it (steps 1 to 3): each element of the update in turn removes it, updates it or takes its place. */
function updatedRow(local: readonly XmlElement[], update: readonly XmlElement[]): readonly XmlElement[] {
  let replaced = false;
  let row = local;
  for (const element of update) {
    const state = stateOf(element);
    const [first, ...rest] = row;
    if (state === 'deleted') row = [];
    else if (state === 'partial' && first) row = [merged(first, element), ...rest];
    else row = replaced ? [...row, settled(element)] : [settled(element)];
    replaced = replaced || state === 'full';
  }
  return row;
}

/** Children of a local element after a partial update of it: those that it names in their places, new ones behind. */
function updatedChildren(local: XmlElement, update: XmlElement): readonly XmlElement[] {
  // A roster is long and a change is small: of all who are known, only those with a key of the change are looked at closely.
  const keys = new Set(update.children.map((child) => keyOf(child, update)));
  const named = rowsOf(update.children, update);
  const concerns = (child: XmlElement): boolean => keys.has(keyOf(child, local)) && named.has(identity(child, local));
  const known = rowsOf(local.children.filter(concerns), local);
  const updated = new Map([...named].map(([key, row]) => [key, updatedRow(known.get(key) ?? [], row)]));
  const children: XmlElement[] = [];
  for (const child of local.children) {
    if (!concerns(child)) {
      children.push(child);
      continue;
    }
    const key = identity(child, local);
    children.push(...(updated.get(key) ?? []));
    updated.delete(key);
  }
  return [...children, ...[...updated.values()].flat()];
}

/** Step 3: a local element with a partial update of it. What the update does not name stays. */
function merged(local: XmlElement, update: XmlElement): XmlElement {
  const attributes = new Map([...local.attributes, ...[...update.attributes].filter(said)]);
  return { ...local, attributes, text: update.text || local.text, children: updatedChildren(local, update) };
}

/** Takes a document in. `known` is null before the first; a partial document then asks for a refresh. */
export function applyDocument(known: Coherent | null, root: XmlElement, version: number): Applied {
  if (known && version <= known.version) return { outcome: 'discarded', state: known };
  const state = stateOf(root);
  if (state === 'deleted') return { outcome: 'applied', state: { version, root: null } };
  if (state !== 'partial') return { outcome: 'applied', state: { version, root: settled(root) } };
  if (!known?.root || version !== known.version + 1) return { outcome: 'refresh', state: known };
  return { outcome: 'applied', state: { version, root: merged(known.root, root) } };
}
