/** Whom the room is shown as being in the call. */
import { describe, expect, it } from 'vitest';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import type { Meeting } from '../../../src/conference-info/meeting.ts';
import type { OccupantFact } from '../../../src/conference-info/occupant.ts';
import { canonicalAor } from '../../../src/identity/aor.ts';
import type { Binding } from '../../../src/identity/binding.ts';
import { callersOf, peopleWithBoth } from '../../../src/muc-bridge/display.ts';

const aorOf = (name: string) => canonicalAor(`sip:${name}@sip.example`)!;
const leg = (id: string, aor: string | null, label: string | null) =>
  [
    id,
    { leg: id, aor: aor === null ? null : aorOf(aor), label, pseudonym: `sip:${id}@anonymous.invalid` } as LegFact,
  ] as const;
const occupant = (nick: string, jid: string | null) =>
  [nick, { nick, jid, role: 'participant', affiliation: 'none', cause: 'default' } as OccupantFact] as const;

const bindings = new Map<string, Binding>([
  [aorOf('bob'), { aor: aorOf('bob'), jid: 'bob@x.example', proof: 'directory' }],
  [aorOf('ann'), { aor: aorOf('ann'), jid: 'ann@x.example', proof: 'directory' }],
]);
const meeting = {
  legs: new Map([
    leg('l1', 'bob', 'Bob by phone'),
    leg('l2', 'bob', 'Bob by phone'),
    leg('l3', 'ann', 'Ann'),
    leg('l4', null, '+49 30 1234567'),
    leg('l5', null, null),
    leg('l6', null, 'Robert'),
  ]),
  occupants: new Map([occupant('Bob', 'bob@x.example'), occupant('Carl', 'carl@x.example'), occupant('Robert', null)]),
} as unknown as Meeting;

describe('display', () => {
  it('gives the hat only to people who are proved to be in both', () => {
    expect([...peopleWithBoth(meeting, bindings)]).toEqual(['bob@x.example']);
  });

  it('names each caller once, by nick, else by label, and shows no number', () => {
    expect(Object.fromEntries(callersOf(meeting, bindings))).toEqual({
      'bob@x.example': 'Bob',
      'ann@x.example': 'Ann',
      'sip:l4@anonymous.invalid': 'A caller',
      'sip:l5@anonymous.invalid': 'A caller',
      'sip:l6@anonymous.invalid': 'Robert',
    });
  });
});
