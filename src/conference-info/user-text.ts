/** RFC 4575 5.6 to 5.8: users and their endpoints as canonical text, whole or as what changed. */
import type { CallInfo, Endpoint, Execution, Medium, User } from './user.ts';
import { elementWriter, escapeXml } from './xml-text.ts';

const displayText = elementWriter('display-text');
const when = elementWriter('when');
const reason = elementWriter('reason');
const by = elementWriter('by');
const label = elementWriter('label');
const sourceId = elementWriter('src-id');
const joiningMethod = elementWriter('joining-method');
const disconnectionMethod = elementWriter('disconnection-method');
const languages = elementWriter('languages');
const cascadedFocus = elementWriter('cascaded-focus');
const callId = elementWriter('call-id');
const fromTag = elementWriter('from-tag');
const toTag = elementWriter('to-tag');
const entry = elementWriter('entry');

/** Texts of a list one after another. Adding is quicker than joining: a text is made flat once, when it is sent. */
function each<Item>(items: readonly Item[], write: (item: Item) => string): string {
  let text = '';
  for (const item of items) text += write(item);
  return text;
}

/** 5.7.3, 5.7.6, 5.7.8; nothing when it says nothing. */
function executionText(name: string, execution: Execution | null): string {
  if (execution === null) return '';
  const said = when(execution.when) + reason(execution.reason) + by(execution.by);
  return said === '' ? '' : `<${name}>${said}</${name}>`;
}

const mediumText = (medium: Medium): string =>
  `<media id="${escapeXml(medium.id)}">${displayText(medium.displayText)}<type>${medium.type}</type>` +
  `${label(medium.label)}${sourceId(medium.sourceId)}<status>${medium.status}</status></media>`;

const callInfoText = (info: CallInfo | null): string =>
  info === null
    ? ''
    : `<call-info><sip>${displayText(info.displayText)}${callId(info.callId)}` +
      `${fromTag(info.fromTag)}${toTag(info.toTag)}</sip></call-info>`;

/** 5.7 `<endpoint>` with all that is in it. */
export const endpointText = (endpoint: Endpoint): string =>
  `<endpoint entity="${escapeXml(endpoint.entity)}">${displayText(endpoint.displayText)}` +
  `${executionText('referred', endpoint.referred)}<status>${endpoint.status}</status>` +
  `${joiningMethod(endpoint.joiningMethod)}${executionText('joining-info', endpoint.joiningInfo)}` +
  `${disconnectionMethod(endpoint.disconnectionMethod)}` +
  `${executionText('disconnection-info', endpoint.disconnectionInfo)}` +
  `${each(endpoint.media, mediumText)}${callInfoText(endpoint.callInfo)}</endpoint>`;

/** 4.4: an endpoint that is gone; without children. */
export const deletedEndpointText = (entity: string): string =>
  `<endpoint entity="${escapeXml(entity)}" state="deleted"/>`;

/** 4.4: a user who is gone; without children. */
export const deletedUserText = (entity: string): string => `<user entity="${escapeXml(entity)}" state="deleted"/>`;

const uriEntry = (uri: string): string => `<entry><uri>${escapeXml(uri)}</uri></entry>`;

const listText = (name: string, entries: readonly string[], write: (entry: string) => string): string =>
  entries.length === 0 ? '' : `<${name}>${each(entries, write)}</${name}>`;

/** What of a user is not in an endpoint: the same elements in the same places, empty where there is none. */
export const userHeadTexts = (user: User): readonly string[] => [
  displayText(user.displayText),
  listText('associated-aors', user.associatedAors, uriEntry),
  listText('roles', user.roles, entry),
  languages(user.languages.length === 0 ? null : user.languages.join(' ')),
  cascadedFocus(user.cascadedFocus),
];

/** 5.6 `<user>` with all that is in it; its state is `full`, in full and in partial documents alike. */
export const userText = (user: User): string =>
  `<user entity="${escapeXml(user.entity)}">${userHeadTexts(user).join('')}${each(user.endpoints, endpointText)}</user>`;
