/** RFC 4575 5.6 to 5.8: a person in a conference and their ways in, as one kind of viewer sees them. */

/** Who looks: participants and other watchers, or somebody who may moderate. */
export const views = ['ordinary', 'moderator'] as const;
export type View = (typeof views)[number];

/** 5.8: one medium, from the participant's point of view. */
export interface Medium {
  /**
   * SDP media name. A room carries whole messages, which SDP calls `message` (RFC 4975); `text` is real-time text, character by
   * character (RFC 4103), which a room is not.
   */
  readonly type: 'audio' | 'message';
  readonly status: 'sendrecv' | 'recvonly' | 'inactive';
}

/** 5.7: a call leg, or an occupant of the room. */
export interface Endpoint {
  readonly entity: string;
  readonly displayText: string | null;
  readonly status: 'connected' | 'on-hold' | 'muted-via-focus';
  readonly joiningMethod: 'dialed-in' | 'dialed-out' | null;
  /** ISO 8601 UTC, or null when not known. */
  readonly joinedAt: string | null;
  readonly medium: Medium;
}

/** 5.6: a participant. */
export interface User {
  readonly entity: string;
  readonly displayText: string;
  /** Further addresses of the person that this viewer may see. */
  readonly associatedAors: readonly string[];
  /** For people to read; may be empty. */
  readonly roles: readonly string[];
  /** At least one. */
  readonly endpoints: readonly Endpoint[];
}
