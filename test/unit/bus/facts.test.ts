import { describe, expect, it } from 'vitest';
import { checkFact } from '../../../src/bus/facts.ts';
import { legStatuses } from '../../../src/conference-info/leg.ts';
import { legFact } from '../sip-focus/leg-fixture.ts';

/** A leg as the first version wrote it. */
const early = legFact('leg-a', 'focus-1', 'g1');
const told = {
  masked: 'sip:ab@number.invalid',
  joining: { reason: 'Wanted', by: null },
  referred: { when: '2026-01-01T00:00:00Z', reason: null, by: 'sip:amy@sip.example' },
  fromTag: 'f',
  toTag: 't',
  direction: 'recvonly',
  sourceId: '4294967295',
  languages: ['de', 'zh-Hant'],
  cascadedFocus: 'sip:c7@focus.example',
};
const departure = { leg: early, method: 'booted', when: '2026-01-01T00:00:00Z', reason: 'Too loud', by: null };

describe('the fact of a leg', () => {
  it('is read as earlier versions wrote it, and with all that is told now', () => {
    expect(checkFact('leg', early)).toEqual(early);
    expect(checkFact('leg', { ...early, ...told })).toEqual({ ...early, ...told });
    for (const status of legStatuses) expect(checkFact('leg', { ...early, status }).status).toBe(status);
  });

  it.each([
    { status: 'muted-via-focus' },
    { sourceId: 'x' },
    { languages: ['de en'] },
    { direction: 'both' },
    { masked: undefined },
    { referred: { by: null } },
  ])('is refused with %j', (wrong) => {
    expect(() => checkFact('leg', { ...early, ...wrong })).toThrow(/fact of kind leg refused/);
  });
});

describe('the fact of a link', () => {
  const link = { room: 'tea@rooms.example', conference: 'sip:tea@conf.example', state: 'open', reason: null };
  const locked = { by: 'the desk', reason: 'private' };

  it('is read as earlier versions wrote it, and with a lock', () => {
    expect(checkFact('link', link)).toEqual(link);
    expect(checkFact('link', { ...link, locked })).toEqual({ ...link, locked });
  });

  it.each([true, null, undefined, { by: 'the desk' }, { ...locked, since: 'now' }])(
    'is refused when locked is %j',
    (wrong) => {
      expect(() => checkFact('link', { ...link, locked: wrong })).toThrow(/fact of kind link refused: locked/);
    },
  );
});

describe('the fact of a departure', () => {
  it('has the leg in it', () => {
    expect(checkFact('departure', departure)).toEqual(departure);
  });

  it.each([{ method: 'left' }, { when: 'now' }, { leg: null }, { leg: { ...early, status: 'gone' } }, { more: 1 }])(
    'is refused with %j',
    (wrong) => {
      expect(() => checkFact('departure', { ...departure, ...wrong })).toThrow(/fact of kind departure refused/);
    },
  );
});
