import { describe, expect, it } from 'vitest';
import type { Aor } from '../../../src/identity/aor.ts';
import { defaultPolicy } from '../../../src/policy/settings.ts';
import { mayWatch, type WatcherClaim, type Watching } from '../../../src/sip-focus/watch-rights.ts';
import { bindings, bobAor, bobJid, leg, type MeetingParts, meeting, occupant } from '../policy/meeting-fixture.ts';

const bob: WatcherClaim = { aor: bobAor, leg: null };
const bobsPhone: WatcherClaim = { aor: bobAor, leg: 'l1' };
const phone: WatcherClaim = { aor: 'tel:+15550100' as Aor, leg: null };
const stranger: WatcherClaim = { aor: null, leg: null };
const caller: WatcherClaim = { aor: null, leg: 'l7' };

const judge = (watcher: WatcherClaim, watching: Watching, parts: MeetingParts = {}) =>
  mayWatch(watcher, { watching, policy: defaultPolicy }, meeting(parts), bindings);
/** The view, or why there is none. */
const seen = (...args: Parameters<typeof judge>): string => {
  const right = judge(...args);
  return right.act === 'watch' ? right.view : right.why;
};

describe('who may watch', () => {
  const inRoom = { occupants: [occupant()] };
  const moderates = { occupants: [occupant({ role: 'moderator' })] };
  const owns = { affiliations: { [bobJid]: 'owner' } } as const;
  it.each<[string, WatcherClaim, MeetingParts, Record<Watching, string>]>([
    [
      'nobody in particular',
      stranger,
      {},
      { anyone: 'ordinary', accounts: 'outside', participants: 'outside', moderators: 'outside' },
    ],
    [
      'an account',
      bob,
      {},
      { anyone: 'ordinary', accounts: 'ordinary', participants: 'outside', moderators: 'outside' },
    ],
    [
      'an occupant',
      bob,
      inRoom,
      { anyone: 'ordinary', accounts: 'ordinary', participants: 'ordinary', moderators: 'outside' },
    ],
    [
      'a caller, from elsewhere',
      bob,
      { legs: [leg()] },
      { anyone: 'ordinary', accounts: 'ordinary', participants: 'ordinary', moderators: 'outside' },
    ],
    [
      'a caller who proves nothing, in the call',
      caller,
      {},
      { anyone: 'ordinary', accounts: 'ordinary', participants: 'ordinary', moderators: 'outside' },
    ],
    [
      'a moderator',
      bob,
      moderates,
      { anyone: 'moderator', accounts: 'moderator', participants: 'moderator', moderators: 'moderator' },
    ],
    [
      'an owner who is away',
      bob,
      owns,
      { anyone: 'moderator', accounts: 'moderator', participants: 'moderator', moderators: 'moderator' },
    ],
    [
      'the banned',
      bobsPhone,
      { affiliations: { [bobJid]: 'outcast' }, legs: [leg()] },
      { anyone: 'barred', accounts: 'barred', participants: 'barred', moderators: 'barred' },
    ],
    [
      'a banned address',
      phone,
      { callerBans: [phone.aor as Aor] },
      { anyone: 'barred', accounts: 'barred', participants: 'barred', moderators: 'barred' },
    ],
    [
      'who is no member',
      bob,
      { room: { membersOnly: true } },
      { anyone: 'barred', accounts: 'barred', participants: 'barred', moderators: 'barred' },
    ],
  ])('%s', (_what, watcher, parts, expected) => {
    const found = Object.fromEntries(
      (Object.keys(expected) as Watching[]).map((watching) => [watching, seen(watcher, watching, parts)]),
    );
    expect(found).toEqual(expected);
  });

  it('is not known before the room is: that bars nobody for good', () => {
    expect(judge(bob, 'anyone', { room: null })).toMatchObject({ act: 'refuse', status: 503 });
    expect(judge(bob, 'anyone', { closed: true })).toMatchObject({ act: 'refuse', status: 404 });
  });

  it('a conference that is full may be watched all the same', () => {
    const full = { legs: [leg(), leg({ leg: 'l2' }), leg({ leg: 'l3' })] };
    expect(judge(bob, 'participants', full)).toMatchObject({ act: 'watch' });
  });
});

describe('whom a watcher is shown as themselves', () => {
  it.each<[WatcherClaim, string | null]>([
    [bob, `jid:${bobJid}`],
    [bobsPhone, `jid:${bobJid}`],
    [phone, 'aor:tel:+15550100'],
    [caller, 'leg:l7'],
    [stranger, null],
  ])('%o', (watcher, self) => expect(judge(watcher, 'anyone')).toMatchObject({ act: 'watch', self }));
});
