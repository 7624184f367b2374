/** Port: the secrets that SIP digest (RFC 7616, RFC 8760) is checked against, as HA1, never as passwords. */
import type { Aor } from './aor.ts';

/** H(username:realm:password) in lower-case hex, per algorithm on offer. */
export interface Credential {
  readonly username: string;
  /** The AOR that a good answer proves. */
  readonly aor: Aor;
  readonly ha1: { readonly md5?: string; readonly sha256?: string };
}

export interface Credentials {
  /** Null for an unknown user; the caller must take as long for it as for a wrong password. */
  find(username: string, realm: string): Promise<Credential | null>;
}
