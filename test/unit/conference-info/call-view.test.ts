/** RFC 4575 5.3 to 5.8: what is shown of calls that come, stand, are held and end, and of the conference that they are in. */
import { describe, expect, it } from 'vitest';
import { composeConference } from '../../../src/conference-info/conference.ts';
import type { DepartureFact } from '../../../src/conference-info/departure.ts';
import { involvementOf, takesPart } from '../../../src/conference-info/involvement.ts';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import { Roster } from '../../../src/conference-info/roster.ts';
import type { Showing } from '../../../src/conference-info/user.ts';
import { aor, LiveMeeting, leg, link, occupant, room } from './facts-sample.ts';

const solo = { aor: aor('sip:solo@sip.example'), contact: 'sip:solo@192.0.2.1', proof: 'digest' as const };

const departure = (of: LegFact, over: Partial<DepartureFact> = {}): DepartureFact => ({
  leg: of,
  method: 'departed',
  when: '2026-11-25T10:01:00Z',
  reason: null,
  by: null,
  ...over,
});

/** A meeting that is told of in both ways: anew, and by its roster. */
class Shown {
  readonly live = new LiveMeeting();
  readonly roster = new Roster(link.room, this.live.meeting, this.live.bindings);

  say(kind: 'leg' | 'departure' | 'occupant', key: string, value: unknown): ReadonlySet<string> | 'everybody' {
    this.live.apply({ kind, key, value });
    return this.roster.change({ kind, key });
  }

  users(showing: Showing = 'ordinary') {
    return this.roster.persons().flatMap((person) => this.roster.usersOf(person, showing));
  }

  get count(): number {
    return composeConference(link, this.live.meeting, this.live.bindings).state.userCount;
  }
}

describe('a call that has ended', () => {
  it('is shown under the same entities, disconnected and not counted, until its departure is withdrawn', () => {
    const shown = new Shown();
    shown.say('leg', 'l1', leg('l1', solo));
    const [before] = shown.users();
    shown.say('departure', 'l1', departure(leg('l1', solo), { method: 'failed', reason: 'No\nmedia' }));
    expect(shown.users()).toEqual([before]);
    expect(shown.count).toBe(1);
    shown.say('leg', 'l1', null);
    const [after] = shown.users();
    expect(after).toMatchObject({ entity: before?.entity, displayText: before?.displayText, roles: [] });
    expect(after?.endpoints).toMatchObject([
      {
        entity: before?.endpoints[0]?.entity,
        status: 'disconnected',
        joiningMethod: 'dialed-in',
        disconnectionMethod: 'failed',
        disconnectionInfo: { when: '2026-11-25T10:01:00Z', reason: 'No media', by: null },
        media: [],
      },
    ]);
    expect(after && takesPart(after)).toBe(false);
    expect(shown.count).toBe(0);
    shown.say('departure', 'l1', null);
    expect([shown.users(), shown.roster.persons()]).toEqual([[], []]);
  });

  it('leaves who is still in the room under the entity of the call for so long, as a reader', () => {
    const shown = new Shown();
    shown.live.meeting.room = room({ nonAnonymous: true });
    shown.live.bind(solo.aor, 'amy@im.example');
    shown.say('occupant', 'Amy', occupant('Amy', { jid: 'amy@im.example' }));
    shown.say('departure', 'l1', departure(leg('l1', solo)));
    const [user] = shown.users();
    expect(user).toMatchObject({ entity: solo.aor, roles: ['participant'] });
    expect(user && involvementOf(user)).toBe('text');
    expect(shown.count).toBe(1);
    shown.say('departure', 'l1', null);
    expect(shown.users().map(({ entity }) => entity)).toEqual([`xmpp:${link.room}/Amy`]);
  });

  it.each([solo, { contact: solo.contact }])('goes at once when its caller is back, for good (%j)', (caller) => {
    const shown = new Shown();
    const endpoints = () =>
      shown.users().flatMap((user) => user.endpoints.map(({ entity, status }) => [entity, status]));
    shown.say('departure', 'l1', departure(leg('l1', caller)));
    expect(endpoints()).toEqual([[solo.contact, 'disconnected']]);
    const back = leg('l2', { ...caller, joinedAt: '2026-11-25T10:01:05Z' });
    const affected = shown.say('leg', 'l2', back);
    expect(endpoints()).toEqual([[solo.contact, 'connected']]);
    if (caller === solo) expect(affected).toEqual(new Set([`aor:${solo.aor}`]));
    else expect(affected).toEqual(new Set(['leg:l1', 'leg:l2']));
    shown.say('departure', 'l2', departure(back, { when: '2026-11-25T10:01:06Z' }));
    shown.say('leg', 'l2', null);
    expect(endpoints()).toEqual([[solo.contact, 'disconnected']]);
    expect(shown.users()[0]?.endpoints[0]?.joiningInfo?.when).toBe(back.joinedAt);
  });

  it('stays when somebody else calls through the same gateway, under another entity', () => {
    const shown = new Shown();
    shown.say('departure', 'l1', departure(leg('l1', solo)));
    shown.say('leg', 'l2', leg('l2', { ...solo, aor: aor('sip:other@sip.example') }));
    expect(shown.users().map(({ entity, endpoints }) => [entity, endpoints.map((each) => each.entity)])).toEqual([
      ['sip:other@sip.example', [solo.contact]],
      [solo.aor, [`${solo.contact};leg=l1`]],
    ]);
  });

  it.each([
    ['xmpp:chair@im.example', false, null],
    ['xmpp:chair@im.example', true, 'xmpp:chair@im.example'],
    [`xmpp:${link.room}/The%20chair`, false, `xmpp:${link.room}/The%20chair`],
    ['tel:+493012345', true, null],
  ])('says who ended it: %s (JIDs for everybody: %s)', (by, nonAnonymous, ordinary) => {
    const shown = new Shown();
    shown.live.meeting.room = room({ nonAnonymous });
    shown.say('departure', 'l1', departure(leg('l1', solo), { method: 'booted', reason: 'Too loud', by }));
    const told = (showing: Showing) => shown.users(showing)[0]?.endpoints[0]?.disconnectionInfo;
    expect(told('ordinary')).toMatchObject({ reason: 'Too loud', by: ordinary });
    for (const showing of ['moderator', 'self'] as const)
      expect(told(showing)).toMatchObject({ reason: 'Too loud', by });
  });
});

