/** A meeting as an operator sees it: each person once, with what reaches them (text, audio or both). Pure. */
import type { Involvement } from '../conference-info/involvement.ts';
import type { LegFact } from '../conference-info/leg.ts';
import type { LinkLock, LinkSettings } from '../conference-info/link.ts';
import type { Meeting } from '../conference-info/meeting.ts';
import { personOfLeg, personOfOccupant } from '../conference-info/person.ts';
import type { Bindings } from '../identity/binding.ts';

export interface CallReport {
  /** Call id: names the caller in orders when nothing else does. */
  readonly call: string;
  readonly aor: string | null;
  /** What the caller shows; unproved. */
  readonly label: string | null;
  readonly since: string;
  readonly onHold: boolean;
  readonly muted: boolean;
  /** Why it is muted: `room`, `operator`, `self`. */
  readonly mutes: readonly string[];
  readonly instance: string;
}

export interface PersonReport {
  readonly jid: string | null;
  readonly involvement: Involvement;
  readonly nicks: readonly { readonly nick: string; readonly role: string; readonly affiliation: string }[];
  readonly calls: readonly CallReport[];
}

export interface LinkReport {
  readonly id: string;
  readonly room: string;
  readonly conference: string;
  readonly state: 'open' | 'closed' | 'unknown';
  /** Why it is closed. */
  readonly reason: string | null;
  /** Who closed it: only where the room did, by being destroyed, may its former owners reopen it. Null when open, or not known. */
  readonly closedBy: 'room' | 'operator' | null;
  /** Who locked it against new callers, and why; null when it is not locked. */
  readonly locked: LinkLock | null;
  readonly roomJoined: boolean;
  /** Where the room's `audio-video-uri` can be read: `room`, `focus`, `none`. */
  readonly advertised: string;
  readonly occupants: number;
  readonly calls: number;
}

export interface MeetingReport extends LinkReport {
  readonly subject: string | null;
  readonly moderated: boolean;
  readonly membersOnly: boolean;
  readonly persons: readonly PersonReport[];
  /** JIDs whose voice was taken, AORs that may not call. */
  readonly voiceTaken: readonly string[];
  readonly callerBans: readonly string[];
}

/** A link in one line. */
export const linkReport = (link: LinkSettings, meeting: Meeting): LinkReport => ({
  id: link.id,
  room: link.room,
  conference: link.conference,
  state: meeting.link?.state ?? 'unknown',
  reason: meeting.link?.reason ?? null,
  closedBy: meeting.link?.closedBy ?? null,
  locked: meeting.link?.locked ?? null,
  roomJoined: meeting.room?.joined ?? false,
  advertised: meeting.room?.advertised ?? 'none',
  occupants: meeting.occupants.size,
  calls: meeting.legs.size,
});

const callReport = (leg: LegFact): CallReport => ({
  call: leg.leg,
  aor: leg.aor,
  label: leg.label,
  since: leg.joinedAt,
  onHold: leg.status === 'on-hold',
  muted: leg.muted,
  mutes: leg.mutes,
  instance: leg.instance,
});

interface Gathered {
  jid: string | null;
  nicks: PersonReport['nicks'][number][];
  calls: CallReport[];
}

/** A meeting with its people, in the order in which the facts name them. */
export function meetingReport(link: LinkSettings, meeting: Meeting, bindings: Bindings): MeetingReport {
  const persons = new Map<string, Gathered>();
  const person = (key: string): Gathered => {
    const known = persons.get(key) ?? { jid: key.startsWith('jid:') ? key.slice(4) : null, nicks: [], calls: [] };
    persons.set(key, known);
    return known;
  };
  for (const occupant of meeting.occupants.values()) {
    const { nick, role, affiliation } = occupant;
    person(personOfOccupant(occupant)).nicks.push({ nick, role, affiliation });
  }
  for (const leg of meeting.legs.values()) person(personOfLeg(leg, bindings)).calls.push(callReport(leg));
  return {
    ...linkReport(link, meeting),
    subject: meeting.room?.subject ?? null,
    moderated: meeting.room?.moderated ?? false,
    membersOnly: meeting.room?.membersOnly ?? false,
    persons: [...persons.values()].map((each) => ({ ...each, involvement: involvementOf(each) })),
    voiceTaken: [...meeting.voicesTaken.keys()],
    callerBans: [...meeting.callerBans.keys()],
  };
}

function involvementOf({ nicks, calls }: Gathered): Involvement {
  if (calls.length === 0) return 'text';
  return nicks.length === 0 ? 'media' : 'both';
}
