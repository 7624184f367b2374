/** A call leg: one SIP dialog of the focus and its media. Owner: the sip-focus instance that holds the dialog. */
import type { Aor } from '../identity/aor.ts';
import type { Direction } from './user.ts';

/** Why a leg is muted: `room` = its person has no voice in the room; `operator` = muted at the mixer on request; `self` = by the caller. */
export const muteReasons = ['room', 'operator', 'self'] as const;
export type MuteReason = (typeof muteReasons)[number];

/** RFC 4575 5.7.4: how a call stands. That it is muted is told by `muted`. */
export const legStatuses = [
  'pending',
  'dialing-in',
  'dialing-out',
  'alerting',
  'on-hold',
  'connected',
  'disconnecting',
  'disconnected',
] as const;
export type LegStatus = (typeof legStatuses)[number];

/** Fact, key = leg id. Withdrawn when the leg has ended. */
export interface LegFact {
  /** `[a-z0-9-]{1,64}`, random. */
  readonly leg: string;
  /** Configured name of the focus instance that holds the dialog, and its start (a new one per process start). */
  readonly instance: string;
  readonly generation: string;
  /** The AOR that the caller proved; null for everybody else. */
  readonly aor: Aor | null;
  readonly proof: 'digest' | 'trusted-peer' | null;
  /** RFC 4575 5.6 entity of a leg that proves no AOR: `sip:<random>@anonymous.invalid`, the same for the whole call. */
  readonly pseudonym: string;
  /**
   * The entity where the proved AOR is a telephone number and the viewer may not see it: `sip:<keyed hash>@number.invalid`, the same for
   * every call of this number to this conference. Absent: `pseudonym` does for it.
   */
  readonly masked?: string;
  /** Label the caller sent (display name, or user part); unproved, shown only. Null when withheld. */
  readonly label: string | null;
  /** The caller asked for privacy (RFC 3323, RFC 3325): for all but themselves nothing ties this call to a person. Absent: false. */
  readonly withheld?: boolean;
  readonly method: 'dialed-in' | 'dialed-out';
  readonly status: LegStatus;
  /** ISO 8601 UTC: joined, or begun when it has not been answered yet. */
  readonly joinedAt: string;
  /** Why it was brought in, for people, and by whom (URI). */
  readonly joining?: { readonly reason: string | null; readonly by: string | null };
  /** Who asked for it with REFER (URI), when (ISO 8601 UTC) and why. */
  readonly referred?: { readonly when: string | null; readonly reason: string | null; readonly by: string | null };
  /** Why it is muted; the leg is muted while this is not empty. */
  readonly mutes: readonly MuteReason[];
  /** What the mixer last reported. */
  readonly muted: boolean;
  /** A moderator gave this phone-only caller voice in a moderated room. */
  readonly floor: boolean;
  /** Id of the person's expulsion that stood on admission, see ExpulsionFact. */
  readonly expulsion: string | null;
  /** Dialog id of the SIP server, good for requests of a later process. */
  readonly dialogId: string;
  readonly callId: string;
  /** Tags of From and To in its INVITE. */
  readonly fromTag?: string;
  readonly toTag?: string;
  /** What the caller's SDP says: direction of the audio, seen from the caller, and its RTP source (SSRC, decimal). */
  readonly direction?: Direction;
  readonly sourceId?: string;
  /** RFC 5646 tags, best first: what the caller understands. */
  readonly languages?: readonly string[];
  /** RFC 4579: the caller is a focus itself, of this conference. */
  readonly cascadedFocus?: string;
  /** RFC 4575 5.7 endpoint entity: the caller's Contact URI without parameters that are private; null when withheld. */
  readonly contact: string | null;
  readonly mixer: string;
  readonly mixerRef: Readonly<Record<string, string>>;
}

/** Fact, key = AOR: a proved AOR without a JID that must not call again (for people with a JID the room's ban list counts). */
export interface CallerBanFact {
  readonly aor: Aor;
  readonly reason: string | null;
  readonly by: string | null;
}
