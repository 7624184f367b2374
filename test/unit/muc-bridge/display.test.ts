/** Whom the room is shown as being in the call. */
import { describe, expect, it } from 'vitest';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import type { Meeting } from '../../../src/conference-info/meeting.ts';
import type { OccupantFact } from '../../../src/conference-info/occupant.ts';
import { canonicalAor } from '../../../src/identity/aor.ts';
import type { Binding } from '../../../src/identity/binding.ts';
import { type Callers, callersOf, lockNotices, noticesOf, peopleWithBoth } from '../../../src/muc-bridge/display.ts';

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

  const names = (callers: Callers) => Object.fromEntries([...callers].map(([key, { name }]) => [key, name]));

  it('does not tell whose call it is whose caller wants privacy', () => {
    const [id, known] = leg('l7', 'bob', null);
    const withheld = { ...meeting, legs: new Map([[id, { ...known, withheld: true }]]) };
    expect([...peopleWithBoth(withheld, bindings)]).toEqual([]);
    expect([...callersOf(withheld, bindings)]).toEqual([
      ['sip:l7@anonymous.invalid', { name: 'A caller', here: false }],
    ]);
  });

  it('names each caller once, by nick, else by label, and shows no number', () => {
    const open = { ...meeting, room: { nonAnonymous: true } } as unknown as Meeting;
    expect(names(callersOf(open, bindings))).toEqual({
      'bob@x.example': 'Bob',
      'ann@x.example': 'Ann',
      'sip:l4@anonymous.invalid': 'A caller',
      'sip:l5@anonymous.invalid': 'A caller',
      'sip:l6@anonymous.invalid': 'Robert',
    });
  });

  it('does not name the phone of a person who is not in a room that hides who is who', () => {
    expect(names(callersOf(meeting, bindings))).toMatchObject({
      'ann@x.example': 'A caller',
      'bob@x.example': 'Bob',
      'sip:l6@anonymous.invalid': 'Robert',
    });
  });

  it('calls who has left the room what they were called there', () => {
    const before = callersOf(meeting, bindings);
    const away = callersOf({ ...meeting, occupants: new Map() }, bindings, before);
    expect(away.get('bob@x.example')).toEqual({ name: 'Bob', here: false });
  });
});

describe('notices', () => {
  const callers = (...list: readonly [string, boolean][]): Callers =>
    new Map(list.map(([name, here]) => [name, { name, here }]));
  const nobody = callers();

  it('tell that the call is locked, in the words of who did it, and that it no longer is, once each', () => {
    const lock = { by: 'the desk', reason: null };
    expect(lockNotices(null, lock)).toEqual(['The call is locked to new callers']);
    expect(lockNotices(null, { ...lock, reason: 'board only' })).toEqual([
      'The call is locked to new callers: board only',
    ]);
    expect(lockNotices(lock, null)).toEqual(['The call takes new callers again']);
    expect([...lockNotices(null, null), ...lockNotices(lock, { ...lock, reason: 'board only' })]).toEqual([]);
  });

  it('tell of everybody where there are no hats', () => {
    expect(noticesOf(nobody, callers(['Bob', true], ['Zoe', false]), false)).toEqual([
      'Bob joined the call',
      'Zoe joined the call',
    ]);
    expect(noticesOf(callers(['Bob', true], ['Zoe', false]), nobody, false)).toEqual([
      'Bob left the call',
      'Zoe left the call',
    ]);
    expect(noticesOf(callers(['Bob', true]), callers(['Bob', false]), false)).toEqual([]);
  });

  it('tell only of who wears no hat where there are hats', () => {
    expect(noticesOf(nobody, callers(['Bob', true], ['Zoe', false]), true)).toEqual(['Zoe joined the call']);
    expect(noticesOf(callers(['Bob', true], ['Zoe', false]), nobody, true)).toEqual(['Zoe left the call']);
  });

  it('tell that who takes off the hat by leaving the room goes on in the call', () => {
    expect(noticesOf(callers(['Bob', true]), callers(['Bob', false]), true)).toEqual(['Bob is still in the call']);
    expect(noticesOf(callers(['Bob', false]), callers(['Bob', true]), true)).toEqual([]);
    expect(noticesOf(callers(['Bob', false]), nobody, true)).toEqual(['Bob left the call']);
  });
});
