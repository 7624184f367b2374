/** Rooms of any size for the benchmarks, as facts: everybody is in the room and in the call, and bound to one person. */
import type { LegFact } from '../../src/conference-info/leg.ts';
import type { LinkSettings } from '../../src/conference-info/link.ts';
import type { Meeting } from '../../src/conference-info/meeting.ts';
import type { OccupantFact, RoomFact } from '../../src/conference-info/occupant.ts';
import { type Aor, canonicalAor } from '../../src/identity/aor.ts';
import type { Binding } from '../../src/identity/binding.ts';

export const link: LinkSettings = {
  id: 'tea',
  room: 'tea@rooms.example',
  conference: 'sip:tea@conf.example',
  name: 'Tea',
  maximumUsers: 20_000,
};

export const room: RoomFact = {
  joined: true,
  name: 'Tea',
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: true,
  advertised: 'room',
};

/** Address of the person of this number. */
export function aorOf(index: number): Aor {
  const aor = canonicalAor(`sip:guest${index}@example.com`);
  if (aor === null) throw new Error('not an AOR');
  return aor;
}

/** Their call. */
export const legOf = (index: number, muted: boolean): LegFact => ({
  leg: `leg-${index}`,
  instance: 'one',
  generation: 'g1',
  aor: aorOf(index),
  proof: 'digest',
  pseudonym: `sip:${index}@anonymous.invalid`,
  label: null,
  method: 'dialed-in',
  status: 'connected',
  joinedAt: '2026-01-01T10:00:00Z',
  mutes: muted ? ['room'] : [],
  muted,
  floor: false,
  expulsion: null,
  dialogId: `dialog-${index}`,
  callId: `call-${index}`,
  contact: `sip:guest${index}@192.0.2.1`,
  mixer: 'one',
  mixerRef: {},
});

/** Their place in the room. */
export const occupantOf = (index: number, voice = true): OccupantFact => ({
  nick: `guest ${index}`,
  jid: `guest${index}@example.com`,
  role: voice ? 'participant' : 'visitor',
  affiliation: 'member',
  cause: voice ? 'default' : 'revoked',
});

/** A live meeting of so many, in the call as well or in the room alone, and the maps behind it. */
export function meetingOf(size: number, calling = true) {
  const bindings = new Map<string, Binding>();
  const legs = new Map<string, LegFact>();
  const occupants = new Map<string, OccupantFact>();
  for (let index = 0; index < size; index += 1) {
    occupants.set(`guest ${index}`, occupantOf(index));
    if (!calling) continue;
    const aor = aorOf(index);
    bindings.set(aor, { aor, jid: `guest${index}@example.com`, proof: 'directory' });
    legs.set(`leg-${index}`, legOf(index, false));
  }
  const none = {
    affiliations: new Map(),
    watchers: new Map(),
    voicesTaken: new Map(),
    expulsions: new Map(),
    departures: new Map(),
    callerBans: new Map(),
  };
  const meeting: Meeting = { ...{ id: link.id, link: null, room, legs, occupants }, ...none };
  return { meeting, legs, occupants, bindings };
}
