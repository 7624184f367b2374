/** RFC 4575 3.5, 8.1: who may watch a conference, and which view of it they get. Pure. */
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import { personOfLeg } from '../conference-info/person.ts';
import type { View } from '../conference-info/user.ts';
import type { Aor } from '../identity/aor.ts';
import type { Bindings } from '../identity/binding.ts';
import { keptOut } from '../policy/admission.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { affiliationOf, occupantsOf } from '../policy/standing.ts';

/**
 * `moderators`: of the room; `participants`: who is in the call or the room, and moderators; `accounts`: everybody who can prove who
 * they are; `anyone`. Who is kept out of the room may not watch either.
 */
export const watchings = ['moderators', 'participants', 'accounts', 'anyone'] as const;
export type Watching = (typeof watchings)[number];

/** `barred`: kept out of the room or its call; `outside`: not one of those who may watch, which can be different in a moment. */
export type WatchRight =
  | {
      readonly act: 'watch';
      readonly view: View;
      /** Key of the person they are, who is shown more of themselves than others are; null for who is nobody here. */
      readonly self: string | null;
    }
  | {
      readonly act: 'refuse';
      readonly status: number;
      readonly text: string;
      readonly why: 'barred' | 'outside';
    };

/** A proved AOR or null, and the call that they watch from: SUBSCRIBE came inside its dialog. */
export interface WatcherClaim {
  readonly aor: Aor | null;
  readonly leg: string | null;
}

/** What rights depend on. */
export interface WatchRules {
  readonly watching: Watching;
  readonly policy: PolicySettings;
}

const outside = (text: string): WatchRight => ({ act: 'refuse', status: 403, text, why: 'outside' });

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

/** Key of the person that a watcher is, see `personOfLeg`; null for who proves nothing and is in no call. */
export const personOfWatcher = ({ aor, leg }: WatcherClaim, bindings: Bindings): string | null =>
  aor === null && leg === null ? null : personOfLeg({ aor, leg: leg ?? '' }, bindings);

/** Decides on a watcher. */
export function mayWatch(
  watcher: WatcherClaim,
  { watching, policy }: WatchRules,
  meeting: Meeting,
  bindings: Bindings,
): WatchRight {
  const { aor } = watcher;
  const jid = jidOfLeg({ aor }, bindings);
  const barred = keptOut(aor, meeting, bindings, policy);
  if (barred) return { act: 'refuse', ...barred, why: 'barred' };
  const view = viewOf(jid, meeting);
  const granted: WatchRight = { act: 'watch', view, self: personOfWatcher(watcher, bindings) };
  if (watching === 'anyone') return granted;
  if (aor === null && watcher.leg === null) return outside('Please prove who you are');
  if (watching === 'accounts' || view === 'moderator') return granted;
  if (watching === 'moderators') return outside('Only moderators may watch');
  if (watcher.leg !== null || (aor !== null && takesPart(aor, jid, meeting))) return granted;
  return outside('Only participants may watch');
}
