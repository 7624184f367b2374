/**
 * RFC 4575 4.4: what the states in a partial document mean where servers write what cannot be. The list of users is full unless it says
 * otherwise, and a full one takes the place of all that is known: read by the letter, a focus that forgets to say `partial` leaves one
 * user of the conference at each change.
 */
import type { XmlElement } from './xml-tree.ts';

/** Elements that may say how much of them there is (4.4), below the root; an `entry` where it is a sidebar. */
const stateful: ReadonlySet<string> = new Set([
  'users',
  'user',
  'endpoint',
  'sidebars-by-val',
  'sidebars-by-ref',
  'entry',
]);

/**
 * The focus of Linphone declares this namespace in every document. Its partial documents say `full` of a list that holds one user, and
 * always hold a description, of which they fill in what has changed.
 */
const linphone = 'linphone:xml:ns:conference-info-linphone-extension';
const partialAtLinphone: ReadonlySet<string> = new Set(['users', 'conference-description']);

const partial = (element: XmlElement): XmlElement => ({
  ...element,
  attributes: new Map([...element.attributes, ['state', 'partial']]),
});

const stateOf = (element: XmlElement): string => element.attributes.get('state')?.trim() || 'full';

/** What is full has full children only: one that has others is partial. */
function consistent(element: XmlElement): XmlElement {
  if (!stateful.has(element.name)) return element;
  const children = element.children.map(consistent);
  const partOfIt = children.some((child) => stateful.has(child.name) && stateOf(child) !== 'full');
  return partOfIt && stateOf(element) === 'full' ? partial({ ...element, children }) : { ...element, children };
}

/** The root of a partial document with the states that were meant. */
export function meantStates(root: XmlElement): XmlElement {
  const fromLinphone = root.declares.includes(linphone);
  const children = root.children.map((child) =>
    fromLinphone && partialAtLinphone.has(child.name) ? partial(child) : consistent(child),
  );
  return { ...root, children };
}
