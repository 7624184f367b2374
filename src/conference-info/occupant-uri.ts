/** RFC 5122 2.7 and RFC 7702 table 2: the XMPP URI of an occupant, entity of a text-only user and of the text endpoint. */
import { xmppUri } from '../identity/jid.ts';
import { percentEncoded, uriText } from './xml-text.ts';

// What may stand in the resource part (`resid`): unreserved and `resallow`.
const outsideResource = /[^A-Za-z0-9\-._~!$&'()*+,;:=]/gu;

/** `xmpp:room@service/nick`; different nicks never give the same URI. `room` is a bare JID. */
export const occupantUri = (room: string, nick: string): string =>
  `${uriText(xmppUri(room))}/${nick.replace(outsideResource, percentEncoded)}`;

/** `xmpp:user@host` of a bare JID. */
export const bareJidUri = (jid: string): string => uriText(xmppUri(jid));