describe('a call', () => {
  const endpoint = (over: Partial<LegFact>, showing: Showing = 'ordinary') => {
    const shown = new Shown();
    shown.say('leg', 'l1', leg('l1', { ...solo, ...over }));
    return shown.users(showing)[0]?.endpoints[0];
  };

  it.each([
    [{ status: 'pending' }, 'pending', 'inactive'],
    [{ status: 'dialing-out' }, 'dialing-out', 'inactive'],
    [{ status: 'dialing-in', muted: true, mutes: ['room'] }, 'dialing-in', 'inactive'],
    [{ status: 'alerting', direction: 'sendrecv' }, 'alerting', 'inactive'],
    [{ status: 'connected' }, 'connected', 'sendrecv'],
    [{ status: 'connected', direction: 'recvonly' }, 'connected', 'recvonly'],
    [{ status: 'connected', muted: true, mutes: ['room'] }, 'muted-via-focus', 'recvonly'],
    [{ status: 'connected', muted: true, mutes: ['self'] }, 'connected', 'recvonly'],
    [{ status: 'on-hold' }, 'on-hold', 'inactive'],
    [{ status: 'on-hold', direction: 'sendonly' }, 'on-hold', 'sendonly'],
    [{ status: 'on-hold', direction: 'sendonly', muted: true, mutes: ['operator'] }, 'on-hold', 'inactive'],
    [{ status: 'on-hold', direction: 'inactive' }, 'on-hold', 'inactive'],
    [{ status: 'disconnecting' }, 'disconnecting', 'inactive'],
    [{ status: 'disconnected' }, 'disconnected', undefined],
  ] as const)('%j is %s, its audio %s', (over, status, direction) => {
    const seen = endpoint(over);
    expect([seen?.status, seen?.media[0]?.status]).toEqual([status, direction]);
    const joined = status !== 'pending' && status !== 'dialing-out' && status !== 'dialing-in' && status !== 'alerting';
    expect(seen?.joiningInfo?.when).toBe(joined ? '2026-11-25T10:00:00Z' : undefined);
  });

  it('shows its dialog to moderators and to oneself, when all of it is known', () => {
    const tags = { fromTag: 'f', toTag: 't' };
    const callInfo = { displayText: null, callId: 'call-l1', ...tags };
    expect(endpoint(tags)?.callInfo).toBeNull();
    for (const showing of ['moderator', 'self'] as const) {
      expect(endpoint(tags, showing)?.callInfo).toEqual(callInfo);
      expect(endpoint({ fromTag: 'f' }, showing)?.callInfo).toBeNull();
    }
  });

  it('tells its source, languages, focus and who referred it', () => {
    const shown = new Shown();
    const referred = { when: '2026-11-25T09:59:00Z', reason: 'Join us', by: `xmpp:${link.room}/Bob` };
    const more = { sourceId: '42', languages: ['de', 'en'], cascadedFocus: 'sip:c7@focus.example', referred };
    shown.say('leg', 'l1', leg('l1', { ...solo, ...more, joining: { reason: 'Wanted', by: null } }));
    const joiningInfo = { when: '2026-11-25T10:00:00Z', reason: 'Wanted', by: null };
    expect(shown.users()).toMatchObject([
      {
        languages: ['de', 'en'],
        cascadedFocus: 'sip:c7@focus.example',
        endpoints: [{ referred, joiningInfo, media: [{ sourceId: '42', label: 'audio' }] }],
      },
    ]);
  });

  it('of a number is masked by a name of its own, the same for each of its calls, and joined with nobody else', () => {
    const numbers = ['tel:+493012345', 'tel:+493012346'].map(aor);
    const shown = new Shown();
    for (const [place, number] of numbers.entries()) {
      const masked = `sip:hash${place}000@number.invalid`;
      for (const id of ['a', 'b'])
        shown.say('leg', `${id}${place}`, leg(`${id}${place}`, { aor: number, masked, label: number }));
    }
    expect(shown.users().map((user) => [user.entity, user.displayText, user.endpoints.length])).toEqual([
      ['sip:hash0000@number.invalid', 'Caller 0000', 2],
      ['sip:hash1000@number.invalid', 'Caller 1000', 2],
    ]);
    expect(shown.users('moderator').map(({ entity }) => entity)).toEqual(numbers);
  });

  it('of a trusted peer does not show its gateway to everybody', () => {
    const entity = (showing: Showing) => endpoint({ proof: 'trusted-peer' }, showing)?.entity;
    const focus = new Shown();
    focus.say('leg', 'l1', leg('l1', { ...solo, proof: 'trusted-peer', cascadedFocus: 'sip:trunk@192.0.2.7' }));
    expect(focus.users('ordinary')[0]?.cascadedFocus).toBeNull();
    expect(focus.users('moderator')[0]?.cascadedFocus).toBe('sip:trunk@192.0.2.7');
    expect([entity('ordinary'), entity('moderator'), entity('self')]).toEqual([
      'sip:l1@anonymous.invalid',
      solo.contact,
      solo.contact,
    ]);
  });
});

