/** A link: one room and one conference that belong together, and whether it is open. */

/** What the operator wrote for a link. */
export interface LinkSettings {
  /** Opaque, `[a-z0-9-]{1,64}`: the name on the bus and in the mixer. */
  readonly id: string;
  /** Bare JID of the room. */
  readonly room: string;
  /** Conference URI (RFC 4353), canonical. */
  readonly conference: string;
  /** Shown as conference description until the room says better. */
  readonly name: string;
  /** Most call legs at once. */
  readonly maximumUsers: number;
}

/** Fact: what is linked, and whether calls are taken. Owner: muc-bridge. `closed` lasts until somebody reopens the link. */
export interface LinkFact {
  readonly room: string;
  readonly conference: string;
  readonly state: 'open' | 'closed';
  /** Why it is closed, for people; null when open. */
  readonly reason: string | null;
}
