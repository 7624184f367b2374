/** RFC 4575 5: what a coherent state says, as plain data. Null where it says nothing; words that the RFC does not know stay as they are. */
import { conferenceNamespace } from './read-document.ts';
import type { UriEntry } from './service-uris.ts';
import type { CallInfo, Execution } from './user.ts';
import type { XmlElement } from './xml-tree.ts';

/** 5.8: a medium as read. */
export interface ReadMedium {
  readonly id: string;
  readonly displayText: string | null;
  readonly type: string | null;
  readonly label: string | null;
  readonly sourceId: string | null;
  readonly status: string | null;
}

/** 5.7: an endpoint as read. */
export interface ReadEndpoint {
  readonly entity: string;
  readonly displayText: string | null;
  readonly referred: Execution | null;
  readonly status: string | null;
  readonly joiningMethod: string | null;
  readonly joiningInfo: Execution | null;
  readonly disconnectionMethod: string | null;
  readonly disconnectionInfo: Execution | null;
  readonly media: readonly ReadMedium[];
  readonly callInfo: CallInfo | null;
}

/** 5.6: a user as read. */
export interface ReadUser {
  readonly entity: string;
  readonly displayText: string | null;
  readonly associatedAors: readonly string[];
  readonly roles: readonly string[];
  readonly languages: readonly string[];
  readonly cascadedFocus: string | null;
  readonly endpoints: readonly ReadEndpoint[];
}

/** 5.3.4: a medium of the conference as read. */
export interface ReadAvailableMedium {
  readonly label: string;
  readonly displayText: string | null;
  readonly type: string | null;
  readonly status: string | null;
}

/** 5.4: the host as read. */
export interface ReadHost {
  readonly displayText: string | null;
  readonly webPage: string | null;
  readonly uris: readonly UriEntry[];
}

/** A conference as a subscriber knows it. */
export interface ReadConference {
  readonly entity: string;
  readonly displayText: string | null;
  readonly subject: string | null;
  readonly freeText: string | null;
  readonly keywords: readonly string[];
  readonly confUris: readonly UriEntry[];
  readonly serviceUris: readonly UriEntry[];
  readonly maximumUserCount: number | null;
  readonly availableMedia: readonly ReadAvailableMedium[];
  readonly host: ReadHost | null;
  readonly userCount: number | null;
  readonly active: boolean | null;
  readonly locked: boolean | null;
  readonly users: readonly ReadUser[];
  readonly sidebarsByRef: readonly UriEntry[];
  readonly sidebarsByVal: readonly ReadConference[];
}

const ours = (element: XmlElement | null, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name && child.namespace === conferenceNamespace) ?? [];

const one = (element: XmlElement | null, name: string): XmlElement | null => ours(element, name)[0] ?? null;
/** An element that is there and empty says nothing. */
const textOf = (element: XmlElement | null, name: string): string | null => one(element, name)?.text.trim() || null;

/** A URI as people and programs use it: some servers write white space or angle brackets around it. */
const bare = (uri: string): string => uri.trim().replace(/^<([^<>]*)>$/, '$1');
const uriText = (element: XmlElement | null, name: string): string | null => bare(textOf(element, name) ?? '') || null;
const entityOf = (element: XmlElement): string => bare(element.attributes.get('entity') ?? '');

/** Items of an XML list. */
const itemsOf = (element: XmlElement | null, name: string): readonly string[] =>
  textOf(element, name)?.split(/\s+/).filter(Boolean) ?? [];

