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

const stateOf = (element: XmlElement): string => element.attributes.get('state')?.trim() ?? 'full';

/** 4.5: the key of an element among its siblings of one name. Null: it has no key, there is one of it. */
function keyOf(element: XmlElement, parent: XmlElement): string | null {
  if (element.name === 'user' || element.name === 'endpoint') return element.attributes.get('entity') ?? '';
  if (element.name === 'media') return element.attributes.get('id') ?? '';
  if (element.name !== 'entry') return null;
  if (parent.name === 'sidebars-by-val') return element.attributes.get('entity') ?? '';
  if (parent.name !== 'sidebars-by-ref') return null;
  return element.children.find((child) => child.name === 'uri')?.text.trim() ?? '';
}

function settled(element: XmlElement): XmlElement {
  const attributes = new Map([...element.attributes].filter(([name]) => name !== 'state' && name !== 'version'));
  const children = element.children.filter((child) => stateOf(child) !== 'deleted').map(settled);
  return { ...element, attributes, children };
}

const identity = (element: XmlElement, parent: XmlElement): string =>
  JSON.stringify([element.namespace, element.name, keyOf(element, parent)]);

/** Step 3: each child of the update replaces, removes or updates the local one of the same name and key. */
function merged(local: XmlElement, update: XmlElement): XmlElement {
  const children = new Map(local.children.map((child, place) => [`${identity(child, local)}`, { child, place }]));
  for (const child of update.children) {
    const key = identity(child, update);
    const known = children.get(key);
    const place = known?.place ?? children.size + local.children.length;
    if (stateOf(child) === 'deleted') children.delete(key);
    else if (known && stateOf(child) === 'partial') children.set(key, { child: merged(known.child, child), place });
    else children.set(key, { child: settled(child), place });
  }
  return { ...local, text: update.text || local.text, children: [...children.values()].map(({ child }) => child) };
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
