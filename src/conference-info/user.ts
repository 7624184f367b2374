/** RFC 4575 5.6 to 5.8: a person in a conference and their ways in, as one kind of viewer sees them. */

/** Who looks: participants and other watchers, or somebody who may moderate. */
export const views = ['ordinary', 'moderator'] as const;
export type View = (typeof views)[number];

/** How a person is shown: to a kind of viewer, or to themselves, who are the same users as in the ordinary view, with what is theirs to know. */
export type Showing = View | 'self';

/** 5.8.5: direction of a medium, from the participant's point of view. */
export const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
export type Direction = (typeof directions)[number];

/** 5.8: one medium of an endpoint. */
export interface Medium {
  /** 5.8: unique in its endpoint. */
  readonly id: string;
  readonly displayText: string | null;
  /**
   * SDP media name. A room carries whole messages, which SDP calls `message` (RFC 4975); `text` is real-time text, character by
   * character (RFC 4103), which a room is not.
   */
  readonly type: 'audio' | 'video' | 'message';
  /** 5.8.3: label of the conference's medium that this one is part of. */
  readonly label: string | null;
  /** 5.8.4: the RTP source (SSRC, decimal) when it is known. */
  readonly sourceId: string | null;
  readonly status: Direction;
}

/** 5.7.4. */
export const endpointStatuses = [
  'pending',
  'dialing-out',
  'dialing-in',
  'alerting',
  'on-hold',
  'connected',
  'muted-via-focus',
  'disconnecting',
  'disconnected',
] as const;
export type EndpointStatus = (typeof endpointStatuses)[number];

/** 5.7.5. */
export type JoiningMethod = 'dialed-in' | 'dialed-out' | 'focus-owner';

/** 5.7.7. */
export const disconnectionMethods = ['departed', 'booted', 'failed', 'busy'] as const;
export type DisconnectionMethod = (typeof disconnectionMethods)[number];

/** 5.7.3, 5.7.6, 5.7.8: when something was done, why, and by whom. Null where it is not known, or not for this viewer. */
export interface Execution {
  /** ISO 8601 UTC. */
  readonly when: string | null;
  readonly reason: string | null;
  /** URI. */
  readonly by: string | null;
}

/** 5.7.10: the SIP dialog of an endpoint. Only for those who may see it. */
export interface CallInfo {
  readonly displayText: string | null;
  readonly callId: string;
  readonly fromTag: string;
  readonly toTag: string;
}

/** 5.7: a call leg, or an occupant of the room. */
export interface Endpoint {
  readonly entity: string;
  readonly displayText: string | null;
  /** Who asked for it to be brought in (REFER), or null. */
  readonly referred: Execution | null;
  readonly status: EndpointStatus;
  readonly joiningMethod: JoiningMethod | null;
  readonly joiningInfo: Execution | null;
  readonly disconnectionMethod: DisconnectionMethod | null;
  readonly disconnectionInfo: Execution | null;
  readonly media: readonly Medium[];
  readonly callInfo: CallInfo | null;
}

/** 5.6: a participant. */
export interface User {
  readonly entity: string;
  readonly displayText: string;
  /** Further addresses of the person that this viewer may see. */
  readonly associatedAors: readonly string[];
  /** For people to read; may be empty. */
  readonly roles: readonly string[];
  /** Language tags (RFC 5646); may be empty. */
  readonly languages: readonly string[];
  /** 5.6.5: URI of the conference that this user is the focus of, or null. */
  readonly cascadedFocus: string | null;
  /** At least one. */
  readonly endpoints: readonly Endpoint[];
}
