/** That an AOR and a JID belong to one person, and how it is known (RFC 7081 3, "CUSAX account"). */
import type { Aor } from './aor.ts';

/** How a binding was proved, weakest first. A hint (Call-Info, XEP-0152) is no proof and never makes a binding. */
export const proofs = ['vcard-one-way', 'vcard-both-ways', 'directory'] as const;
export type Proof = (typeof proofs)[number];

/** A proved binding: what its directory says now. */
export interface Binding {
  readonly aor: Aor;
  /** Bare JID. */
  readonly jid: string;
  readonly proof: Proof;
}

/** Bindings by AOR. */
export type Bindings = ReadonlyMap<string, Binding>;
