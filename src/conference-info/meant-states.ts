/**
 * RFC 4575 4.4: what the states in a partial document mean where it forgets to say. By the letter a list of users is full unless it says
 * otherwise, and takes the place of all who are known: one user would be left of the conference at each change. The examples of RFC 4575
 * 7.2 and RFC 4579 5.2 forget it as well, so the letter holds where nothing in the document speaks against it.
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

/** A list that says nothing of itself is not whole when it says so of each user, or holds fewer than the conference has. */
function isPart(users: XmlElement, userCount: number): boolean {
  if (users.attributes.has('state')) return false;
  const listed = users.children.filter(({ name }) => name === 'user');
  return listed.some((user) => user.attributes.has('state')) || listed.length < userCount;
}

function userCountOf(root: XmlElement): number {
  const state = root.children.find(({ name }) => name === 'conference-state');
  const count = Number(state?.children.find(({ name }) => name === 'user-count')?.text);
  return Number.isFinite(count) ? count : 0;
}

/** The root of a partial document with the states that were meant. */
export function meantStates(root: XmlElement): XmlElement {
  const fromLinphone = root.declares.includes(linphone);
  const userCount = userCountOf(root);
  const children = root.children.map((child) => {
    const meant = consistent(child);
    if (fromLinphone && partialAtLinphone.has(child.name)) return partial(meant);
    return child.name === 'users' && isPart(child, userCount) ? partial(meant) : meant;
  });
  return { ...root, children };
}
