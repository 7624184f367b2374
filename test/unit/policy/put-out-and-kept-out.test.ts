/** A ban or a lost membership is many facts, said one after the other: a call made between two of them is refused as later ones are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FactKind, Meeting } from '../../../src/conference-info/meeting.ts';
import { affiliations } from '../../../src/conference-info/occupant.ts';
import type { RoomEvent } from '../../../src/muc-bridge/presence.ts';
import { type FactChange, missingFromLists, nextFacts } from '../../../src/muc-bridge/room-state.ts';
import { admit, mustLeave } from '../../../src/policy/admission.ts';
import { defaultPolicy } from '../../../src/policy/settings.ts';
import { bindings, bobAor, bobJid, leg, link, meeting, occupant } from './meeting-fixture.ts';

const places: Partial<Record<FactKind, keyof Meeting>> = {
  occupant: 'occupants',
  affiliation: 'affiliations',
  expulsion: 'expulsions',
};

/** The meeting after each change. */
function stepwise(start: Meeting, changes: readonly FactChange[]): Meeting[] {
  let now = start;
  return changes.map(({ kind, key, value }) => {
    const place = places[kind];
    if (place === undefined) now = { ...now, [kind]: value };
    else {
      const facts = new Map(now[place] as ReadonlyMap<string, unknown>);
      if (value === null) facts.delete(key);
      else facts.set(key, value);
      now = { ...now, [place]: facts };
    }
    return now;
  });
}

const departed = (departure: 'ban' | 'membership', jid: string | null): RoomEvent =>
  ({
    ...{ event: 'gone', self: false, nick: 'Bob', jid, role: 'none', departure, reason: 'so it is', by: 'Alice' },
    affiliation: departure === 'ban' ? 'outcast' : 'none',
  }) as RoomEvent;

/** From the first fact that ends the call on, a redial is refused; both are told the moderator's words throughout. */
function expectNoGap(start: Meeting, changes: readonly FactChange[], words: string): void {
  let out = false;
  for (const now of stepwise(start, changes)) {
    const leaves = mustLeave(leg(), now, bindings, defaultPolicy);
    const redial = admit(bobAor, link, now, bindings, defaultPolicy);
    if (out) expect(leaves).not.toBeNull();
    if (leaves === null) continue;
    out = true;
    expect(redial).toMatchObject({ act: 'refuse', status: leaves.status });
  }
  expect(out).toBe(true);
  const first = stepwise(start, changes).map((now) => mustLeave(leg(), now, bindings, defaultPolicy));
  expect(first.find((leaves) => leaves !== null)?.text).toContain(words);
}

describe('who is put out', () => {
  const history = fc.record({
    departure: fc.constantFrom('ban' as const, 'membership' as const),
    listed: fc.constantFrom(...affiliations.filter((one) => one !== 'outcast')),
    membersOnly: fc.boolean(),
    otherNicks: fc.uniqueArray(fc.constantFrom('Al', 'Zed'), { maxLength: 2 }),
    told: fc.boolean(),
  });

  it('finds the door closed at once, and hears why', () => {
    fc.assert(
      fc.property(history, ({ departure, listed, membersOnly, otherNicks, told }) => {
        const start = meeting({
          room: { membersOnly },
          occupants: ['Bob', ...otherNicks].map((nick) => occupant({ nick, affiliation: listed })),
          affiliations: listed === 'none' ? {} : { [bobJid]: listed },
        });
        // A non-member is in a members-only room only for the moment until it is seen to be one.
        fc.pre(listed !== 'none' || !membersOnly || departure === 'ban');
        const event = departed(departure, told ? bobJid : null);
        const { changes } = nextFacts(event, start, { phase: 'live', newId: () => 'e9' });
        expectNoGap(start, changes, departure === 'ban' && listed === 'none' && membersOnly ? '' : 'so it is');
      }),
    );
  });

  it('finds the door closed too when the server removed them without a word', () => {
    const start = meeting({ room: { membersOnly: true }, occupants: [occupant({ affiliation: 'member' })] });
    expectNoGap(start, missingFromLists([], new Set(), start, { newId: () => 'e9' }), 'Members only');
  });
});
