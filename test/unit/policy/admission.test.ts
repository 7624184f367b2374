import { describe, expect, it } from 'vitest';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import type { Meeting } from '../../../src/conference-info/meeting.ts';
import type { Aor } from '../../../src/identity/aor.ts';
import { admit, keptOut, mustLeave } from '../../../src/policy/admission.ts';
import { defaultPolicy } from '../../../src/policy/settings.ts';
import { bindings, bobAor, bobJid, leg, link, type MeetingParts, meeting, occupant } from './meeting-fixture.ts';

const status = (parts: MeetingParts, aor: typeof bobAor | null = bobAor, policy = defaultPolicy): number | 'join' => {
  const admission = admit(aor, link, meeting(parts), bindings, policy);
  return admission.act === 'join' ? 'join' : admission.status;
};

describe('admission', () => {
  it('lets people and phone-only callers into an open room', () => {
    expect(status({})).toBe('join');
    expect(status({}, null)).toBe('join');
  });

  it('answers 404 for a closed link', () => {
    expect(status({ closed: true })).toBe(404);
  });

  it('refuses whom the room has banned, by list or by what an occupant presence says', () => {
    expect(status({ affiliations: { [bobJid]: 'outcast' } })).toBe(403);
    expect(status({ occupants: [occupant({ affiliation: 'outcast' })] })).toBe(403);
    expect(status({ affiliations: { 'bob@example.org.evil': 'outcast' } })).toBe('join');
    expect(status({ callerBans: [bobAor] })).toBe(403);
  });

  it('keeps non-members out of a members-only room, and phones as the setting says', () => {
    const membersOnly = { room: { membersOnly: true } };
    expect(status(membersOnly)).toBe(403);
    expect(status({ ...membersOnly, affiliations: { [bobJid]: 'member' } })).toBe('join');
    expect(status(membersOnly, null)).toBe(403);
    expect(status(membersOnly, null, { ...defaultPolicy, phonesInMembersOnly: 'allow' })).toBe('join');
  });

  it('says busy when full, and refuses the unproved by setting', () => {
    expect(status({ legs: [leg({ leg: 'a' }), leg({ leg: 'b' })] })).toBe(486);
    expect(status({}, null, { ...defaultPolicy, anonymousCallers: 'refuse' })).toBe(403);
  });

  it('lets nobody into a locked conference but proved owners and admins of the room', () => {
    const locked = { locked: true };
    expect(admit(bobAor, link, meeting(locked), bindings, defaultPolicy)).toEqual({
      ...{ act: 'refuse', status: 403, text: 'The conference is locked' },
    });
    expect(status(locked, null)).toBe(403);
    expect(status({ ...locked, affiliations: { [bobJid]: 'member' } })).toBe(403);
    expect(status({ ...locked, occupants: [occupant({ role: 'moderator' })] })).toBe(403);
    for (const affiliation of ['owner', 'admin'] as const) {
      expect(status({ ...locked, affiliations: { [bobJid]: affiliation } })).toBe('join');
      expect(status({ ...locked, affiliations: { [bobJid]: affiliation } }, null)).toBe(403);
    }
    const full = [leg({ leg: 'a' }), leg({ leg: 'b' })];
    expect(status({ ...locked, legs: full, affiliations: { [bobJid]: 'owner' } })).toBe(486);
    expect(mustLeave(leg(), meeting(locked), bindings, defaultPolicy)).toBeNull();
    expect(keptOut(bobAor, meeting(locked), bindings, defaultPolicy)).toBeNull();
  });

  it('says busy to a person who has as many calls as one may have, whichever of their addresses they call from', () => {
    const deskAor = 'sip:bob@desk.example' as Aor;
    const carolAor = 'sip:carol@elsewhere.example' as Aor;
    const bound = new Map([...bindings, [deskAor, { aor: deskAor, jid: bobJid, proof: 'directory' as const }]]);
    const roomy = { ...link, maximumUsers: 100 };
    const two = { ...defaultPolicy, callsPerPerson: 2 };
    const calls = (...aors: (Aor | null)[]) => aors.map((aor, index) => leg({ leg: `l${index}`, aor }));
    const answer = (aor: Aor | null, standing: LegFact[], arriving: { aor: Aor | null }[] = [], settings = two) => {
      const admission = admit(aor, roomy, meeting({ legs: standing }), bound, settings, arriving);
      return admission.act === 'join' ? 'join' : `${admission.status} ${admission.text}`;
    };
    expect(answer(bobAor, calls(bobAor, carolAor, null))).toBe('join');
    expect(answer(bobAor, calls(bobAor, deskAor))).toBe('486 No more than 2 calls of one person');
    expect(answer(bobAor, calls(bobAor), [{ aor: deskAor }])).toMatch(/^486/);
    expect(answer(carolAor, calls(bobAor, carolAor), [{ aor: carolAor }])).toMatch(/^486/);
    expect(answer(carolAor, calls(bobAor, deskAor), [{ aor: carolAor }])).toBe('join');
    expect(answer(null, calls(null, null, null), [{ aor: null }])).toBe('join');
    expect(answer(bobAor, calls(bobAor, bobAor, bobAor), [], { ...two, callsPerPerson: 0 })).toBe('join');
    expect(answer(bobAor, calls(bobAor, bobAor, bobAor), [], defaultPolicy)).toBe('join');
    expect(answer(bobAor, calls(bobAor, bobAor, bobAor, bobAor), [], defaultPolicy)).toMatch(/^486/);
  });

  it('counts calls on their way in as taken places', () => {
    const arriving = [{ aor: null }, { aor: null }];
    expect(admit(null, link, meeting(), bindings, defaultPolicy, arriving.slice(1))).toMatchObject({ act: 'join' });
    expect(admit(null, link, meeting(), bindings, defaultPolicy, arriving)).toMatchObject({
      text: 'The conference is full',
    });
  });

  it('asks to come again while the room has not been seen, but ends no call for it', () => {
    expect(status({ room: null })).toBe(503);
    expect(status({ room: null, closed: true })).toBe(404);
    expect(mustLeave(leg(), meeting({ room: null }), bindings, defaultPolicy)).toBeNull();
  });

  it('notes the expulsion that stands', () => {
    expect(admit(bobAor, link, meeting({ expulsion: 'e1' }), bindings, defaultPolicy)).toEqual({
      act: 'join',
      expulsion: 'e1',
    });
  });
});

