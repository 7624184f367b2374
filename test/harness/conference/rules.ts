/** RFC 4575 4 and 5: rules that hold for each document, and for the state that comes of them, beyond what a schema can say. */

import type { ConferenceView } from './view.ts';
import { childOf, childrenOf, conferenceNamespace, textOf, type XmlNode } from './xml.ts';

/** A rule that a document breaks; the section and the rule stand in the message. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
  /** The section of RFC 4575, or the name of a rule of this project. */
  readonly section: string;

  constructor(section: string, what: string) {
    super(`${/^\d/.test(section) ? 'RFC 4575 ' : ''}${section}: ${what}`);
    this.section = section;
  }
}

/** Which tokens `<service-uris>` must have for the chat room: RFC 7106's and the draft's, one of them, or whatever is there. */
export type ChatTokens = 'both' | 'grouptextchat' | 'groupstextchat' | 'any';

/** What a document is measured against. */
export interface Expectation {
  readonly entity: string | undefined;
  readonly chat: ChatTokens;
}

/** 4.4: the elements that partial notification is defined for. */
const partialElements: ReadonlySet<string> = new Set([
  'conference-info',
  'users',
  'user',
  'endpoint',
  'sidebars-by-ref',
  'sidebars-by-val',
]);
const uint32 = 2 ** 32 - 1;
/** 5.8.2: the media types registered for SDP. */
const mediaTypes: ReadonlySet<string> = new Set(['audio', 'video', 'text', 'application', 'message', 'image']);

/** The state of an element: "full" where nothing is said (4.4). */
export const stateAttribute = (node: XmlNode): string => node.attributes.get('state') ?? 'full';

function require(holds: boolean, section: string, what: string): void {
  if (!holds) throw new RuleBroken(section, what);
}

/** How an element is called in messages. */
const called = (node: XmlNode): string => {
  const key = node.attributes.get('entity') ?? node.attributes.get('id');
  return key === undefined ? `<${node.name}>` : `<${node.name}> ${key}`;
};

/** Throws `RuleBroken` for the first rule that a document by itself breaks. */
export function checkDocument(root: XmlNode, expected: Expectation): void {
  require(root.name === 'conference-info' && root.namespace === conferenceNamespace, '4.2', `root ${called(root)}`);
  const entity = root.attributes.get('entity') ?? '';
  require(entity !== '', '5.2', 'the conference has no entity');
  const { entity: wanted } = expected;
  require(wanted === undefined || wanted === entity, '5.2', `entity ${entity} instead of ${wanted}`);
  const version = root.attributes.get('version') ?? '';
  require(/^\d{1,10}$/.test(version) && Number(version) <= uint32, '4.3', `version "${version}"`);
  checkStates(root, null);
  checkTexts(root);
  if (stateAttribute(root) === 'full') checkFull(root);
  if (stateAttribute(root) === 'partial') checkPartial(root);
  checkServices(childOf(root, 'conference-description'), expected.chat);
  for (const user of childrenOf(childOf(root, 'users'), 'user')) checkUser(user);
}

/** 4.4: states that agree with the parent's, deleted elements without children, no state where none is defined. */
function checkStates(node: XmlNode, parent: XmlNode | null): void {
  const state = stateAttribute(node);
  require(['full', 'partial', 'deleted'].includes(state), '4.4', `state "${state}" of ${called(node)}`);
  const sidebar = node.name === 'entry' && parent?.name === 'sidebars-by-val';
  require(state === 'full' ||
    sidebar ||
    partialElements.has(node.name), '4.4', `${called(node)} cannot be in state "${state}"`);
  const inFull = parent !== null && stateAttribute(parent) === 'full';
  require(!inFull || state === 'full', '4.4', `${called(node)} is ${state} in a full ${called(parent ?? node)}`);
  require(state !== 'deleted' || node.children.length === 0, '4.4', `deleted ${called(node)} has children`);
  for (const child of node.children) if (child.namespace === conferenceNamespace) checkStates(child, node);
}

/** No control characters: they hide what a line says. White space around a text may be layout. */
function checkTexts(node: XmlNode): void {
  for (const [name, value] of node.attributes) {
    require(!/\p{Cc}/u.test(value), 'no control characters', `attribute ${name} of ${called(node)}`);
  }
  if (node.children.length === 0 && node.name !== 'free-text') {
    require(!/\p{Cc}/u.test(node.text.trim()), 'no control characters', `text of ${called(node)}`);
  }
  for (const child of node.children) checkTexts(child);
}

/** 5.7.4: statuses of who is not in the conference yet, or any more. */
const absent: ReadonlySet<string> = new Set(['pending', 'dialing-out', 'dialing-in', 'alerting', 'disconnected']);

/** Somebody with a way in that stands, or of whose ways in nothing is said. */
function isPresent(user: XmlNode): boolean {
  const endpoints = childrenOf(user, 'endpoint');
  return endpoints.length === 0 || endpoints.some((endpoint) => !absent.has(textOf(endpoint, 'status') ?? ''));
}

/** 5.2: a full document has a description and users. */
function checkFull(root: XmlNode): void {
  for (const part of ['conference-description', 'users']) {
    require(childOf(root, part) !== undefined, '5.2', `a full document without <${part}>`);
  }
  const count = Number(textOf(childOf(root, 'conference-state'), 'user-count') ?? uint32);
  const users = childrenOf(childOf(root, 'users'), 'user').filter(isPresent).length;
  require(count >= users, '5.5.1', `user-count ${count} and ${users} users`);
}

