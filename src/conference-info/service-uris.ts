/** RFC 4575 5.3.1, RFC 7106, draft-ivov-xmpp-cusax 3.2: how a conference's URIs lead to its call and to its chat room. */
import { xmppUri } from '../identity/jid.ts';
import type { LinkSettings } from './link.ts';
import { uriText } from './xml-text.ts';

/** One `<entry>` of a URI list. */
export interface UriEntry {
  readonly uri: string;
  readonly displayText: string | null;
  readonly purpose: string | null;
}

/** Tokens that say "chat room": RFC 7106's registered one and the draft's. */
export const chatPurposes = ['grouptextchat', 'groupstextchat'] as const;
export type ChatPurpose = (typeof chatPurposes)[number];

/** Which tokens are published. */
export type ChatPurposeSetting = 'both' | ChatPurpose;

const chatUri = (room: string, purpose: ChatPurpose): string =>
  uriText(xmppUri(room, purpose === 'grouptextchat' ? '' : '?join'));

/** `<service-uris>`: the chat room, under each token that is asked for. Two entries have two URIs, since an entry's URI is its key. */
export const serviceUris = (link: LinkSettings, setting: ChatPurposeSetting): readonly UriEntry[] =>
  chatPurposes
    .filter((purpose) => setting === 'both' || setting === purpose)
    .map((purpose) => ({ uri: chatUri(link.room, purpose), displayText: null, purpose }));

/** `<conf-uris>`: where to call to take part, each address once. */
export const confUris = (link: LinkSettings): readonly UriEntry[] => {
  const uris = [link.conference, ...(link.about?.furtherUris ?? [])].map(uriText);
  return [...new Set(uris)].map((uri) => ({ uri, displayText: null, purpose: 'participation' }));
};

/** Bare room JIDs that a document's service URIs name, each once, whatever the token and the query. */
export function chatRooms(entries: readonly UriEntry[]): readonly string[] {
  const rooms = entries
    .filter((entry) => chatPurposes.some((purpose) => purpose === entry.purpose?.trim().toLowerCase()))
    .map((entry) => /^xmpp:(?:\/\/[^/]*\/)?([^/?#]+)/i.exec(entry.uri.trim())?.[1])
    .map((room) => (room === undefined ? null : decoded(room)))
    .filter((room) => room !== null);
  return [...new Set(rooms)];
}

function decoded(escaped: string): string | null {
  try {
    return decodeURIComponent(escaped).toLowerCase();
  } catch {
    return null;
  }
}
