/** RFC 4353 3.1: which conference a request is for, by its Request-URI. */
import type { LinkSettings } from '../conference-info/link.ts';
import { type Aor, canonicalAor, hostOfAor } from '../identity/aor.ts';

const userOf = (aor: Aor): string => /^sip:([^@]+)@/.exec(aor)?.[1] ?? '';

/** The links of this service by conference URI. */
export class Foci {
  readonly #links: readonly LinkSettings[];
  readonly #byUri = new Map<string, LinkSettings>();
  readonly #byUserAndHost = new Map<string, LinkSettings>();
  /** Null where two conferences share a user part: then a bare address does not tell them apart. */
  readonly #byUser = new Map<string, LinkSettings | null>();

  constructor(links: readonly LinkSettings[]) {
    this.#links = links;
    for (const link of links) {
      const uri = canonicalAor(link.conference);
      if (uri === null) continue;
      const user = userOf(uri);
      this.#byUri.set(uri, link);
      this.#byUserAndHost.set(`${user}@${hostOfAor(uri)}`, link);
      this.#byUser.set(user, this.#byUser.has(user) ? null : link);
    }
  }

  /**
   * The link that a Request-URI leads to, or null. A port that the configured URI lacks does not matter, and our own Contact
   * (an address of the SIP server) leads to the conference as well: watchers send there.
   */
  find(requestUri: string, serverHosts: readonly string[]): LinkSettings | null {
    const uri = canonicalAor(requestUri);
    if (uri === null || !uri.startsWith('sip:')) return null;
    const exact = this.#byUri.get(uri) ?? this.#byUserAndHost.get(`${userOf(uri)}@${hostOfAor(uri)}`);
    if (exact) return exact;
    return serverHosts.includes(hostOfAor(uri)) ? (this.#byUser.get(userOf(uri)) ?? null) : null;
  }

  byId(id: string): LinkSettings | null {
    return this.#links.find((link) => link.id === id) ?? null;
  }

  get all(): readonly LinkSettings[] {
    return this.#links;
  }
}

/**
 * The Contact of a focus (RFC 4579 4.2). The SIP server puts its own address for `localhost` in answers; where the conference URI
 * itself leads there, that is the better name: some clients take only documents about the address in the Contact.
 */
export function focusContact({ conference, contact }: LinkSettings): string {
  const uri =
    contact === 'conference' ? conference : `sip:${/^sip:([^@]+)@/.exec(conference)?.[1] ?? 'focus'}@localhost`;
  return `<${uri}>;isfocus`;
}
