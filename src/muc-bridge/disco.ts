/** XEP-0030, XEP-0199, XEP-0092: what this component answers to questions, the fallback advertisement (RFC 7081 4) included. */
import { bareJid } from '../identity/jid.ts';
import { writeForm } from './data-form.ts';
import { childrenOf, element, type XmlElement } from './element.ts';
import { iqError } from './iq-error.ts';
import { audioVideoUri } from './room-info.ts';

const discoInfo = 'http://jabber.org/protocol/disco#info';
const discoItems = 'http://jabber.org/protocol/disco#items';

/** What the answers are made of. */
export interface DiscoFacts {
  /** Bare JID of the focus. */
  readonly focus: string;
  /** Conference URI of a room whose link is open, by bare JID. */
  conferenceOf(room: string): string | null;
  /** Namespace for a second, Clark-named copy of the field (XEP-0068), or null. */
  readonly clarkNamespace: string | null;
}

const features = [discoInfo, discoItems, 'urn:xmpp:ping'].map((name) => element('feature', { var: name }));

/** The muc#roominfo form as the room itself would have it. */
function advertisement(conference: string, clarkNamespace: string | null): XmlElement {
  const copy = clarkNamespace === null ? {} : { [`{${clarkNamespace}}${audioVideoUri}`]: conference };
  return writeForm('result', 'http://jabber.org/protocol/muc#roominfo', { [audioVideoUri]: conference, ...copy });
}

function info(iq: XmlElement, facts: DiscoFacts): XmlElement {
  const forFocus = bareJid(iq.attrs.to ?? '') === facts.focus;
  const identity = forFocus
    ? element('identity', { category: 'client', type: 'bot', name: 'Conference focus' })
    : element('identity', { category: 'component', type: 'generic', name: 'CUSAX bridge' });
  // A question to the occupant arrives with the asker's room address as sender, hence the room is the sender's bare JID.
  const conference = forFocus ? facts.conferenceOf(bareJid(iq.attrs.from ?? '') ?? '') : null;
  return element(
    'query',
    { xmlns: discoInfo },
    identity,
    ...features,
    conference !== null && advertisement(conference, facts.clarkNamespace),
  );
}

function payloadFor(iq: XmlElement, facts: DiscoFacts): XmlElement | null | undefined {
  const asked = childrenOf(iq)[0];
  if (iq.attrs.type !== 'get' || !asked) return undefined;
  if (asked.attrs.xmlns === 'urn:xmpp:ping') return null;
  if (asked.attrs.node !== undefined) return undefined;
  if (asked.attrs.xmlns === discoInfo) return info(iq, facts);
  if (asked.attrs.xmlns === discoItems) return element('query', { xmlns: discoItems });
  return undefined;
}

/** The reply to an IQ get or set; what we do not know is `service-unavailable` (RFC 6120 8.4). */
export function replyTo(iq: XmlElement, facts: DiscoFacts): XmlElement {
  const { id, from, to } = iq.attrs;
  const payload = payloadFor(iq, facts);
  if (payload === undefined) return iqError(iq, 'cancel', 'service-unavailable');
  return element('iq', { type: 'result', id, from: to, to: from }, payload);
}
