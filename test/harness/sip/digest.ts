/** A digest client (RFC 7616, RFC 8760): SHA-256 and MD5, qop=auth, nonce counts, stale nonces. */
import { createHash, randomBytes } from 'node:crypto';
import type { SipMessage } from './message.ts';

/** What a phone proves itself with. */
export interface PhoneCredentials {
  readonly username: string;
  readonly password: string;
  /** The only algorithm to answer; default: the first offered one that is known. */
  readonly algorithm?: 'SHA-256' | 'MD5';
}

/** A challenge that can be answered. */
export interface Challenge {
  readonly header: 'Authorization' | 'Proxy-Authorization';
  readonly algorithm: 'SHA-256' | 'MD5';
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string;
  /** Whether it offers qop=auth; without it there is no nonce count (RFC 2617 3.2.2.1). */
  readonly qop: boolean;
  readonly stale: boolean;
}

const hashes = { 'SHA-256': 'sha256', MD5: 'md5' } as const;
const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;

function readChallenge(value: string, header: Challenge['header']): Challenge | null {
  if (!/^Digest\s/i.test(value)) return null;
  const parameters = new Map<string, string>();
  for (const [, name = '', text = ''] of value.slice(6).matchAll(/([\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]+)/g)) {
    parameters.set(name.toLowerCase(), unquoted(text));
  }
  const named = (parameters.get('algorithm') ?? 'MD5').toUpperCase();
  const algorithm = named === 'SHA-256' || named === 'MD5' ? named : null;
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  if (algorithm === null || realm === undefined || nonce === undefined) return null;
  const opaque = parameters.get('opaque');
  return {
    header,
    algorithm,
    realm,
    nonce,
    ...(opaque === undefined ? {} : { opaque }),
    qop: (parameters.get('qop') ?? '').split(/\s*,\s*/).includes('auth'),
    stale: parameters.get('stale')?.toLowerCase() === 'true',
  };
}

/** The challenges of a 401 or 407 that can be answered, in the order offered. */
export function challengesOf(response: SipMessage): Challenge[] {
  return [
    ...response.all('www-authenticate').map((value) => readChallenge(value, 'Authorization')),
    ...response.all('proxy-authenticate').map((value) => readChallenge(value, 'Proxy-Authorization')),
  ].filter((challenge) => challenge !== null);
}

/** The `response` value (RFC 7616 3.4.1); `count` and `cnonce` only with qop. */
export function digestResponse(
  challenge: Pick<Challenge, 'algorithm' | 'realm' | 'nonce' | 'qop'>,
  credentials: PhoneCredentials,
  request: { readonly method: string; readonly uri: string },
  count: string,
  cnonce: string,
): string {
  const hash = (text: string): string => createHash(hashes[challenge.algorithm]).update(text).digest('hex');
  const a1 = hash(`${credentials.username}:${challenge.realm}:${credentials.password}`);
  const a2 = hash(`${request.method}:${request.uri}`);
  return hash(
    challenge.qop ? `${a1}:${challenge.nonce}:${count}:${cnonce}:auth:${a2}` : `${a1}:${challenge.nonce}:${a2}`,
  );
}

/** Keeps the last challenge, so that later requests prove themselves at once, each with a higher count. */
export class DigestClient {
  readonly #credentials: PhoneCredentials;
  #challenge: Challenge | undefined;
  #count = 0;

  constructor(credentials: PhoneCredentials) {
    this.#credentials = credentials;
  }

  /**
   * Takes the challenge of a 401 or 407.
   * @param answered whether the refused request answered a challenge that came for it; then only a stale one is new
   * @returns whether another try makes sense
   */
  accept(response: SipMessage, answered: boolean): boolean {
    const wanted = this.#credentials.algorithm;
    const challenge = challengesOf(response).find((one) => wanted === undefined || one.algorithm === wanted);
    if (challenge === undefined || (answered && !challenge.stale)) return false;
    this.#challenge = challenge;
    this.#count = 0;
    return true;
  }

  /** The header that proves a request; null before the first challenge. */
  authorize(method: string, uri: string): readonly [name: string, value: string] | null {
    const challenge = this.#challenge;
    if (challenge === undefined) return null;
    this.#count += 1;
    const count = this.#count.toString(16).padStart(8, '0');
    const cnonce = randomBytes(8).toString('hex');
    const response = digestResponse(challenge, this.#credentials, { method, uri }, count, cnonce);
    const parameters = [
      `username=${quoted(this.#credentials.username)}`,
      `realm=${quoted(challenge.realm)}`,
      `nonce=${quoted(challenge.nonce)}`,
      `uri=${quoted(uri)}`,
      `algorithm=${challenge.algorithm}`,
      `response="${response}"`,
      ...(challenge.qop ? ['qop=auth', `nc=${count}`, `cnonce="${cnonce}"`] : []),
      ...(challenge.opaque === undefined ? [] : [`opaque=${quoted(challenge.opaque)}`]),
    ];
    return [challenge.header, `Digest ${parameters.join(', ')}`];
  }
}
