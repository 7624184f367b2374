/** RFC 4575 3.5, 8.1: who may watch a conference, and which view of it they get. Pure. */
import type { LinkSettings } from '../conference-info/link.ts';
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import type { View } from '../conference-info/user.ts';
import type { Aor } from '../identity/aor.ts';
import type { Bindings } from '../identity/binding.ts';
import { admit } from '../policy/admission.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { affiliationOf, occupantsOf } from '../policy/standing.ts';

/** `participants`: who is in the call or the room; `accounts`: everybody who can prove who they are; `anyone`. */
export type Watching = 'participants' | 'accounts' | 'anyone';

export type WatchRight =
  | { readonly act: 'watch'; readonly view: View }
  | { readonly act: 'refuse'; readonly status: number; readonly text: string };

const refuse = (status: number, text: string): WatchRight => ({ act: 'refuse', status, text });

function takesPart(aor: Aor, jid: string | null, meeting: Meeting): boolean {
  if (jid !== null && occupantsOf(jid, meeting).length > 0) return true;
  return [...meeting.legs.values()].some((leg) => leg.aor === aor);
}

/** Moderators of the room see what ordinary people do not. */
function viewOf(jid: string | null, meeting: Meeting): View {
  if (jid === null) return 'ordinary';
  const affiliation = affiliationOf(jid, meeting);
  if (affiliation === 'owner' || affiliation === 'admin') return 'moderator';
  return occupantsOf(jid, meeting).some((occupant) => occupant.role === 'moderator') ? 'moderator' : 'ordinary';
}

/** Decides on a watcher. `aor` is a proved one or null; `inCall`: the SUBSCRIBE came inside the dialog of a leg. */
export function mayWatch(
  watcher: { readonly aor: Aor | null; readonly inCall: boolean },
  watching: Watching,
  link: LinkSettings,
  meeting: Meeting,
  bindings: Bindings,
  policy: PolicySettings,
): WatchRight {
  const { aor, inCall } = watcher;
  const jid = jidOfLeg({ aor }, bindings);
  const open = { ...link, maximumUsers: Number.POSITIVE_INFINITY };
  const admission = admit(aor, open, meeting, bindings, { ...policy, anonymousCallers: 'allow' });
  if (admission.act === 'refuse') return refuse(admission.status, admission.text);
  const view = viewOf(jid, meeting);
  if (inCall || watching === 'anyone') return { act: 'watch', view };
  if (aor === null) return refuse(403, 'Please prove who you are');
  if (watching === 'accounts' || takesPart(aor, jid, meeting)) return { act: 'watch', view };
  return refuse(403, 'Only participants may watch');
}
