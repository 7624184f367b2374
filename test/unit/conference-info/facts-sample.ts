/** Facts for tests: a live meeting, and arbitrary sequences of changes to it. */
import fc from 'fast-check';
import type { DepartureFact } from '../../../src/conference-info/departure.ts';
import { type LegFact, legStatuses } from '../../../src/conference-info/leg.ts';
import type { LinkSettings } from '../../../src/conference-info/link.ts';
import type { FactKind, Meeting } from '../../../src/conference-info/meeting.ts';
import type { OccupantFact, RoomFact } from '../../../src/conference-info/occupant.ts';
import { directions, disconnectionMethods } from '../../../src/conference-info/user.ts';
import { type Aor, canonicalAor } from '../../../src/identity/aor.ts';
import type { Binding } from '../../../src/identity/binding.ts';

export const link: LinkSettings = {
  id: 'tea',
  room: 'tea@rooms.example',
  conference: 'sip:tea@conf.example',
  name: 'Tea',
  maximumUsers: 50,
};

export function aor(text: string): Aor {
  const canonical = canonicalAor(text);
  if (!canonical) throw new Error(`not an AOR: ${text}`);
  return canonical;
}

export const room = (over: Partial<RoomFact> = {}): RoomFact => ({
  joined: true,
  name: 'Tea time',
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: false,
  advertised: 'room',
  ...over,
});

export const leg = (id: string, over: Partial<LegFact> = {}): LegFact => ({
  leg: id,
  instance: 'one',
  generation: 'g1',
  aor: null,
  proof: null,
  pseudonym: `sip:${id}ab@anonymous.invalid`,
  label: null,
  method: 'dialed-in',
  status: 'connected',
  joinedAt: '2026-11-25T10:00:00Z',
  mutes: [],
  muted: false,
  floor: false,
  expulsion: null,
  dialogId: `d-${id}`,
  callId: `call-${id}`,
  contact: null,
  mixer: 'm',
  mixerRef: {},
  ...over,
});

export const occupant = (nick: string, over: Partial<OccupantFact> = {}): OccupantFact => ({
  nick,
  jid: null,
  role: 'participant',
  affiliation: 'none',
  cause: 'default',
  ...over,
});

/** A meeting whose facts a test may set. */
export class LiveMeeting {
  readonly bindings = new Map<string, Binding>();
  readonly meeting = {
    id: link.id,
    link: null as Meeting['link'],
    room: room() as Meeting['room'],
    occupants: new Map<string, OccupantFact>(),
    affiliations: new Map(),
    voicesTaken: new Map(),
    expulsions: new Map(),
    legs: new Map<string, LegFact>(),
    departures: new Map<string, DepartureFact>(),
    callerBans: new Map(),
    watchers: new Map(),
  };

  bind(address: Aor, jid: string): void {
    this.bindings.set(address, { aor: address, jid, proof: 'directory' });
  }

  apply({ kind, key, value }: Change): void {
    const { meeting } = this;
    if (kind === 'room') meeting.room = value as RoomFact;
    else if (kind === 'link') meeting.link = value as Meeting['link'];
    else {
      const maps: Partial<Record<FactKind, Map<string, unknown>>> = {
        occupant: meeting.occupants,
        leg: meeting.legs,
        departure: meeting.departures,
        affiliation: meeting.affiliations,
        binding: this.bindings,
      };
      const map = maps[kind];
      if (value === null) map?.delete(key);
      else map?.set(key, value);
    }
  }
}

export interface Change {
  readonly kind: FactKind;
  readonly key: string;
  readonly value: unknown;
}

const jids = ['amy@im.example', 'bob@im.example'];
const aors = ['sip:amy@sip.example', 'sip:bob@sip.example', 'sip:solo@sip.example', 'tel:+493012345'].map(aor);
const nicks = ['Amy', 'amy & <co>', 'Bob', '\u202ebob', ' '];
export const hostile = fc.oneof(
  fc.constantFrom(...nicks),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
);
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });

const occupantChange = fc
  .record({
    nick: fc.constantFrom(...nicks),
    jid: orNull(fc.constantFrom(...jids)),
    role: fc.constantFrom('visitor', 'participant', 'moderator'),
    affiliation: fc.constantFrom('none', 'member', 'owner'),
    cause: fc.constantFrom('default', 'revoked', 'unknown'),
    gone: fc.boolean(),
  })
  .map(({ gone, ...fact }): Change => ({ kind: 'occupant', key: fact.nick, value: gone ? null : fact }));

