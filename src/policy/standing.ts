/** A person's standing in a room, from all that the facts say of them (XEP-0045 5). */
import type { Meeting } from '../conference-info/meeting.ts';
import { type Affiliation, type OccupantFact, roles } from '../conference-info/occupant.ts';
import type { PolicySettings } from './settings.ts';

/** Affiliation of a bare JID: what an occupant presence says, else the room's lists; outcast anywhere is outcast. */
export function affiliationOf(jid: string, meeting: Meeting): Affiliation {
  const listed = meeting.affiliations.get(jid)?.affiliation ?? 'none';
  if (listed === 'outcast') return 'outcast';
  const seen = occupantsOf(jid, meeting).map((occupant) => occupant.affiliation);
  return seen.includes('outcast') ? 'outcast' : (seen[0] ?? listed);
}

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

/** True for a member or better. */
export const isMember = (jid: string, meeting: Meeting): boolean => {
  const affiliation = affiliationOf(jid, meeting);
  return affiliation !== 'none' && affiliation !== 'outcast';
};
