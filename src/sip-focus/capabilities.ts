/** RFC 3261 11.2 and 20.5, RFC 4579 4.2, 5.13: what this focus says that it can do. Only what it does. */
import type { LinkSettings } from '../conference-info/link.ts';
import { eventPackage } from './event-header.ts';
import { focusContact } from './foci.ts';
import type { Headers } from './incoming-request.ts';

const allow = 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, SUBSCRIBE';
export const conferenceInfoType = 'application/conference-info+xml';

/** Headers of 405. */
export const notAllowed = { Allow: allow, 'Allow-Events': eventPackage } as const;

/** Headers of every answer of a focus that makes or describes a session. */
export const focusHeaders = (link: LinkSettings): Record<string, string> => ({
  Contact: focusContact(link),
  Allow: allow,
  'Allow-Events': eventPackage,
  Supported: 'timer',
});

/** The answer to OPTIONS for a conference. */
export const optionsHeaders = (link: LinkSettings): Headers => ({
  ...focusHeaders(link),
  Accept: 'application/sdp',
  'Accept-Encoding': 'identity',
  'Accept-Language': 'en',
});

/** Option tags in Require that we do not understand (8.2.2.3): answer 420 with these as Unsupported. */
export function unsupported(require: string | null): readonly string[] {
  const tags = (require ?? '').split(',').map((tag) => tag.trim().toLowerCase());
  return tags.filter((tag) => tag !== '' && tag !== 'timer');
}
