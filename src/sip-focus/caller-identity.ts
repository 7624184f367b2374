/** RFC 3325, RFC 3323, RFC 3261 22: who is calling, and how far that is proved. Pure. */
import { type Aor, canonicalAor, displayOfHeader, hostOfAor, uriOfHeader } from '../identity/aor.ts';

/** A peer whose word on identities is taken: IP address, with a port only when it always sends from it. */
export interface TrustedPeer {
  readonly address: string;
  readonly port?: number;
}

export interface IdentitySettings {
  /** `offer`: who claims an account of ours is challenged; `require`: everybody but trusted peers is. */
  readonly authentication: 'offer' | 'require';
  /** Domains of AORs whose owners can prove themselves here, lower case. */
  readonly accountDomains: readonly string[];
  readonly trustedPeers: readonly TrustedPeer[];
}

/** What a request says of its sender; header values or null. */
export interface IdentityClaims {
  readonly from: string | null;
  readonly assertedIdentity: string | null;
  readonly privacy: string | null;
  readonly source: { readonly address: string; readonly port: number };
}

export interface CallerIdentity {
  readonly aor: Aor | null;
  /** Of a trusted peer also where it names nobody: where the call comes from is the peer's own address. */
  readonly proof: 'digest' | 'trusted-peer' | null;
  /** What to call them; unproved, null when withheld. */
  readonly label: string | null;
  /** The caller asked to be anonymous: neither address nor label may be shown. */
  readonly withheld: boolean;
}

const normalAddress = (address: string): string =>
  address
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:(?=\d+\.)/, '');

/** True when the request came straight from a peer that is trusted. */
export function isTrusted(source: IdentityClaims['source'], peers: readonly TrustedPeer[]): boolean {
  const address = normalAddress(source.address);
  return peers.some(
    (peer) => normalAddress(peer.address) === address && (peer.port === undefined || peer.port === source.port),
  );
}

/** RFC 3323 4.2, RFC 3325 9.3: privacy of the identity was asked for, by header or by an anonymous From. */
function wantsPrivacy(claims: IdentityClaims): boolean {
  const asked = (claims.privacy ?? '').toLowerCase().split(/[;,\s]+/);
  if (asked.includes('id') || asked.includes('user') || asked.includes('header')) return true;
  const uri = uriOfHeader(claims.from ?? '')?.toLowerCase() ?? '';
  return /^sips?:[^@]*@(?:[^;?]*\.)?anonymous\.invalid(?:[:;?]|$)/.test(uri) || /^sips?:anonymous@/.test(uri);
}

/** RFC 4575 5.6: addresses under `.invalid` are what we show nameless callers as, so that nobody may be called by one. */
function namedAor(header: string): Aor | null {
  const aor = canonicalAor(uriOfHeader(header) ?? '');
  return aor === null || /(?:^|\.)invalid$/.test(hostOfAor(aor)) ? null : aor;
}

/** The first usable AOR of a comma list of name-addrs; a `sip:` one is preferred to a `tel:` one (RFC 3325 9.1 allows one of each). */
function assertedAor(value: string | null): Aor | null {
  if (value === null) return null;
  const entries = value.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/);
  const aors = entries.map(namedAor).filter((aor) => aor !== null);
  return aors.find((aor) => aor.startsWith('sip:')) ?? aors[0] ?? null;
}

const claimedAor = (claims: IdentityClaims): Aor | null => namedAor(claims.from ?? '');

/** In code points. */
const longestLabel = 64;

/** Display name, or the user part of From; cut to what a person reads. */
function labelOf(from: string | null): string | null {
  if (from === null) return null;
  const user = /^sips?:([^@;?]+)@/i.exec(uriOfHeader(from) ?? '')?.[1] ?? null;
  const label = displayOfHeader(from) ?? decoded(user);
  const readable = label
    ?.replace(/\p{C}+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return readable ? [...readable.slice(0, 2 * longestLabel)].slice(0, longestLabel).join('') : null;
}

function decoded(user: string | null): string | null {
  if (user === null) return null;
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/** Whether this caller must answer a challenge before anything else. */
export function needsChallenge(claims: IdentityClaims, settings: IdentitySettings): boolean {
  if (isTrusted(claims.source, settings.trustedPeers)) return false;
  if (settings.authentication === 'require') return true;
  const aor = claimedAor(claims);
  return aor !== null && settings.accountDomains.includes(hostOfAor(aor));
}

/** Who is calling. `proved` is the AOR of a right digest answer, or null. */
export function callerIdentity(claims: IdentityClaims, settings: IdentitySettings, proved: Aor | null): CallerIdentity {
  const withheld = wantsPrivacy(claims);
  const label = withheld ? null : labelOf(claims.from);
  if (proved !== null) return { aor: proved, proof: 'digest', label, withheld };
  if (!isTrusted(claims.source, settings.trustedPeers)) return { aor: null, proof: null, label, withheld };
  const asserted = assertedAor(claims.assertedIdentity);
  const aor = asserted ?? (withheld ? null : claimedAor(claims));
  return { aor, proof: 'trusted-peer', label, withheld };
}
