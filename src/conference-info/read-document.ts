/** RFC 4575 5: reads a conference document that anybody may have written: tolerant in what it says, strict in safety. */
import { type Applied, applyDocument, type Coherent } from './coherent-state.ts';
import type { UriEntry } from './service-uris.ts';
import { defaultXmlLimits, readXml, type XmlElement, type XmlLimits, type XmlRefusal } from './xml-tree.ts';

/** A document as read. */
export interface ReadDocument {
  readonly entity: string;
  readonly version: number;
  readonly state: 'full' | 'partial' | 'deleted';
  readonly root: XmlElement;
}

/** A medium as read; null where the document says nothing. */
export interface ReadMedium {
  readonly id: string;
  readonly type: string | null;
  readonly label: string | null;
  readonly status: string | null;
}

/** An endpoint as read. */
export interface ReadEndpoint {
  readonly entity: string;
  readonly displayText: string | null;
  readonly status: string | null;
  readonly joiningMethod: string | null;
  readonly joinedAt: string | null;
  readonly media: readonly ReadMedium[];
}

/** A user as read. */
export interface ReadUser {
  readonly entity: string;
  readonly displayText: string | null;
  readonly associatedAors: readonly string[];
  readonly roles: readonly string[];
  readonly endpoints: readonly ReadEndpoint[];
}

/** A conference as a subscriber knows it. */
export interface ReadConference {
  readonly entity: string;
  readonly displayText: string | null;
  readonly subject: string | null;
  readonly confUris: readonly UriEntry[];
  readonly serviceUris: readonly UriEntry[];
  readonly maximumUserCount: number | null;
  readonly userCount: number | null;
  readonly active: boolean | null;
  readonly locked: boolean | null;
  readonly users: readonly ReadUser[];
}

const namespace = 'urn:ietf:params:xml:ns:conference-info';
const states = ['full', 'partial', 'deleted'] as const;
const largestVersion = 2 ** 32 - 1;

/** Reads a document, or says why not. A missing version counts as 0 (4.3 demands one; some servers leave it out). */
export function readDocument(text: string, limits: XmlLimits = defaultXmlLimits): ReadDocument | XmlRefusal {
  const root = readXml(text, limits);
  if ('refused' in root) return root;
  if (root.name !== 'conference-info' || root.namespace !== namespace) return { refused: 'not-conference-info' };
  const entity = root.attributes.get('entity')?.trim();
  const written = root.attributes.get('version')?.trim() ?? '0';
  const state = states.find((each) => each === (root.attributes.get('state')?.trim() ?? 'full'));
  if (!entity || !state || !/^\d{1,10}$/.test(written) || Number(written) > largestVersion)
    return { refused: 'invalid' };
  return { entity, version: Number(written), state, root };
}

/** Takes a document into what is known (4.6). */
export const takeDocument = (known: Coherent | null, document: ReadDocument): Applied =>
  applyDocument(known, document.root, document.version);

const ours = (element: XmlElement | null, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name && child.namespace === namespace) ?? [];

const one = (element: XmlElement | null, name: string): XmlElement | null => ours(element, name)[0] ?? null;
const textOf = (element: XmlElement | null, name: string): string | null => one(element, name)?.text.trim() ?? null;

function numberOf(text: string | null): number | null {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function booleanOf(text: string | null): boolean | null {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : null;
}

const urisOf = (parent: XmlElement | null, name: string): readonly UriEntry[] =>
  ours(one(parent, name), 'entry').map((entry) => ({
    uri: textOf(entry, 'uri') ?? '',
    displayText: textOf(entry, 'display-text'),
    purpose: textOf(entry, 'purpose'),
  }));

const mediumOf = (media: XmlElement): ReadMedium => ({
  id: media.attributes.get('id') ?? '',
  type: textOf(media, 'type'),
  label: textOf(media, 'label'),
  status: textOf(media, 'status'),
});

const endpointOf = (endpoint: XmlElement): ReadEndpoint => ({
  entity: endpoint.attributes.get('entity') ?? '',
  displayText: textOf(endpoint, 'display-text'),
  status: textOf(endpoint, 'status'),
  joiningMethod: textOf(endpoint, 'joining-method'),
  joinedAt: textOf(one(endpoint, 'joining-info'), 'when'),
  media: ours(endpoint, 'media').map(mediumOf),
});

const userOf = (user: XmlElement): ReadUser => ({
  entity: user.attributes.get('entity') ?? '',
  displayText: textOf(user, 'display-text'),
  associatedAors: urisOf(user, 'associated-aors').map((entry) => entry.uri),
  roles: ours(one(user, 'roles'), 'entry').map((entry) => entry.text.trim()),
  endpoints: ours(user, 'endpoint').map(endpointOf),
});

/** What a coherent state says, as plain data. */
export function conferenceOf(root: XmlElement): ReadConference {
  const description = one(root, 'conference-description');
  const state = one(root, 'conference-state');
  return {
    entity: root.attributes.get('entity')?.trim() ?? '',
    displayText: textOf(description, 'display-text'),
    subject: textOf(description, 'subject'),
    confUris: urisOf(description, 'conf-uris'),
    serviceUris: urisOf(description, 'service-uris'),
    maximumUserCount: numberOf(textOf(description, 'maximum-user-count')),
    userCount: numberOf(textOf(state, 'user-count')),
    active: booleanOf(textOf(state, 'active')),
    locked: booleanOf(textOf(state, 'locked')),
    users: ours(one(root, 'users'), 'user').map(userOf),
  };
}