describe('staying', () => {
  const leaves = (parts: MeetingParts, change = {}) => mustLeave(leg(change), meeting(parts), bindings, defaultPolicy);

  it('ends a leg once for an expulsion newer than its admission', () => {
    expect(leaves({ expulsion: 'e2' }, { expulsion: 'e1' })).toMatchObject({ disconnection: 'booted', by: 'Alice' });
    expect(leaves({ expulsion: 'e2' }, { expulsion: 'e2' })).toBeNull();
    expect(leaves({ expulsion: 'e2' }, { aor: null })).toBeNull();
  });

  it('ends legs when the link closes, a ban stands or the room becomes members-only', () => {
    expect(leaves({ closed: true })).toMatchObject({ status: 404, disconnection: 'departed' });
    expect(leaves({ affiliations: { [bobJid]: 'outcast' } })).toMatchObject({ status: 403 });
    expect(leaves({ room: { membersOnly: true } }, { aor: null })).toMatchObject({ status: 403 });
    expect(leaves({})).toBeNull();
  });

  it('says why, the same whichever fact of it came first, with the words of who did it', () => {
    const outcast = { affiliations: { [bobJid]: 'outcast' } } as const;
    const expelled = (
      cause: 'kick' | 'ban' | 'membership',
      reason: string | null,
      parts: MeetingParts = {},
    ): Meeting => ({
      ...meeting(parts),
      expulsions: new Map([[bobJid, { id: 'e2', jid: bobJid, cause, reason, by: 'Alice' }]]),
    });
    const said = (place: Meeting) => {
      const { status, text } = mustLeave(leg(), place, bindings, defaultPolicy)!;
      return `${status} ${text}`;
    };
    expect(said(expelled('kick', 'off topic'))).toBe('603 Removed from the room: off topic');
    expect(said(expelled('ban', 'spam', outcast))).toBe('403 Banned from the room: spam');
    const told = { jid: bobJid, affiliation: 'outcast', reason: 'spam', by: 'Alice' } as const;
    expect(said({ ...meeting(), affiliations: new Map([[bobJid, told]]) })).toBe('403 Banned from the room: spam');
    expect(said(expelled('ban', null))).toBe(said(meeting(outcast)));
    expect(said(expelled('membership', null))).toBe(said(meeting({ room: { membersOnly: true } })));
    const callerBan = { aor: bobAor, reason: 'noise', by: 'the desk' };
    expect(said({ ...meeting(), callerBans: new Map([[bobAor, callerBan]]) })).toBe(
      '403 Banned from the conference: noise',
    );
    const closed = meeting({ closed: true });
    expect(said({ ...closed, link: { ...closed.link!, reason: 'over' } })).toBe('404 This conference has ended: over');
    expect(said(expelled('kick', 'x'.repeat(1000))).length).toBeLessThan(250);
  });
});