/** A number's entity as the shell makes it: a fixed function of the number. */
const maskOf = (address: string | null): Pick<LegFact, 'masked'> =>
  address?.startsWith('tel:') ? { masked: `sip:${address.length}f${address.slice(-2)}@number.invalid` } : {};

const legIds = ['l1', 'l2', 'l3', 'l4'] as const;
const said = {
  reason: orNull(hostile),
  by: orNull(fc.constantFrom('xmpp:bob@im.example', 'xmpp:tea@rooms.example/Bob')),
};

const legOver = fc
  .record(
    {
      aor: orNull(fc.constantFrom(...aors)),
      label: orNull(hostile),
      status: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('connected' as const, 'on-hold' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...legStatuses) },
      ),
      muted: fc.boolean(),
      mutes: fc.subarray(['room', 'operator', 'self'] as const),
      contact: orNull(fc.constantFrom('sip:amy@192.0.2.1', 'sip:+493012345@192.0.2.9')),
      joinedAt: fc.constantFrom('2026-11-25T10:00:00Z', '2026-11-25T10:00:01Z'),
      withheld: fc.boolean(),
      proof: fc.constantFrom('digest' as const, 'trusted-peer' as const),
      method: fc.constantFrom('dialed-in' as const, 'dialed-out' as const),
      direction: fc.constantFrom(...directions),
      sourceId: fc.constantFrom('1', '4294967295'),
      languages: fc.subarray(['de', 'en-GB', 'tlh']),
      cascadedFocus: fc.constant('sip:conf7@focus.example'),
      toTag: hostile,
      fromTag: hostile,
      joining: fc.record(said),
      referred: fc.record({ ...said, when: orNull(fc.constant('2026-11-25T09:59:59Z')) }),
    },
    { requiredKeys: ['aor', 'label', 'status', 'muted', 'mutes', 'contact', 'joinedAt'] },
  )
  .map((over) => ({ ...over, ...maskOf(over.aor) }));

const legChange = fc
  .record({ id: fc.constantFrom(...legIds), over: legOver, gone: fc.boolean() })
  .map(({ id, over, gone }): Change => ({ kind: 'leg', key: id, value: gone ? null : leg(id, over) }));

const departureChange = fc
  .record({
    id: fc.constantFrom(...legIds, 'l5'),
    over: legOver,
    method: fc.constantFrom(...disconnectionMethods),
    when: fc.constantFrom('2026-11-25T10:01:00Z', '2026-11-25T10:01:01Z'),
    ...said,
    gone: fc.boolean(),
  })
  .map(({ id, over, gone, ...fact }): Change => {
    const departure: DepartureFact = { ...fact, leg: leg(id, over) };
    return { kind: 'departure', key: id, value: gone ? null : departure };
  });

const otherChange = fc.oneof(
  fc
    .record({ nonAnonymous: fc.boolean(), moderated: fc.boolean(), subject: orNull(hostile), name: orNull(hostile) })
    .map((over): Change => ({ kind: 'room', key: '-', value: room(over) })),
  fc.record({ aor: fc.constantFrom(...aors), jid: fc.constantFrom(...jids), gone: fc.boolean() }).map(
    ({ gone, ...pair }): Change => ({
      kind: 'binding',
      key: pair.aor,
      value: gone ? null : { ...pair, proof: 'directory' },
    }),
  ),
  fc.record({ jid: fc.constantFrom(...jids), gone: fc.boolean() }).map(
    ({ jid, gone }): Change => ({
      kind: 'affiliation',
      key: jid,
      value: gone ? null : { jid, affiliation: 'owner' },
    }),
  ),
  fc.constantFrom('open', 'closed').map(
    (state): Change => ({
      kind: 'link',
      key: '-',
      value: { room: link.room, conference: link.conference, state, reason: null },
    }),
  ),
);

export const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: occupantChange },
  { weight: 4, arbitrary: legChange },
  { weight: 2, arbitrary: departureChange },
  { weight: 1, arbitrary: otherChange },
);