function numberOf(text: string | null): number | null {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function booleanOf(text: string | null): boolean | null {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : null;
}

const uriOf = (entry: XmlElement): UriEntry => ({
  uri: uriText(entry, 'uri') ?? '',
  displayText: textOf(entry, 'display-text'),
  purpose: textOf(entry, 'purpose'),
});

const urisOf = (parent: XmlElement | null, name: string): readonly UriEntry[] =>
  ours(one(parent, name), 'entry')
    .map(uriOf)
    .filter(({ uri }) => uri !== '');

const mediumOf = (media: XmlElement): ReadMedium => ({
  id: media.attributes.get('id') ?? '',
  displayText: textOf(media, 'display-text'),
  type: textOf(media, 'type'),
  label: textOf(media, 'label'),
  sourceId: textOf(media, 'src-id'),
  status: textOf(media, 'status'),
});

function executionOf(parent: XmlElement, name: string): Execution | null {
  const execution = one(parent, name);
  if (execution === null) return null;
  return { when: textOf(execution, 'when'), reason: textOf(execution, 'reason'), by: uriText(execution, 'by') };
}

function callInfoOf(endpoint: XmlElement): CallInfo | null {
  const sip = one(one(endpoint, 'call-info'), 'sip');
  if (sip === null) return null;
  return {
    displayText: textOf(sip, 'display-text'),
    callId: textOf(sip, 'call-id') ?? '',
    fromTag: textOf(sip, 'from-tag') ?? '',
    toTag: textOf(sip, 'to-tag') ?? '',
  };
}

const endpointOf = (endpoint: XmlElement): ReadEndpoint => ({
  entity: entityOf(endpoint),
  displayText: textOf(endpoint, 'display-text'),
  referred: executionOf(endpoint, 'referred'),
  status: textOf(endpoint, 'status'),
  joiningMethod: textOf(endpoint, 'joining-method'),
  joiningInfo: executionOf(endpoint, 'joining-info'),
  disconnectionMethod: textOf(endpoint, 'disconnection-method'),
  disconnectionInfo: executionOf(endpoint, 'disconnection-info'),
  media: ours(endpoint, 'media').map(mediumOf),
  callInfo: callInfoOf(endpoint),
});

const userOf = (user: XmlElement): ReadUser => ({
  entity: entityOf(user),
  displayText: textOf(user, 'display-text'),
  associatedAors: urisOf(user, 'associated-aors').map((entry) => entry.uri),
  roles: ours(one(user, 'roles'), 'entry')
    .map((entry) => entry.text.trim())
    .filter(Boolean),
  languages: itemsOf(user, 'languages'),
  cascadedFocus: uriText(user, 'cascaded-focus'),
  endpoints: ours(user, 'endpoint').map(endpointOf),
});

const availableMediumOf = (entry: XmlElement): ReadAvailableMedium => ({
  label: entry.attributes.get('label') ?? '',
  displayText: textOf(entry, 'display-text'),
  type: textOf(entry, 'type'),
  status: textOf(entry, 'status'),
});

function hostOf(root: XmlElement): ReadHost | null {
  const host = one(root, 'host-info');
  if (host === null) return null;
  return { displayText: textOf(host, 'display-text'), webPage: uriText(host, 'web-page'), uris: urisOf(host, 'uris') };
}

/** What a coherent state says; of the root, or of a sidebar (5.9.2), which is a conference in itself. */
export function conferenceOf(root: XmlElement): ReadConference {
  const description = one(root, 'conference-description');
  const state = one(root, 'conference-state');
  return {
    entity: entityOf(root),
    displayText: textOf(description, 'display-text'),
    subject: textOf(description, 'subject'),
    freeText: textOf(description, 'free-text'),
    keywords: itemsOf(description, 'keywords'),
    confUris: urisOf(description, 'conf-uris'),
    serviceUris: urisOf(description, 'service-uris'),
    maximumUserCount: numberOf(textOf(description, 'maximum-user-count')),
    availableMedia: ours(one(description, 'available-media'), 'entry').map(availableMediumOf),
    host: hostOf(root),
    userCount: numberOf(textOf(state, 'user-count')),
    active: booleanOf(textOf(state, 'active')),
    locked: booleanOf(textOf(state, 'locked')),
    users: ours(one(root, 'users'), 'user').map(userOf),
    sidebarsByRef: urisOf(root, 'sidebars-by-ref'),
    sidebarsByVal: ours(one(root, 'sidebars-by-val'), 'entry').map(conferenceOf),
  };
}
