import { describe, expect, it } from 'vitest';
import { Roster } from '../../../src/conference-info/roster.ts';
import { aor, LiveMeeting, leg, occupant } from './facts-sample.ts';

const contact = 'sip:+493012345@192.0.2.9';

it('passes a contact that two legs share on to the other leg when the first leaves, and says so', () => {
  const live = new LiveMeeting();
  for (const id of ['l1', 'l2']) live.apply({ kind: 'leg', key: id, value: leg(id, { contact }) });
  const roster = new Roster('tea@rooms.example', live.meeting, live.bindings);
  const entity = () => roster.usersOf('leg:l2', 'moderator')[0]?.endpoints[0]?.entity;
  expect(entity()).toBe(`${contact};leg=l2`);
  live.apply({ kind: 'leg', key: 'l1', value: null });
  expect(roster.change({ kind: 'leg', key: 'l1' })).toEqual(new Set(['leg:l1', 'leg:l2']));
  expect(entity()).toBe(contact);
});

describe('somebody to themselves', () => {
  const number = 'tel:+493012345';
  const inTheCall = (over: Parameters<typeof leg>[1]): LiveMeeting => {
    const live = new LiveMeeting();
    const proved = { aor: aor(number), proof: 'trusted-peer' as const, contact, label: '+49 30 12345' };
    live.apply({ kind: 'leg', key: 'l1', value: leg('l1', { ...proved, ...over }) });
    return live;
  };
  const shown = (live: LiveMeeting, person: string) => {
    const roster = new Roster('tea@rooms.example', live.meeting, live.bindings);
    return { ordinary: roster.usersOf(person, 'ordinary'), self: roster.usersOf(person, 'self') };
  };

  it.each([{}, { withheld: true }])('is the user that the others see, with the own number and contact (%j)', (over) => {
    const { ordinary, self } = shown(inTheCall(over), `aor:${number}`);
    expect(ordinary.map(({ entity }) => entity)).toEqual(['sip:l1ab@anonymous.invalid']);
    expect(JSON.stringify(ordinary)).not.toContain('12345');
    expect(self).toMatchObject([
      {
        entity: ordinary[0]?.entity,
        displayText: '+49 30 12345',
        associatedAors: [number],
        endpoints: [{ entity: contact }],
      },
    ]);
  });

  it('keeps two nicks of theirs and their calls apart in a room that hides who is who', () => {
    const live = inTheCall({});
    live.bind(aor(number), 'amy@im.example');
    for (const nick of ['Amy', 'Other'])
      live.apply({ kind: 'occupant', key: nick, value: occupant(nick, { jid: 'amy@im.example' }) });
    const { ordinary, self } = shown(live, 'jid:amy@im.example');
    expect(self.map(({ entity, endpoints }) => [entity, endpoints.length])).toEqual(
      ordinary.map(({ entity, endpoints }) => [entity, endpoints.length]),
    );
    expect(ordinary.map(({ endpoints }) => endpoints.length)).toEqual([1, 1, 1]);
    expect(self.map(({ associatedAors }) => associatedAors)).toEqual(Array(3).fill([number, 'xmpp:amy@im.example']));
  });

  it('ties no nick to another by what stays when one of them leaves', () => {
    const live = inTheCall({});
    live.bind(aor(number), 'amy@im.example');
    for (const nick of ['Amy', 'Other', 'Third'])
      live.apply({ kind: 'occupant', key: nick, value: occupant(nick, { jid: 'amy@im.example' }) });
    const before = shown(live, 'jid:amy@im.example').ordinary;
    live.apply({ kind: 'occupant', key: 'Amy', value: null });
    const after = shown(live, 'jid:amy@im.example').ordinary;
    expect(after).toEqual(before.filter(({ displayText }) => displayText !== 'Amy'));
  });
});
