/** RFC 4575 5.3 to 5.5, 5.9: description, host, state and sidebars of a conference as canonical text. */
import type { ConferenceState, Description, HostInfo, Sidebar } from './conference.ts';
import type { UriEntry } from './service-uris.ts';
import { userText } from './user-text.ts';
import { escapeXml, textElement } from './xml-text.ts';

const uriEntry = (entry: UriEntry): string =>
  `<entry>${textElement('uri', entry.uri)}${textElement('display-text', entry.displayText)}${textElement('purpose', entry.purpose)}</entry>`;

/** A list of URIs; nothing when it is empty, because an empty one is invalid. */
const uriList = (name: string, entries: readonly UriEntry[]): string =>
  entries.length === 0 ? '' : `<${name}>${entries.map(uriEntry).join('')}</${name}>`;

function availableMedia(description: Description): string {
  if (description.availableMedia.length === 0) return '';
  const entries = description.availableMedia.map(
    ({ label, displayText, type, status }) =>
      `<entry label="${escapeXml(label)}">${textElement('display-text', displayText)}<type>${type}</type><status>${status}</status></entry>`,
  );
  return `<available-media>${entries.join('')}</available-media>`;
}

/** 5.3 `<conference-description>`. The keywords are a list whose items hold no white space. */
export const descriptionText = (description: Description): string =>
  '<conference-description>' +
  textElement('display-text', description.displayText) +
  textElement('subject', description.subject) +
  textElement('free-text', description.freeText) +
  textElement('keywords', description.keywords.length === 0 ? null : description.keywords.join(' ')) +
  uriList('conf-uris', description.confUris) +
  uriList('service-uris', description.serviceUris) +
  `<maximum-user-count>${description.maximumUserCount}</maximum-user-count>` +
  `${availableMedia(description)}</conference-description>`;

/** 5.4 `<host-info>`; nothing when there is none. */
export const hostText = (host: HostInfo | null): string =>
  host === null
    ? ''
    : `<host-info>${textElement('display-text', host.displayText)}${textElement('web-page', host.webPage)}${uriList('uris', host.uris)}</host-info>`;

/** 5.5 `<conference-state>`. */
export const stateText = (state: ConferenceState): string =>
  `<conference-state><user-count>${state.userCount}</user-count>` +
  `<active>${state.active}</active><locked>${state.locked}</locked></conference-state>`;

/** 5.9.1 `<sidebars-by-ref>`; nothing when there are none. */
export const sidebarsByRefText = (entries: readonly UriEntry[]): string => uriList('sidebars-by-ref', entries);

const sidebarText = (sidebar: Sidebar): string =>
  `<entry entity="${escapeXml(sidebar.entity)}">${descriptionText(sidebar.description)}${stateText(sidebar.state)}` +
  `<users>${sidebar.users.map(userText).join('')}</users></entry>`;

/** 5.9.2 `<sidebars-by-val>`; nothing when there are none. */
export const sidebarsByValText = (sidebars: readonly Sidebar[]): string =>
  sidebars.length === 0 ? '' : `<sidebars-by-val>${sidebars.map(sidebarText).join('')}</sidebars-by-val>`;