/** The silent default would empty the reader's roster, so a partial document says what its `<users>` are. */
function checkPartial(root: XmlNode): void {
  const users = childOf(root, 'users');
  require(!users || users.attributes.has('state'), '4.4', '<users> of a partial document does not say its state');
}

function uriEntries(list: XmlNode | undefined): readonly string[] {
  return childrenOf(list, 'entry').map((entry) => entry.children.find((each) => each.name === 'uri')?.text ?? '');
}

/** 5.3.1, 5.3.2: each URI once in the conference; and the chat room under the tokens it must have, one room under all of them. */
function checkServices(description: XmlNode | undefined, chat: ChatTokens): void {
  if (!description) return;
  const services = childOf(description, 'service-uris');
  checkKeys('5.3.2', 'URI', [...uriEntries(childOf(description, 'conf-uris')), ...uriEntries(services)]);
  const rooms = new Map<string, string>();
  for (const entry of childrenOf(services, 'entry')) {
    const purpose = textOf(entry, 'purpose') ?? '';
    const uri = textOf(entry, 'uri') ?? '';
    if (!/^groups?textchat$/.test(purpose)) continue;
    require(!rooms.has(purpose), 'service-uris', `two entries for ${purpose}`);
    const parts = /^xmpp:([^/?#@]+@[^/?#@]+)(\?join)?$/.exec(uri);
    require(parts !== null, 'service-uris', `${uri} is no room's address`);
    require((parts?.[2] === undefined) === (purpose === 'grouptextchat'), 'service-uris', `${purpose} is ${uri}`);
    rooms.set(purpose, parts?.[1] ?? '');
  }
  require(new Set(rooms.values()).size <= 1, 'service-uris', 'the tokens name different rooms');
  if (chat === 'any') return;
  const wanted = chat === 'both' ? ['grouptextchat', 'groupstextchat'] : [chat];
  const found = [...rooms.keys()].sort();
  require(found.join() === wanted.sort().join(), 'service-uris', `tokens ${found.join(', ') || '(none)'}`);
}

/** 4.5: keys are there, are compared as written, and are different. */
function checkKeys(section: string, what: string, keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    require(key !== '' && key.trim() === key, '4.5', `${what} "${key}"`);
    require(!seen.has(key), section, `${what} ${key} twice`);
    seen.add(key);
  }
}

const attributesOf = (nodes: readonly XmlNode[], name: string): readonly string[] =>
  nodes.map((node) => node.attributes.get(name) ?? '');

function checkUser(user: XmlNode): void {
  const entity = user.attributes.get('entity') ?? '';
  require(/^[a-zA-Z][a-zA-Z0-9+.-]*:./.test(entity), '5.6', `entity "${entity}" is no URI`);
  checkKeys('5.6.2', 'associated AOR', uriEntries(childOf(user, 'associated-aors')));
  for (const endpoint of childrenOf(user, 'endpoint')) checkEndpoint(endpoint);
}

/** 5.7, 5.8: types of media, times in UTC, and that who is muted is not said to send. */
function checkEndpoint(endpoint: XmlNode): void {
  const media = childrenOf(endpoint, 'media');
  const muted = textOf(endpoint, 'status') === 'muted-via-focus';
  for (const medium of media) {
    const type = textOf(medium, 'type');
    const status = textOf(medium, 'status') ?? '';
    require(type === undefined || mediaTypes.has(type), '5.8.2', `media type "${type}"`);
    const sends = status === 'sendrecv' || status === 'sendonly';
    require(!(muted && type === 'audio' && sends), '5.8.5', `muted ${called(endpoint)} is ${status}`);
  }
  for (const name of ['referred', 'joining-info', 'disconnection-info']) {
    const when = textOf(childOf(endpoint, name), 'when');
    require(when === undefined || /(?:Z|[+-]00:00)$/.test(when), '5.7.2', `${name} at ${when}, which is not UTC`);
  }
}

/** Throws `RuleBroken` for the first rule that the coherent state breaks: keys that are not unique, labels that no medium has. */
export function checkState(root: XmlNode): void {
  const users = childrenOf(childOf(root, 'users'), 'user');
  checkKeys('5.6', 'user', attributesOf(users, 'entity'));
  const available = childOf(childOf(root, 'conference-description'), 'available-media');
  const labels = new Set(attributesOf(childrenOf(available, 'entry'), 'label'));
  for (const endpoints of users.map((user) => childrenOf(user, 'endpoint'))) {
    checkKeys('5.7', 'endpoint', attributesOf(endpoints, 'entity'));
    for (const endpoint of endpoints) {
      const media = childrenOf(endpoint, 'media');
      checkKeys('5.8', 'media', attributesOf(media, 'id'));
      for (const label of media.map((medium) => textOf(medium, 'label'))) {
        require(!available || label === undefined || labels.has(label), '5.8.3', `label "${label}" is not available`);
      }
    }
  }
}

/**
 * 5.5.1: whether the number given is that of the users shown. The RFC lets it be higher, and while a change is spread over several
 * documents it may differ for a moment; where nobody is hidden it comes to agree.
 */
export const countsAgree = (view: ConferenceView): boolean =>
  view.userCount === undefined || view.userCount === view.users.length;
