/** RFC 4353 4.1, 5.4: may this caller join the conference, and may this leg stay in it. Pure decisions on facts. */
import type { LegFact } from '../conference-info/leg.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import type { Aor } from '../identity/aor.ts';
import type { Bindings } from '../identity/binding.ts';
import type { PolicySettings } from './settings.ts';
import { affiliationOf, isMember } from './standing.ts';

/** A refusal as SIP says it; `text` is the reason phrase for people. */
export interface Refusal {
  readonly status: 403 | 404 | 486 | 503;
  readonly text: string;
}

/** `join` carries the expulsion id that the leg must note (see ExpulsionFact). */
export type Admission =
  | { readonly act: 'join'; readonly expulsion: string | null }
  | ({ readonly act: 'refuse' } & Refusal);

const refuse = (status: Refusal['status'], text: string): Admission => ({ act: 'refuse', status, text });

/** What keeps somebody out of the room's call, apart from its size; null when nothing does. */
function barrier(
  person: { readonly aor: Aor | null; readonly jid: string | null },
  meeting: Meeting,
  settings: PolicySettings,
): Refusal | null {
  if (meeting.link?.state === 'closed') return { status: 404, text: 'This conference has ended' };
  if (person.aor !== null && meeting.callerBans.has(person.aor)) return { status: 403, text: 'Banned' };
  if (person.jid !== null && affiliationOf(person.jid, meeting) === 'outcast') return { status: 403, text: 'Banned' };
  if (!meeting.room?.membersOnly) return null;
  if (person.jid !== null) return isMember(person.jid, meeting) ? null : { status: 403, text: 'Members only' };
  return settings.phonesInMembersOnly === 'allow' ? null : { status: 403, text: 'Members only' };
}

/** Decides on a new caller. `aor` is a proved one or null. */
export function admit(
  aor: Aor | null,
  link: LinkSettings,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
): Admission {
  const jid = jidOfLeg({ aor }, bindings);
  const against = barrier({ aor, jid }, meeting, settings);
  if (against) return refuse(against.status, against.text);
  // Who is banned, a member or muted is not known before the room has been seen: later is better than wrongly let in.
  if (meeting.room === null) return refuse(503, 'The room of this conference is not known yet');
  if (aor === null && settings.anonymousCallers === 'refuse') return refuse(403, 'Please prove who you are');
  if (meeting.legs.size >= link.maximumUsers) return refuse(486, 'The conference is full');
  return { act: 'join', expulsion: jid === null ? null : (meeting.expulsions.get(jid)?.id ?? null) };
}

/** Why a leg must end now. `cause` is a Q.850-free SIP Reason: status and text (RFC 3326). */
export interface MustLeave {
  readonly status: number;
  readonly text: string;
  /** RFC 4575 5.7.6: how its endpoint was disconnected. */
  readonly disconnection: 'booted' | 'departed';
  readonly by: string | null;
}

const expulsionText = {
  kick: 'Removed from the room',
  ban: 'Banned from the room',
  membership: 'The room is for members only',
};

/** Whether a leg that was let in has to go: room destroyed, its person sent out since, or kept out by what holds now. */
export function mustLeave(
  leg: LegFact,
  meeting: Meeting,
  bindings: Bindings,
  settings: PolicySettings,
): MustLeave | null {
  const jid = jidOfLeg(leg, bindings);
  const expulsion = jid === null ? undefined : meeting.expulsions.get(jid);
  if (expulsion && expulsion.id !== leg.expulsion) {
    return { status: 603, text: expulsionText[expulsion.cause], disconnection: 'booted', by: expulsion.by };
  }
  const against = barrier({ aor: leg.aor, jid }, meeting, settings);
  if (!against) return null;
  const disconnection = against.status === 404 ? 'departed' : 'booted';
  return { status: against.status, text: against.text, disconnection, by: null };
}
