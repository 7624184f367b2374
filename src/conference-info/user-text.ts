/** RFC 4575 5.6 to 5.8: users and their endpoints as canonical text, whole or as what changed. */
import type { CallInfo, Endpoint, Execution, Medium, User } from './user.ts';
import { escapeXml, textElement } from './xml-text.ts';

/** 5.7.3, 5.7.6, 5.7.8; nothing when it says nothing. */
function executionText(name: string, execution: Execution | null): string {
  if (execution === null) return '';
  const { when, reason, by } = execution;
  const said = textElement('when', when) + textElement('reason', reason) + textElement('by', by);
  return said === '' ? '' : `<${name}>${said}</${name}>`;
}

const mediumText = ({ id, displayText, type, label, sourceId, status }: Medium): string =>
  `<media id="${escapeXml(id)}">${textElement('display-text', displayText)}<type>${type}</type>` +
  `${textElement('label', label)}${textElement('src-id', sourceId)}<status>${status}</status></media>`;

const callInfoText = (info: CallInfo | null): string =>
  info === null
    ? ''
    : `<call-info><sip>${textElement('display-text', info.displayText)}${textElement('call-id', info.callId)}` +
      `${textElement('from-tag', info.fromTag)}${textElement('to-tag', info.toTag)}</sip></call-info>`;

/** 5.7 `<endpoint>` with all that is in it. */
export const endpointText = (endpoint: Endpoint): string =>
  `<endpoint entity="${escapeXml(endpoint.entity)}">` +
  textElement('display-text', endpoint.displayText) +
  executionText('referred', endpoint.referred) +
  `<status>${endpoint.status}</status>` +
  textElement('joining-method', endpoint.joiningMethod) +
  executionText('joining-info', endpoint.joiningInfo) +
  textElement('disconnection-method', endpoint.disconnectionMethod) +
  executionText('disconnection-info', endpoint.disconnectionInfo) +
  `${endpoint.media.map(mediumText).join('')}${callInfoText(endpoint.callInfo)}</endpoint>`;

/** 4.4: an endpoint that is gone; without children. */
export const deletedEndpointText = (entity: string): string =>
  `<endpoint entity="${escapeXml(entity)}" state="deleted"/>`;

/** 4.4: a user who is gone; without children. */
export const deletedUserText = (entity: string): string => `<user entity="${escapeXml(entity)}" state="deleted"/>`;

const listText = (name: string, entries: readonly string[]): string =>
  entries.length === 0 ? '' : `<${name}>${entries.map((entry) => textElement('entry', entry)).join('')}</${name}>`;

const aorsText = (aors: readonly string[]): string =>
  aors.length === 0
    ? ''
    : `<associated-aors>${aors.map((uri) => `<entry>${textElement('uri', uri)}</entry>`).join('')}</associated-aors>`;

/** What of a user is not in an endpoint: the same elements in the same places, empty where there is none. */
export const userHeadTexts = (user: User): readonly string[] => [
  textElement('display-text', user.displayText),
  aorsText(user.associatedAors),
  listText('roles', user.roles),
  user.languages.length === 0 ? '' : textElement('languages', user.languages.join(' ')),
  textElement('cascaded-focus', user.cascadedFocus),
];

/** 5.6 `<user>` with all that is in it; its state is `full`, in full and in partial documents alike. */
export const userText = (user: User): string =>
  `<user entity="${escapeXml(user.entity)}">${userHeadTexts(user).join('')}${user.endpoints.map(endpointText).join('')}</user>`;
