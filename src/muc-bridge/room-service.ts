/** Port: what this service does in rooms (XEP-0045), whichever server has them. */
import type { Affiliation, AffiliationFact, Role } from '../conference-info/occupant.ts';
import type { FormFields } from './data-form.ts';
import type { XmlElement } from './element.ts';

/** What a room or its server answers: done, or why not (RFC 6120 8.3.3 condition). Never rejects for a refusal. */
export type RoomAnswer<T = null> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly condition: string; readonly text: string };

/** What disco#info of a room says. */
export interface RoomInfo {
  readonly name: string | null;
  readonly moderated: boolean;
  /** Whoever enters without an affiliation has voice: in rooms that are not moderated, and where the server's own option says so. */
  readonly guestsHaveVoice: boolean;
  readonly membersOnly: boolean;
  readonly passwordProtected: boolean;
  readonly nonAnonymous: boolean;
  readonly persistent: boolean;
  /** `audio-video-uri` of the muc#roominfo form. */
  readonly audioVideoUri: string | null;
}

/** An occupant in a role list (XEP-0045 9.5). */
export interface ListedOccupant {
  readonly nick: string;
  readonly jid: string | null;
  readonly role: Role;
}

/** A badge on an occupant (XEP-0317). */
export interface Hat {
  readonly uri: string;
  readonly title: string;
}

/** All rooms are bare JIDs. Methods reject only when the link is down (XMPP_UNAVAILABLE) or silent (XMPP_TIMEOUT). */
export interface RoomService {
  /** Full JID as which the focus is in rooms. */
  readonly focus: string;
  /** Sends the join presence; the outcome arrives as presence. */
  join(room: string, nick: string, password: string | null): Promise<void>;
  leave(room: string, nick: string): Promise<void>;
  setRole(room: string, nick: string, role: Role, reason: string | null): Promise<RoomAnswer>;
  setAffiliation(room: string, jid: string, affiliation: Affiliation, reason: string | null): Promise<RoomAnswer>;
  /** All four lists. */
  affiliations(room: string): Promise<RoomAnswer<readonly AffiliationFact[]>>;
  /** Everybody in the room, by the three role lists. Needs role moderator in the room on ejabberd. */
  occupants(room: string): Promise<RoomAnswer<readonly ListedOccupant[]>>;
  info(room: string): Promise<RoomAnswer<RoomInfo>>;
  ownerForm(room: string): Promise<RoomAnswer<FormFields>>;
  configure(room: string, fields: Readonly<Record<string, string>>): Promise<RoomAnswer>;
  /** Sends the focus's presence in a room anew, with this in it. */
  show(room: string, nick: string, content: XmlElement): Promise<void>;
  /** Groupchat message. */
  say(room: string, text: string): Promise<void>;
  /** Private message to one occupant (XEP-0045 7.5). */
  whisper(room: string, nick: string, text: string): Promise<void>;
  /** Puts a hat on a person or takes it off. */
  setHat(room: string, jid: string, hat: Hat, on: boolean): Promise<RoomAnswer>;
  /** XEP-0410: whether the room still has us; null when it cannot be known now. */
  stillIn(room: string, nick: string): Promise<boolean | null>;
}
