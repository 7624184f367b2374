/** RFC 7622: the parts of a JID. Full preparation (PRECIS) is the server's: compare JIDs that a server has sent, not typed ones. */

/** A JID in parts; `local` and `resource` are '' when absent. Local part and domain are lower case. */
export interface Jid {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
}

const forbiddenLocal = /["&'/:<>@\s]/;
const forbiddenDomain = /["&'/:<>@\s]/;

/** Reads a JID; null when it is not one (empty or over-long parts, forbidden characters). */
export function parseJid(text: string): Jid | null {
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const resource = slash < 0 ? '' : text.slice(slash + 1);
  const at = bare.indexOf('@');
  const local = at < 0 ? '' : bare.slice(0, at).toLowerCase();
  const domain = bare
    .slice(at + 1)
    .toLowerCase()
    .replace(/\.$/, '');
  if (domain === '' || domain.length > 1023 || forbiddenDomain.test(domain)) return null;
  if (at === 0 || local.length > 1023 || forbiddenLocal.test(local)) return null;
  if (slash >= 0 && (resource === '' || resource.length > 1023)) return null;
  return { local, domain, resource };
}

/** `local@domain` of a JID text, or null when it is not a JID. */
export function bareJid(text: string): string | null {
  const jid = parseJid(text);
  if (!jid) return null;
  return jid.local === '' ? jid.domain : `${jid.local}@${jid.domain}`;
}

/** The resource (for an occupant JID: the nick), or null. */
export const resourceOf = (text: string): string | null => parseJid(text)?.resource || null;

/** XMPP URI of a room (RFC 5122): `xmpp:room@service`, with `?join` when asked; characters outside the iauthority set are escaped. */
export function xmppUri(bare: string, query = ''): string {
  const [local = '', domain = ''] = bare.includes('@') ? bare.split('@') : ['', bare];
  const escaped = encodeURIComponent(local).replace(/%(21|24|2A|2B|2C|3B|3D|28|29|27)/gi, (hex) =>
    decodeURIComponent(hex),
  );
  return `xmpp:${local ? `${escaped}@` : ''}${domain}${query}`;
}
