/** Meetings for the tests of policy: an open link with a room, changed as a test needs. */
import type { LegFact } from '../../../src/conference-info/leg.ts';
import type { LinkSettings } from '../../../src/conference-info/link.ts';
import type { Meeting } from '../../../src/conference-info/meeting.ts';
import type { Affiliation, OccupantFact, RoomFact } from '../../../src/conference-info/occupant.ts';
import type { Aor } from '../../../src/identity/aor.ts';
import type { Bindings } from '../../../src/identity/binding.ts';

export const bobAor = 'sip:bob@example.org' as Aor;
export const bobJid = 'bob@example.org';
export const bindings: Bindings = new Map([[bobAor, { aor: bobAor, jid: bobJid, proof: 'directory' }]]);

export const link: LinkSettings = {
  id: 'tea',
  room: 'tea@rooms.example.org',
  conference: 'sip:tea@conf.example.org',
  name: 'Tea',
  maximumUsers: 2,
};

export const room = (change: Partial<RoomFact> = {}): RoomFact => ({
  joined: true,
  name: 'Tea',
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: false,
  advertised: 'room',
  ...change,
});

export const occupant = (change: Partial<OccupantFact> = {}): OccupantFact => ({
  nick: 'Bob',
  jid: bobJid,
  role: 'participant',
  affiliation: 'none',
  cause: 'default',
  ...change,
});

export const leg = (change: Partial<LegFact> = {}): LegFact => ({
  leg: 'l1',
  instance: 'i',
  generation: 'g',
  aor: bobAor,
  proof: 'digest',
  pseudonym: 'sip:l1@anonymous.invalid',
  label: null,
  method: 'dialed-in',
  status: 'connected',
  joinedAt: '2026-01-01T00:00:00Z',
  mutes: [],
  muted: false,
  floor: false,
  expulsion: null,
  dialogId: 'd',
  callId: 'c',
  contact: null,
  mixer: 'embedded',
  mixerRef: {},
  ...change,
});

export interface MeetingParts {
  /** Null: nothing is known of the room yet. */
  room?: Partial<RoomFact> | null;
  occupants?: readonly OccupantFact[];
  affiliations?: Record<string, Exclude<Affiliation, 'none'>>;
  voicesTaken?: readonly string[];
  expulsion?: string;
  closed?: boolean;
  locked?: boolean;
  legs?: readonly LegFact[];
  callerBans?: readonly Aor[];
}

export const meeting = (parts: MeetingParts = {}): Meeting => ({
  id: 'tea',
  link: {
    ...{ room: link.room, conference: link.conference, state: parts.closed ? 'closed' : 'open', reason: null },
    ...(parts.locked ? { locked: { by: 'the desk', reason: null } } : {}),
  },
  room: parts.room === null ? null : room(parts.room),
  occupants: new Map((parts.occupants ?? []).map((one) => [one.nick, one])),
  affiliations: new Map(
    Object.entries(parts.affiliations ?? {}).map(([jid, affiliation]) => [jid, { jid, affiliation }]),
  ),
  voicesTaken: new Map((parts.voicesTaken ?? []).map((jid) => [jid, { jid, by: null }])),
  expulsions: parts.expulsion
    ? new Map([[bobJid, { id: parts.expulsion, jid: bobJid, cause: 'kick', reason: null, by: 'Alice' }]])
    : new Map(),
  legs: new Map((parts.legs ?? []).map((one) => [one.leg, one])),
  callerBans: new Map((parts.callerBans ?? []).map((aor) => [aor, { aor, reason: null, by: null }])),
  departures: new Map(),
  watchers: new Map(),
});
