/** XEP-0045: facts about a room and the people in it. Owner: muc-bridge. */

export const roles = ['none', 'visitor', 'participant', 'moderator'] as const;
export type Role = (typeof roles)[number];

export const affiliations = ['outcast', 'none', 'member', 'admin', 'owner'] as const;
export type Affiliation = (typeof affiliations)[number];

/**
 * Why an occupant has the role they have: `default` = given on entering; `revoked` = voice was taken while they were in;
 * `granted` = voice or more was given while they were in; `left-over` = the room remembered it from an earlier visit;
 * `unknown` = found so after a restart, without a fact.
 */
export const roleCauses = ['default', 'revoked', 'granted', 'left-over', 'unknown'] as const;
export type RoleCause = (typeof roleCauses)[number];

/** Fact, key = nick: an occupant as seen now. Withdrawn when they have left. The focus's own occupant is no fact. */
export interface OccupantFact {
  readonly nick: string;
  /** Bare real JID; null where the room hides it from the focus. */
  readonly jid: string | null;
  readonly role: Role;
  readonly affiliation: Affiliation;
  readonly cause: RoleCause;
  /** Of who is just being put out (role none): in whose words and by whom. */
  readonly reason?: string | null;
  readonly by?: string | null;
}

/** Fact, one per link: the room as a whole. */
export interface RoomFact {
  /** The focus is in the room now and what is known of it is current. */
  readonly joined: boolean;
  readonly name: string | null;
  readonly subject: string | null;
  readonly moderated: boolean;
  /** Moderated, and yet whoever enters without an affiliation has voice. */
  readonly guestsHaveVoice?: boolean;
  readonly membersOnly: boolean;
  readonly passwordProtected: boolean;
  /** Everybody sees real JIDs. */
  readonly nonAnonymous: boolean;
  /** Where `audio-video-uri` can be read: the room's own disco#info, the focus occupant's, or nowhere. */
  readonly advertised: 'room' | 'focus' | 'none';
}

/** Fact, key = bare JID: a lasting affiliation other than none. */
export interface AffiliationFact {
  readonly jid: string;
  readonly affiliation: Exclude<Affiliation, 'none'>;
  /** Of a ban that was seen: in whose words and by whom; absent when only the lists tell of it. */
  readonly reason?: string | null;
  readonly by?: string | null;
}

/** Fact, key = bare JID: the room took this person's voice. It outlives their visit; withdrawn when voice is given back or the conference has ended. */
export interface VoiceTakenFact {
  readonly jid: string;
  /** Who took it (nick or JID), when the room says. */
  readonly by: string | null;
}

/**
 * Fact, key = bare JID: the last time this person was sent out of the room. A leg notes the `id` that stood when it was admitted;
 * it must end when another id stands, so that a replay or a late starter ends no call made since.
 */
export interface ExpulsionFact {
  readonly id: string;
  readonly jid: string;
  /** kick 307, ban 301, membership 321/322. */
  readonly cause: 'kick' | 'ban' | 'membership';
  readonly reason: string | null;
  readonly by: string | null;
}
