import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MuteReason, muteReasons } from '../../../src/conference-info/leg.ts';
import { roleCauses, roles } from '../../../src/conference-info/occupant.ts';
import { wantedMutes } from '../../../src/policy/media-rights.ts';
import { defaultPolicy } from '../../../src/policy/settings.ts';
import { bindings, bobJid, leg, type MeetingParts, meeting, occupant } from './meeting-fixture.ts';

const muted = (parts: MeetingParts, change = {}, policy = defaultPolicy): boolean =>
  wantedMutes(leg(change), meeting(parts), bindings, policy).includes('room');

describe('the room caps media', () => {
  it('mutes whose voice was taken, and gives it back', () => {
    expect(muted({ occupants: [occupant({ role: 'visitor', cause: 'revoked' })] })).toBe(true);
    expect(muted({ occupants: [occupant({ role: 'participant', cause: 'granted' })] })).toBe(false);
  });

  it('lets a visitor of an unmoderated room speak whose voice nobody took, unless the setting says otherwise', () => {
    const visitor = { occupants: [occupant({ role: 'visitor', cause: 'default' })] };
    expect(muted(visitor)).toBe(false);
    expect(muted(visitor, {}, { ...defaultPolicy, visitorsMutedInUnmoderated: true })).toBe(true);
    expect(muted({ ...visitor, room: { moderated: true } })).toBe(true);
    expect(muted({ occupants: [occupant({ role: 'visitor', cause: 'unknown' })] })).toBe(true);
  });

  it('remembers voice taken of somebody who has left the room', () => {
    expect(muted({ voicesTaken: [bobJid] })).toBe(true);
    expect(muted({})).toBe(false);
  });

  it('gives somebody who was never in the room what their affiliation would give', () => {
    const moderated = { room: { moderated: true } };
    expect(muted(moderated)).toBe(true);
    expect(muted({ ...moderated, affiliations: { [bobJid]: 'member' } })).toBe(false);
    expect(muted({ room: { moderated: true, guestsHaveVoice: true } })).toBe(false);
    expect(muted({ room: { moderated: true, guestsHaveVoice: true }, voicesTaken: [bobJid] })).toBe(true);
  });

  it('takes the strictest of several occupants', () => {
    const both = [
      occupant({ nick: 'a', role: 'moderator' }),
      occupant({ nick: 'b', role: 'visitor', cause: 'revoked' }),
    ];
    expect(muted({ occupants: both })).toBe(true);
  });

  it('mutes phone-only callers of a moderated room until they have the floor', () => {
    const moderated = { room: { moderated: true } };
    expect(muted(moderated, { aor: null })).toBe(true);
    expect(muted(moderated, { aor: null, floor: true })).toBe(false);
    expect(muted(moderated, { aor: null }, { ...defaultPolicy, phonesStartMuted: false })).toBe(false);
    expect(muted({ room: { moderated: true, guestsHaveVoice: true } }, { aor: null })).toBe(true);
    expect(muted({}, { aor: null })).toBe(false);
  });

  it('never lifts an operator or self mute, whatever the room says', () => {
    const sets = fc.subarray([...muteReasons]);
    const anyRoom = fc.record({
      role: fc.constantFrom(...roles),
      cause: fc.constantFrom(...roleCauses),
      moderated: fc.boolean(),
    });
    fc.assert(
      fc.property(sets, anyRoom, (mutes: MuteReason[], { role, cause, moderated }) => {
        const wanted = wantedMutes(
          leg({ mutes }),
          meeting({ room: { moderated }, occupants: [occupant({ role, cause })] }),
          bindings,
          defaultPolicy,
        );
        for (const own of ['operator', 'self'] as const) expect(wanted.includes(own)).toBe(mutes.includes(own));
      }),
    );
  });
});
