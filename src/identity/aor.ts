/** RFC 3261 10 and 19.1: addresses-of-record in the one written form in which this service compares them. */

/** A canonical AOR: `sip:user@host[:port]` or `tel:+digits`. Made by `canonicalAor` only. */
export type Aor = string & { readonly canonical: 'aor' };

const sipForm =
  /^(sips?):([^@:?;\s<>"]+)(;[^@:?\s<>"]*)?@(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}))?(;[^?\s<>"]*)?$/i;
/** RFC 3966 3: with visual separators. */
const globalNumber = /^(?:\+|%2b)[\d\-.()]{3,}$/i;
const unreserved = /^[A-Za-z0-9\-_.!~*'()&=+$,/]$/;
const mustBeEscaped = /[^A-Za-z0-9\-_.!~*'()&=+$,/%]/gu;

/** In UTF-8 (19.1.2). */
const escaped = (character: string): string =>
  Array.from(
    new TextEncoder().encode(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');

/** Decodes the escapes that need not be there, writes the others in upper case and those that are missing; null when one is broken. */
function canonicalUser(user: string): string | null {
  if (/%(?![0-9a-f]{2})/i.test(user)) return null;
  const decoded = user.replace(/%([0-9a-f]{2})/gi, (written, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return unreserved.test(character) ? character : written.toUpperCase();
  });
  return decoded.replace(mustBeEscaped, escaped);
}

function canonicalTel(text: string): Aor | null {
  const number =
    text
      .slice(4)
      .split(';')[0]
      ?.replace(/[-.()\s]/g, '') ?? '';
  return /^\+\d{3,15}$/.test(number) ? (`tel:${number}` as Aor) : null;
}

const isPort = (port: string | undefined): boolean =>
  port === undefined || (Number(port) >= 1 && Number(port) <= 65535);

/**
 * The canonical form of a URI used as an address-of-record, or null when it cannot be one.
 * URI parameters are left out, the host is lower case, `sips:` becomes `sip:` (one resource, RFC 5630 3.1); the user part keeps its case.
 * Parameters of a global telephone number in the user part (`npdi`, `rn`, RFC 4694) are how it is reached, not whose it is: they are left
 * out too. A password, URI headers, an empty user and local telephone numbers are refused.
 */
export function canonicalAor(text: string): Aor | null {
  const uri = text.trim();
  if (uri.length > 512) return null;
  if (/^tel:/i.test(uri)) return canonicalTel(uri);
  const [, , user, ofNumber, host, port] = sipForm.exec(uri) ?? [];
  if (user === undefined || host === undefined || host.includes('..')) return null;
  if (ofNumber !== undefined && !globalNumber.test(user)) return null;
  if (!isPort(port)) return null;
  const written = canonicalUser(user);
  return written === null ? null : (`sip:${written}@${host.toLowerCase()}${port ? `:${Number(port)}` : ''}` as Aor);
}

/** The URI inside a name-addr or addr-spec header value (RFC 3261 20.10), without header parameters; null when there is none. */
export function uriOfHeader(value: string): string | null {
  const bracketed = /^(?:"(?:[^"\\]|\\.)*"|[^<"]*)\s*<([^<>]+)>/.exec(value.trim());
  if (bracketed) return bracketed[1]?.trim() ?? null;
  const bare = value.trim().split(';')[0]?.trim() ?? '';
  return /^[a-z][a-z0-9+.-]*:\S+$/i.test(bare) ? bare : null;
}

/** The display name of a name-addr header value, unquoted; null when it has none. */
export function displayOfHeader(value: string): string | null {
  const quoted = /^\s*"((?:[^"\\]|\\.)*)"\s*</.exec(value);
  const name = quoted ? (quoted[1] ?? '').replace(/\\(.)/g, '$1') : (/^([^<"]*)</.exec(value)?.[1] ?? '');
  return name.trim() === '' ? null : name.trim();
}

/** The host of a canonical AOR, lower case; '' for a `tel:` AOR. */
export const hostOfAor = (aor: Aor): string => /@(\[[^\]]+\]|[^:@]+)/.exec(aor)?.[1] ?? '';
