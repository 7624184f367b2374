/** Conference documents by hand, for the tests of their reader. */
import { ConferenceReader } from '../../harness/conference/reader.ts';

/** The conference that they are about. */
export const entity = 'sip:tea@conf.example';
/** Both tokens for the chat room. */
export const chat =
  '<service-uris><entry><uri>xmpp:tea@rooms.example</uri><purpose>grouptextchat</purpose></entry>' +
  '<entry><uri>xmpp:tea@rooms.example?join</uri><purpose>groupstextchat</purpose></entry></service-uris>';
/** What the conference is. */
export const description = (inside = chat): string => `<conference-description>${inside}</conference-description>`;
/** Any document. */
export const document = (version: number | string, state: string, content: string): string =>
  `<?xml version="1.0"?><conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="${entity}"` +
  ` state="${state}" version="${version}">${content}</conference-info>`;
/** A full document with these users; `inside` is the description's content. */
export const full = (version: number, users: string, inside = chat): string =>
  document(version, 'full', `${description(inside)}<users>${users}</users>`);
/** A partial document with these users. */
export const partial = (version: number, users: string): string =>
  document(version, 'partial', `<users state="partial">${users}</users>`);
/** A stream of an endpoint. */
export const medium = (id: string, type = 'audio', status = 'sendrecv'): string =>
  `<media id="${id}"><type>${type}</type><status>${status}</status></media>`;
/** A way of taking part. */
export const endpoint = (key: string, content = medium('1'), state = 'full'): string =>
  `<endpoint entity="${key}" state="${state}">${content}</endpoint>`;
/** A person. */
export const user = (key: string, content = '', state = 'full'): string =>
  `<user entity="${key}" state="${state}">${content}</user>`;

/** A reader that has read these documents. */
export function readerOf(...documents: readonly string[]): ConferenceReader {
  const reader = new ConferenceReader(entity);
  for (const each of documents) reader.accept(each);
  return reader;
}
