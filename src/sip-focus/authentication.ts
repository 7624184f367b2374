/** RFC 3261 22.2: asks callers to prove who they are, and judges their answers. */
import { randomBytes } from 'node:crypto';
import type { Aor } from '../identity/aor.ts';
import type { Credential, Credentials } from '../identity/credentials.ts';
import type { Logger } from '../log.ts';
import {
  type CallerIdentity,
  callerIdentity,
  type IdentityClaims,
  type IdentitySettings,
  isTrusted,
  needsChallenge,
} from './caller-identity.ts';
import {
  challenges,
  type DigestAlgorithm,
  type DigestAnswer,
  digestHash,
  parseAuthorization,
  verifyResponse,
} from './digest.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { Nonces } from './nonces.ts';
import { TriesLedger } from './tries-ledger.ts';

export interface AuthenticationSettings extends IdentitySettings {
  /** Names the protection space in challenges. */
  readonly realm: string;
  /**
   * Digests on offer, the preferred one first; all, strongest first, when absent. User agents that look at the first challenge only
   * and know nothing but MD5 need a list that begins with it (RFC 8760 2.4 has the user agent choose).
   */
  readonly algorithms?: readonly DigestAlgorithm[];
}

export type Authentication =
  | { readonly act: 'known'; readonly identity: CallerIdentity }
  /** Answer 401 with these values of WWW-Authenticate. */
  | { readonly act: 'challenge'; readonly challenges: readonly string[] }
  /** Too many wrong answers: answer 403. */
  | { readonly act: 'refuse' };

const claimsOf = (request: IncomingRequest): IdentityClaims => ({
  from: request.header('From'),
  assertedIdentity: request.header('P-Asserted-Identity'),
  privacy: request.header('Privacy'),
  source: request.source,
});

export class Authenticator {
  readonly #settings: AuthenticationSettings;
  readonly #credentials: Credentials;
  readonly #log: Logger;
  readonly #nonces = new Nonces();
  readonly #tries = new TriesLedger();
  readonly #opaque = randomBytes(12).toString('base64url');
  /** What an unknown user is measured against, so that the work is the same. */
  readonly #nobody = digestHash('SHA-256', randomBytes(16).toString('hex'));

  constructor(settings: AuthenticationSettings, credentials: Credentials, log: Logger) {
    this.#settings = settings;
    this.#credentials = credentials;
    this.#log = log;
  }

  /** Who sends this request. `always` asks everybody but trusted peers, whatever the settings say. */
  async identify(request: IncomingRequest, always = false): Promise<Authentication> {
    const claims = claimsOf(request);
    const answer = parseAuthorization(request.header('Authorization'), this.#settings.realm);
    if (answer && this.#settings.algorithms?.includes(answer.algorithm) !== false) {
      return this.#judge(request, claims, answer);
    }
    const asked = always
      ? !isTrusted(claims.source, this.#settings.trustedPeers)
      : needsChallenge(claims, this.#settings);
    if (asked) return this.#challenge(false);
    return { act: 'known', identity: callerIdentity(claims, this.#settings, null) };
  }

  async #judge(request: IncomingRequest, claims: IdentityClaims, answer: DigestAnswer): Promise<Authentication> {
    const now = performance.now();
    const who = `${request.source.address} ${answer.username}`;
    if (this.#tries.exhausted(who, now)) return { act: 'refuse' };
    const nonce = this.#nonces.check(answer.nonce, now);
    if (nonce === 'foreign') return this.#challenge(false);
    const aor = await this.#proved(request.method, answer);
    if (aor === null) {
      // A stale nonce is no try: its answer cannot be told from a wrong one by anybody who guesses.
      this.#tries.wrong(who, now);
      this.#log.info({ peer: request.source.address }, 'wrong digest credentials');
      return this.#tries.exhausted(who, now) ? { act: 'refuse' } : this.#challenge(false);
    }
    const use = this.#nonces.use(answer.nonce, Number.parseInt(answer.nc, 16), performance.now());
    if (use === 'fresh') {
      this.#tries.right(who);
      return { act: 'known', identity: callerIdentity(claims, this.#settings, aor) };
    }
    return this.#challenge(use === 'stale' || use === 'replayed');
  }

  /** The AOR that the answer proves, or null. Does the same work for an unknown user. */
  async #proved(method: string, answer: DigestAnswer): Promise<Aor | null> {
    const found = await this.#credentials.find(answer.username, answer.realm);
    const ha1 = ha1Of(found, answer);
    const right = verifyResponse(answer, method, ha1 ?? this.#nobody);
    return found && ha1 !== null && right ? found.aor : null;
  }

  #challenge(stale: boolean): Authentication {
    const nonce = this.#nonces.issue(performance.now());
    const { realm, algorithms } = this.#settings;
    return { act: 'challenge', challenges: challenges(realm, nonce, this.#opaque, stale, algorithms) };
  }
}

const ha1Of = (credential: Credential | null, answer: DigestAnswer): string | null =>
  (answer.algorithm === 'MD5' ? credential?.ha1.md5 : credential?.ha1.sha256) ?? null;
