/** The room's role caps a participant's media (RFC 4353 4.1; XEP-0045 voice): which mute reasons must stand on a leg. */
import { type LegFact, type MuteReason, muteReasons } from '../conference-info/leg.ts';
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import type { Bindings } from '../identity/binding.ts';
import type { PolicySettings } from './settings.ts';
import { hasVoice } from './standing.ts';

/** True when the room keeps this leg from being heard. */
function cappedByRoom(
  leg: Pick<LegFact, 'aor' | 'floor'>,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
): boolean {
  const jid = jidOfLeg(leg, bindings);
  if (jid !== null) return !hasVoice(jid, meeting, settings);
  return settings.phonesStartMuted && !leg.floor && (meeting.room?.moderated ?? false);
}

/** The reasons that must stand, in the order of `muteReasons`: the room's as the facts say, `operator` and `self` as they are. */
export function wantedMutes(
  leg: Pick<LegFact, 'aor' | 'floor' | 'mutes'>,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
): readonly MuteReason[] {
  const capped = cappedByRoom(leg, meeting, bindings, settings);
  return muteReasons.filter((reason) => (reason === 'room' ? capped : leg.mutes.includes(reason)));
}
