/** A person's standing in a room, from all that the facts say of them (XEP-0045 5). */
import type { Meeting } from '../conference-info/meeting.ts';
import { type Affiliation, type OccupantFact, roles } from '../conference-info/occupant.ts';
import type { PolicySettings } from './settings.ts';

/**
 * Affiliation of a bare JID: what an occupant presence says, else the room's lists. Outcast anywhere is outcast, and the word
 * on who is being put out is newer than what is known of their other occupants.
 */
export function affiliationOf(jid: string, meeting: Meeting): Affiliation {
  const listed = meeting.affiliations.get(jid)?.affiliation ?? 'none';
  const seen = occupantsOf(jid, meeting);
  if (listed === 'outcast' || seen.some(({ affiliation }) => affiliation === 'outcast')) return 'outcast';
  return (putOut(seen) ?? seen[0])?.affiliation ?? listed;
}

const putOut = (seen: readonly OccupantFact[]): OccupantFact | undefined => seen.find(({ role }) => role === 'none');

/** In whose words and by whom somebody is being put out of the room, while the word on it is all that stands. */
export const wordsOnLeaving = (jid: string, meeting: Meeting): Pick<OccupantFact, 'reason' | 'by'> =>
  putOut(occupantsOf(jid, meeting)) ?? {};

/** Every occupant of a bare JID, by nick. */
export const occupantsOf = (jid: string, meeting: Meeting): readonly OccupantFact[] =>
  [...meeting.occupants.values()].filter((occupant) => occupant.jid === jid).sort((a, b) => (a.nick < b.nick ? -1 : 1));

const mayModerate: ReadonlySet<Affiliation> = new Set(['owner', 'admin']);

function mutedAsOccupant(occupant: OccupantFact, meeting: Meeting, settings: PolicySettings): boolean {
  if (roles.indexOf(occupant.role) > roles.indexOf('visitor')) return false;
  if (occupant.cause === 'revoked' || occupant.cause === 'unknown') return true;
  return (meeting.room?.moderated ?? false) || settings.visitorsMutedInUnmoderated;
}

/** True when the room lets this person speak: the strictest of their occupants counts; away, what they would get on entering. */
export function hasVoice(jid: string, meeting: Meeting, settings: PolicySettings): boolean {
  if (meeting.voicesTaken.has(jid)) return false;
  const present = occupantsOf(jid, meeting);
  if (present.length > 0) return !present.some((occupant) => mutedAsOccupant(occupant, meeting, settings));
  const affiliation = affiliationOf(jid, meeting);
  const open = !(meeting.room?.moderated ?? false) || (meeting.room?.guestsHaveVoice ?? false);
  return open || affiliation === 'member' || mayModerate.has(affiliation);
}

/** True for an owner or admin of the room. */
export const isOwnerOrAdmin = (jid: string, meeting: Meeting): boolean => mayModerate.has(affiliationOf(jid, meeting));

/** True for a member or better. */
export const isMember = (jid: string, meeting: Meeting): boolean => {
  const affiliation = affiliationOf(jid, meeting);
  return affiliation !== 'none' && affiliation !== 'outcast';
};
