import { describe, expect, it } from 'vitest';
import type { MuteReason } from '../../../src/conference-info/leg.ts';
import type { Aor } from '../../../src/identity/aor.ts';
import { lookUp, type PersonAct, type PersonOrder, planOf } from '../../../src/service/person-lookup.ts';
import { bindings, bobAor, bobJid, leg, meeting, occupant } from '../policy/meeting-fixture.ts';

const carolAor = 'sip:carol@elsewhere.example' as Aor;
const full = meeting({
  occupants: [occupant(), occupant({ nick: 'Bob2' }), occupant({ nick: 'Hidden', jid: null })],
  legs: [
    leg(),
    leg({ leg: 'l2', aor: carolAor, label: 'Carol' }),
    leg({ leg: 'l3', aor: null, proof: null, label: 'Phone', instance: 'other' }),
    leg({ leg: 'l4', aor: null, proof: null, label: 'Twin' }),
    leg({ leg: 'l5', aor: null, proof: null, label: 'Twin' }),
  ],
});
const find = (name: string) => {
  const seen = lookUp(name, full, bindings);
  return 'found' in seen
    ? { jid: seen.found.jid, nicks: seen.found.nicks, legs: seen.found.legs.map((each) => each.leg) }
    : seen.condition;
};
const order = (act: PersonAct, audioOnly = false): PersonOrder => ({
  ...{ link: 'tea', act, audioOnly, by: 'ops', reason: null },
});
const plan = (name: string, act: PersonAct, audioOnly = false) => {
  const seen = lookUp(name, full, bindings);
  if (!('found' in seen)) throw new Error(seen.text);
  const made = planOf(order(act, audioOnly), seen.found);
  if (made.kind !== 'asks') return made.kind === 'refused' ? made.condition : made.kind;
  return made.asks.map(({ target, ask }) => {
    const whom = ask.to === 'focus' ? ask.leg : 'nick' in ask ? ask.nick : 'jid' in ask ? ask.jid : '';
    return `${target.owner === 'focus' ? target.instance : 'room'}: ${ask.act} ${whom}`;
  });
};

describe('a person is found', () => {
  const bob = { jid: bobJid, nicks: ['Bob', 'Bob2'], legs: ['l1'] };

  it.each([
    ['a nick', 'Bob2'],
    ['a JID', bobJid],
    ['a full JID', `${bobJid}/phone`],
    ['a SIP address', 'SIP:bob@EXAMPLE.org;transport=tcp'],
    ['a call id', 'l1'],
  ])('by %s', (_, name) => expect(find(name)).toEqual(bob));

  it('by what a caller shows, when one caller alone shows it', () => {
    expect(find('Phone')).toEqual({ jid: null, nicks: [], legs: ['l3'] });
    expect(find('Twin')).toBe('ambiguous');
    expect(find('l5')).toEqual({ jid: null, nicks: [], legs: ['l5'] });
  });

  it('by an address that is not here now', () => {
    expect(find('dave@example.org')).toEqual({ jid: 'dave@example.org', nicks: [], legs: [] });
    expect(find('sip:dave@example.org')).toEqual({ jid: null, nicks: [], legs: [] });
  });

  it('or not', () => {
    expect(find('nobody')).toBe('item-not-found');
    expect(find('')).toBe('item-not-found');
  });

  it('never by a part of a name', () => {
    expect(find('Bo')).toBe('item-not-found');
    expect(find('sip:bo@example.org')).toEqual({ jid: null, nicks: [], legs: [] });
  });
});

describe('an order goes to the owner of the fact', () => {
  it('to the room for who is in it, under each nick', () => {
    expect(plan('Bob', 'mute')).toEqual(['room: mute Bob', 'room: mute Bob2']);
    expect(plan('sip:bob@example.org', 'kick')).toEqual(['room: kick Bob', 'room: kick Bob2']);
    expect(plan('Hidden', 'mute')).toEqual(['room: mute Hidden']);
  });

  it('to the focus that holds the call for who is not', () => {
    expect(plan('Phone', 'mute')).toEqual(['other: mute l3']);
    expect(plan('Carol', 'kick')).toEqual(['i: remove l2']);
    expect(plan('dave@example.org', 'mute')).toBe('item-not-found');
  });

  it('to the focus for anybody when only the audio is meant', () => {
    expect(plan('Bob', 'mute', true)).toEqual(['i: mute l1']);
    expect(plan('Bob', 'kick', true)).toEqual(['i: remove l1']);
    expect(plan('Bob', 'ban', true)).toBe('bad-request');
  });

  it('tells that an operator’s mute stays when the room gives voice', () => {
    const notes = (act: PersonAct, mutes: readonly MuteReason[], audioOnly = false) => {
      const place = meeting({ occupants: [occupant()], legs: [leg({ mutes })] });
      const seen = lookUp('Bob', place, bindings);
      const made = 'found' in seen ? planOf(order(act, audioOnly), seen.found) : null;
      return made?.kind === 'asks' ? made.notes : null;
    };
    expect(notes('unmute', ['room', 'operator'])).toEqual([expect.stringContaining('--audio-only')]);
    expect(notes('unmute', ['room'])).toEqual([]);
    expect(notes('unmute', ['operator'], true)).toEqual([]);
    expect(notes('mute', ['operator'])).toEqual([]);
  });

  it('bans a JID in the room, a proved address at the focus, and lifts each where it stands', () => {
    expect(plan('Bob', 'ban')).toEqual([`room: ban ${bobJid}`]);
    expect(plan('dave@example.org', 'unban')).toEqual(['room: unban dave@example.org']);
    expect(plan('Carol', 'ban')).toEqual(['i: ban l2']);
    expect(plan(carolAor, 'unban')).toBe('lift-caller-ban');
    expect(plan('Phone', 'unban')).toBe('item-not-found');
    expect(plan('Hidden', 'ban')).toBe('not-acceptable');
  });
});

it('does not take a binding for another address', () => {
  expect(lookUp(bobAor, full, new Map())).toMatchObject({ found: { jid: null, nicks: [] } });
});
