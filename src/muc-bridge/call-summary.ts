/** RFC 4575 5: the call in a few lines, for chat clients: a conference document in the focus's own presence. Pure. */
import { composeConference } from '../conference-info/conference.ts';
import { descriptionText, stateText } from '../conference-info/conference-text.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { Meeting } from '../conference-info/meeting.ts';
import { conferenceNamespace } from '../conference-info/read-document.ts';
import type { Endpoint, User } from '../conference-info/user.ts';
import { userText } from '../conference-info/user-text.ts';
import { escapeXml } from '../conference-info/xml-text.ts';
import { type XmlElement as ReadElement, readXml } from '../conference-info/xml-tree.ts';
import type { Bindings } from '../identity/binding.ts';
import { element, type XmlElement } from './element.ts';

/** With more people in the call than this only their number is told: every presence goes to everybody in the room. */
export const mostUsersShown = 20;

const isCall = (endpoint: Endpoint): boolean =>
  endpoint.status !== 'disconnected' && endpoint.media.some(({ type }) => type !== 'message');

/** A user without their ways into the room: who is there, everybody in the room sees for themselves. */
function callerOf(user: User): User | null {
  const endpoints = user.endpoints.filter(isCall);
  return endpoints.length === 0 ? null : { ...user, endpoints };
}

/**
 * The summary as text without a version: where to call, whether calls are taken, how many people are in the call (`user-count`), and who
 * they are for an ordinary viewer. Null while the link is closed.
 */
export function callSummary(link: LinkSettings, meeting: Meeting, bindings: Bindings): string | null {
  if (meeting.link?.state === 'closed') return null;
  const { entity, description, state, users } = composeConference(link, meeting, bindings);
  const callers = [...users.values()].map(callerOf).filter((user) => user !== null);
  const shown = callers.length > mostUsersShown ? '' : callers.map(userText).join('');
  const about = { ...description, displayText: link.name, subject: null, freeText: null, keywords: [] };
  return (
    `<conference-info xmlns="${conferenceNamespace}" entity="${escapeXml(entity)}">` +
    descriptionText({ ...about, serviceUris: [], availableMedia: [] }) +
    stateText({ ...state, userCount: callers.length }) +
    `${callers.length > mostUsersShown ? '' : `<users>${shown}</users>`}</conference-info>`
  );
}

function toElement(read: ReadElement, inherited: string): XmlElement {
  const xmlns = read.namespace === inherited ? {} : { xmlns: read.namespace };
  const children = read.children.map((child) => toElement(child, read.namespace));
  return element(read.name, { ...xmlns, ...Object.fromEntries(read.attributes) }, read.text || null, ...children);
}

/** The summary as a child of a presence; `version` must be greater than that of the one before (RFC 4575 4.3). */
export function summaryElement(summary: string, version: number): XmlElement {
  const root = readXml(summary);
  if ('refused' in root) throw new Error(`the summary that was written cannot be read: ${root.refused}`);
  const { attrs, ...rest } = toElement(root, '');
  return { ...rest, attrs: { ...attrs, version: String(version) } };
}

/** Whether a presence has such a summary. */
export const hasSummary = (presence: XmlElement): boolean =>
  presence.children.some(
    (child) =>
      typeof child !== 'string' && child.name === 'conference-info' && child.attrs.xmlns === conferenceNamespace,
  );
