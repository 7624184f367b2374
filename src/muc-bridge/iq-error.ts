/** RFC 6120 8.3: the error that answers an IQ get or set. */
import { element, type XmlElement } from './element.ts';

/** The answer to `iq`, of which only the addresses and the id are used. */
export function iqError(iq: XmlElement, type: 'cancel' | 'modify', condition: string): XmlElement {
  const { id, from, to } = iq.attrs;
  const named = element(condition, { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' });
  return element('iq', { type: 'error', id, from: to, to: from }, element('error', { type }, named));
}
