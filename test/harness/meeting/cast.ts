/** The people of a test's meeting: who has an XMPP account, who a SIP account, and whom the directory knows as both. */

/** A person. `jid` null: has a phone only. `aor` null: has no SIP account. With both, the directory binds them. */
export interface Person {
  readonly name: string;
  /** Bare JID; the local part is the name. */
  readonly jid: string | null;
  /** Address of record; the digest username is the name. */
  readonly aor: string | null;
  /** Password of both accounts; '' for a stranger, who has none. */
  readonly password: string;
  /** What their phone sends, in Hz; no tone is a harmonic of another. */
  readonly tone: number;
}

/** Domain of the SIP accounts, and their digest realm: not the XMPP domain, so that only the directory can bind an AOR to a JID. */
export const SIP_DOMAIN = 'sip.test';
/** Where phones without an account say they are from. */
const FOREIGN_DOMAIN = 'elsewhere.test';

/** Sent by phones of people who are not in the cast. */
const FOREIGN_TONE = 1730;

function person(name: string, tone: number, has: { jid: boolean; aor: boolean }, xmppDomain: string): Person {
  return {
    name,
    jid: has.jid ? `${name}@${xmppDomain}` : null,
    aor: has.aor ? `sip:${name}@${SIP_DOMAIN}` : null,
    password: `${name}-has-a-secret`,
    tone,
  };
}

/**
 * alice (owner of the rooms), bob, carol and dave have both accounts and are bound; erin has a SIP account and frank an XMPP
 * account, nothing else.
 */
export function castOf(xmppDomain: string): readonly Person[] {
  const both = { jid: true, aor: true };
  return [
    person('alice', 425, both, xmppDomain),
    person('bob', 610, both, xmppDomain),
    person('carol', 790, both, xmppDomain),
    person('dave', 1030, both, xmppDomain),
    person('erin', 1370, { jid: false, aor: true }, xmppDomain),
    person('frank', 1490, { jid: true, aor: false }, xmppDomain),
  ];
}

/** The name as people see it. */
export const displayNameOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Somebody who is not in the cast: calls from elsewhere and can prove nothing. */
export const stranger = (name: string): Person => ({
  name,
  jid: null,
  aor: `sip:${name}@${FOREIGN_DOMAIN}`,
  password: '',
  tone: FOREIGN_TONE,
});
