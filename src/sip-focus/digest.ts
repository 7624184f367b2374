/** RFC 7616, RFC 8760 and RFC 3261 22: digest challenges, and whether an answer to one is right. Pure apart from hashing. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Algorithms on offer, strongest first. */
const digestAlgorithms = ['SHA-256', 'MD5'] as const;
export type DigestAlgorithm = (typeof digestAlgorithms)[number];

/** A challenge per algorithm, as values of WWW-Authenticate. `stale`: the answer was right but its nonce too old. */
export function challenges(
  realm: string,
  nonce: string,
  opaque: string,
  stale: boolean,
  algorithms: readonly DigestAlgorithm[] = digestAlgorithms,
): readonly string[] {
  return algorithms.map(
    (algorithm) =>
      `Digest realm="${quoted(realm)}", nonce="${nonce}", opaque="${opaque}", algorithm=${algorithm}, qop="auth"` +
      (stale ? ', stale=true' : ''),
  );
}

/** What a client answered. */
export interface DigestAnswer {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly algorithm: DigestAlgorithm;
  readonly response: string;
  readonly cnonce: string;
  /** Eight hex digits. */
  readonly nc: string;
  readonly opaque: string;
}

const quoted = (text: string): string => text.replace(/["\\]/g, '\\$&');

const parameter = /\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/y;

function parametersOf(text: string): Map<string, string> | null {
  const found = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    parameter.lastIndex = at;
    const [all, name, inQuotes, plain] = parameter.exec(text) ?? [];
    if (all === undefined || name === undefined || found.has(name.toLowerCase())) return null;
    found.set(name.toLowerCase(), inQuotes === undefined ? (plain ?? '') : inQuotes.replace(/\\(.)/g, '$1'));
    at += all.length;
  }
  return found;
}

function algorithmOf(name: string | undefined): DigestAlgorithm | null {
  if (name === undefined) return 'MD5';
  return digestAlgorithms.find((known) => known === name.toUpperCase()) ?? null;
}

/** Several Authorization headers arrive joined by commas: the credentials of each, without the scheme. */
function credentialsIn(header: string): readonly string[] {
  return header.split(/(?:^|,)\s*Digest\s+(?=(?:[^"]*"(?:[^"\\]|\\.)*")*[^"]*$)/i).slice(1);
}

function readAnswer(text: string): DigestAnswer | null {
  const found = parametersOf(text.trim());
  if (!found) return null;
  const algorithm = algorithmOf(found.get('algorithm'));
  if (!algorithm || found.get('qop')?.toLowerCase() !== 'auth') return null;
  const [username, realm, nonce, uri, response, cnonce, nc] = (
    ['username', 'realm', 'nonce', 'uri', 'response', 'cnonce', 'nc'] as const
  ).map((name) => found.get(name) ?? '');
  if (!username || !nonce || !uri || !cnonce || realm === undefined) return null;
  if (!/^[0-9a-f]{8}$/i.test(nc ?? '') || !/^[0-9a-f]{32}(?:[0-9a-f]{32})?$/i.test(response ?? '')) return null;
  return {
    username,
    realm,
    nonce,
    uri,
    algorithm,
    response: (response ?? '').toLowerCase(),
    cnonce,
    nc: (nc ?? '').toLowerCase(),
    opaque: found.get('opaque') ?? '',
  };
}

/** Reads the Authorization header for our realm; null when there is no usable answer in it. */
export function parseAuthorization(header: string | null, realm: string): DigestAnswer | null {
  if (header === null || header.length > 4096) return null;
  for (const text of credentialsIn(header)) {
    const answer = readAnswer(text);
    if (answer && answer.realm === realm) return answer;
  }
  return null;
}

const hashNames = { MD5: 'md5', 'SHA-256': 'sha256' } as const;

/** H() of RFC 7616 3.3, lower-case hex. */
export const digestHash = (algorithm: DigestAlgorithm, text: string): string =>
  createHash(hashNames[algorithm]).update(text).digest('hex');

/** What the response must be for this H(username:realm:password). */
function expectedResponse(answer: DigestAnswer, method: string, ha1: string): string {
  const ha2 = digestHash(answer.algorithm, `${method}:${answer.uri}`);
  return digestHash(answer.algorithm, `${ha1.toLowerCase()}:${answer.nonce}:${answer.nc}:${answer.cnonce}:auth:${ha2}`);
}

/** Whether the answer is right. Takes as long for a wrong one as for a right one. */
export function verifyResponse(answer: DigestAnswer, method: string, ha1: string): boolean {
  const expected = Buffer.from(expectedResponse(answer, method, ha1));
  const given = Buffer.from(answer.response);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
