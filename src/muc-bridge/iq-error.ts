/** RFC 6120 8.3: the error that answers an IQ get or set. */
import { element, type XmlElement } from './element.ts';

/** What an error may say besides its condition: a text for people, an element that a protocol adds. */
interface ErrorDetail {
  readonly text?: string;
  readonly specific?: XmlElement;
}

const stanzas = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** The answer to `iq`, of which only the addresses and the id are used. */
export function iqError(
  iq: XmlElement,
  type: 'auth' | 'cancel' | 'modify',
  condition: string,
  { text, specific }: ErrorDetail = {},
): XmlElement {
  const { id, from, to } = iq.attrs;
  const named = element(condition, { xmlns: stanzas });
  const words = text !== undefined && element('text', { xmlns: stanzas, 'xml:lang': 'en' }, text);
  return element('iq', { type: 'error', id, from: to, to: from }, element('error', { type }, named, words, specific));
}
