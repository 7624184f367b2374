/** What the demo says of changes, and how it sets out a document. */
import { describe, expect, it } from 'vitest';
import { narrate } from '../../../demo/narration.ts';
import { indented } from '../../../demo/terminal.ts';
import type { FactEvent } from '../../../src/bus/bus.ts';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import { bobAor, bobJid, leg, occupant } from '../policy/meeting-fixture.ts';

const told = (kind: FactEvent['kind'], value: unknown, previous: unknown = null): string | null =>
  narrate({ kind, link: 'tea', key: 'k', value, previous, trace: undefined } as FactEvent);

const bob = (change: Partial<LegFact> = {}): LegFact => leg({ aor: bobAor, label: 'Bob', muted: false, ...change });

describe('The demo tells', () => {
  it.each<[string, LegFact | null, LegFact | null]>([
    [`Bob (${bobAor}) is in the call`, bob(), null],
    [`Bob (${bobAor}) is muted in the call (room)`, bob({ muted: true, mutes: ['room'] }), bob()],
    [`Bob (${bobAor}) is heard in the call again`, bob(), bob({ muted: true, mutes: ['room'] })],
    [`Bob (${bobAor}) holds the call`, bob({ status: 'on-hold' }), bob()],
    [`Bob (${bobAor}) has left the call`, null, bob()],
    ['Zoe (no proved address) is in the call', bob({ aor: null, label: 'Zoe' }), null],
  ])('of a call: %s', (line, now, before) => {
    expect(told('leg', now, before)).toBe(line);
  });

  it('nothing that would name a caller who wants privacy', () => {
    expect(told('leg', bob({ withheld: true, label: null }))).toBe('somebody who withholds their name is in the call');
  });

  it('of people in the room, but not of what changes nothing for them', () => {
    expect(told('occupant', occupant())).toBe('Bob is in the room as participant');
    expect(told('occupant', occupant({ role: 'visitor' }), occupant())).toBe('Bob is visitor in the room now');
    expect(told('occupant', occupant({ affiliation: 'member' }), occupant())).toBeNull();
    expect(told('occupant', null, occupant())).toBe('Bob has left the room');
  });

  it('who was sent out, by whom and why', () => {
    const expulsion = { id: 'e', jid: bobJid, cause: 'kick', by: 'Alice', reason: 'enough' };
    expect(told('expulsion', expulsion)).toBe(`${bobJid} was kicked out of the room by Alice: enough`);
    expect(told('expulsion', { ...expulsion, by: null, reason: null })).toBe(`${bobJid} was kicked out of the room`);
    expect(told('affiliation', null, { jid: bobJid, affiliation: 'outcast' })).toContain('no longer banned');
    expect(told('affiliation', null, { jid: bobJid, affiliation: 'member' })).toBeNull();
  });
});

it('A document is indented by its depth', () => {
  expect(indented('<?xml version="1.0"?><a><b c="d"><e>text</e><f/></b></a>')).toEqual([
    ...['<?xml version="1.0"?>', '<a>', '  <b c="d">', '    <e>text</e>', '    <f/>', '  </b>', '</a>'],
  ]);
});