describe('a conference', () => {
  it('is said to be what the operator wrote', () => {
    const about = {
      freeText: 'Tea\nand \u202ecake',
      keywords: ['tea', 'cake'],
      furtherUris: ['tel:+493012345', link.conference, 'sip:tea@pbx.example'],
      host: { name: 'The society', webPage: 'https://example.org/a b', uris: ['mailto:tea@example.org'] },
      mediaNames: { audio: 'Voice', chat: null },
    };
    const { description, host } = composeConference({ ...link, about }, new LiveMeeting().meeting, new Map());
    expect(description).toMatchObject({
      freeText: '\u2068Tea and \u202ecake\u2069',
      keywords: ['tea', 'cake'],
      maximumUserCount: 50,
      availableMedia: [
        { label: 'audio', displayText: 'Voice' },
        { label: 'chat', displayText: null },
      ],
    });
    const uris = [link.conference, 'tel:+493012345', 'sip:tea@pbx.example'];
    expect(description.confUris).toEqual(uris.map((uri) => ({ uri, displayText: null, purpose: 'participation' })));
    expect(host).toEqual({
      displayText: 'The society',
      webPage: 'https://example.org/a%20b',
      uris: [{ uri: 'mailto:tea@example.org', displayText: null, purpose: null }],
    });
  });
});
