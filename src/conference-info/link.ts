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
  /** RFC 4579 4.2: what the focus's Contact names: an address of the SIP server (the default), or the conference URI itself. */
  readonly contact?: 'address' | 'conference';
  /** What else is told of the conference. */
  readonly about?: LinkDescription;
}

/** RFC 4575 5.3, 5.4: what the operator wrote about a conference; null and empty where nothing. */
export interface LinkDescription {
  readonly freeText: string | null;
  /** Without white space. */
  readonly keywords: readonly string[];
  /** Canonical `sip:` and `tel:` URIs that lead to the conference as well. */
  readonly furtherUris: readonly string[];
  readonly host: {
    readonly name: string | null;
    readonly webPage: string | null;
    readonly uris: readonly string[];
  } | null;
  readonly mediaNames: { readonly audio: string | null; readonly chat: string | null };
}

/** Most owners that a link remembers. */
export const mostOwners = 200;

/**
 * Fact: what is linked, and whether calls are taken. Owner: muc-bridge. `closed` lasts until somebody reopens the link: what
 * an operator closed, only an operator; what closed because its room was destroyed, the owners of that room as well.
 */
export interface LinkFact {
  readonly room: string;
  readonly conference: string;
  readonly state: 'open' | 'closed';
  /** Why it is closed, for people; null when open. */
  readonly reason: string | null;
  /** Of a closed link: whether its room was destroyed, or an operator closed it. Earlier versions did not say: then only an operator reopens it. */
  readonly closedBy?: 'room' | 'operator';
  /**
   * Bare JIDs that owned the room when it was destroyed, never the focus itself, `mostOwners` at most. They stand until these people
   * own the room again, so for a moment after the link was reopened, too.
   */
  readonly owners?: readonly string[];
  /** RFC 4575 5.5.3: who is in the call stays, nobody else is let in. Of an open link; gone when the lock is lifted, and with the end of the conference. */
  readonly locked?: LinkLock;
}

/** Who locked a conference, and why, in their words. */
export interface LinkLock {
  readonly by: string;
  readonly reason: string | null;
}
