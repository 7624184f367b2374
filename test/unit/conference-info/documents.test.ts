/** RFC 4575 4 and 5, XML 1.0: what is in documents, for whom, and that any text ends in a valid one. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeConference } from '../../../src/conference-info/conference.ts';
import { descriptionText, stateText } from '../../../src/conference-info/conference-text.ts';
import { DocumentWriter, withVersion } from '../../../src/conference-info/document.ts';
import { involvementOf } from '../../../src/conference-info/involvement.ts';
import { occupantUri } from '../../../src/conference-info/occupant-uri.ts';
import { conferenceOf } from '../../../src/conference-info/read-conference.ts';
import { readDocument } from '../../../src/conference-info/read-document.ts';
import { chatRooms, serviceUris } from '../../../src/conference-info/service-uris.ts';
import type { View } from '../../../src/conference-info/user.ts';
import { UserFragments, WrittenUser } from '../../../src/conference-info/user-fragments.ts';
import { userText } from '../../../src/conference-info/user-text.ts';
import { clipped, escapeXml, readableLine, utf8Length } from '../../../src/conference-info/xml-text.ts';
import { aor, change, hostile, LiveMeeting, leg, link, occupant, room } from './facts-sample.ts';

const schema = join(import.meta.dirname, '../../harness/conference/schema/conference-info.xsd');
const canValidate = existsSync(schema) && spawnSync('xmllint', ['--version']).error === undefined;

function full(live: LiveMeeting, view: View = 'ordinary'): string {
  const { entity, description, state, users } = composeConference(link, live.meeting, live.bindings, view);
  const written = [...users.values()].map((user) => new UserFragments(user).whole);
  const about = descriptionText(description) + stateText(state);
  return withVersion(new DocumentWriter(entity).full({ about, users: written, sidebars: '' }), 7);
}

const writer = new DocumentWriter(link.conference);
const deleted = (entity: string): WrittenUser => new WrittenUser(entity, 'deleted', '', []);

const users = (live: LiveMeeting, view: View = 'ordinary') => [
  ...composeConference(link, live.meeting, live.bindings, view).users.values(),
];

function bound(nonAnonymous: boolean): LiveMeeting {
  const live = new LiveMeeting();
  live.meeting.room = room({ nonAnonymous });
  live.bind(aor('sip:amy.secret@sip.example'), 'amy.hidden@im.example');
  const over = { aor: aor('sip:amy.secret@sip.example'), contact: 'sip:amy.secret@192.0.2.77', label: 'amy.secret' };
  live.meeting.legs.set('l1', leg('l1', over));
  return live;
}

describe('who is shown as what', () => {
  it('shows a proved AOR of a caller without a JID, and their contact', () => {
    const live = new LiveMeeting();
    live.meeting.legs.set(
      'l1',
      leg('l1', { aor: aor('sip:solo@sip.example'), contact: 'sip:solo@192.0.2.1', label: 'Solo' }),
    );
    const [user] = users(live);
    expect(user).toMatchObject({ entity: 'sip:solo@sip.example', displayText: 'Solo', roles: ['participant'] });
    expect(user?.endpoints[0]).toMatchObject({
      entity: 'sip:solo@192.0.2.1',
      status: 'connected',
      joiningMethod: 'dialed-in',
    });
  });

  it('makes one user of a nick and a leg that a binding joins, and parts them when it no longer does', () => {
    const live = bound(true);
    live.meeting.occupants.set(
      'Amy',
      occupant('Amy', { jid: 'amy.hidden@im.example', role: 'moderator', affiliation: 'owner' }),
    );
    const [user, ...others] = users(live);
    expect(others).toEqual([]);
    expect(user).toMatchObject({
      entity: 'sip:amy.secret@sip.example',
      displayText: 'Amy',
      associatedAors: ['xmpp:amy.hidden@im.example'],
      roles: ['moderator', 'owner'],
    });
    expect(user && involvementOf(user)).toBe('both');
    live.bindings.clear();
    expect(users(live).map(involvementOf)).toEqual(['media', 'text']);
  });

  it.each([true, false])('hides AOR, JID and contact in a room that hides JIDs (in the room: %s)', (inRoom) => {
    const live = bound(false);
    if (inRoom) live.meeting.occupants.set('Shadow', occupant('Shadow', { jid: 'amy.hidden@im.example' }));
    const seen = full(live);
    for (const secret of ['amy.secret', 'amy.hidden', '192.0.2.77', 'call-l1']) expect(seen).not.toContain(secret);
    expect(users(live).map((user) => user.entity)).toEqual([
      inRoom ? 'xmpp:tea@rooms.example/Shadow' : 'sip:l1ab@anonymous.invalid',
    ]);
    expect(full(live, 'moderator')).toContain('entity="sip:amy.secret@sip.example"');
  });

  it.each([true, false])(
    'keeps a call whose caller wants privacy apart from its person (in the room: %s)',
    (inRoom) => {
      const live = bound(true);
      const withheld = { aor: aor('sip:amy.secret@sip.example'), withheld: true, contact: null, label: null };
      live.meeting.legs.set('l1', leg('l1', withheld));
      if (inRoom) live.meeting.occupants.set('Amy', occupant('Amy', { jid: 'amy.hidden@im.example' }));
      const shown = users(live);
      expect(shown.map((user) => [user.entity, involvementOf(user)])).toEqual([
        ['sip:l1ab@anonymous.invalid', 'media'],
        ...(inRoom ? [['xmpp:tea@rooms.example/Amy', 'text']] : []),
      ]);
      for (const view of ['ordinary', 'moderator'] as const)
        expect(full(live, view)).not.toMatch(/amy\.secret|call-l1/);
      expect(users(live, 'moderator').map((user) => user.entity)).toEqual(shown.map((user) => user.entity));
    },
  );

  it('hides the proved AOR of a caller without a JID who wants privacy, and shows their other call', () => {
    const live = new LiveMeeting();
    const own = { aor: aor('sip:solo@sip.example'), label: 'Solo' };
    live.meeting.legs.set('l1', leg('l1', { ...own, withheld: true, label: null }));
    expect(full(live)).not.toContain('solo');
    live.meeting.legs.set('l2', leg('l2', own));
    const entities = users(live).map((user) => user.entity);
    expect(entities.sort()).toEqual(['sip:l1ab@anonymous.invalid', 'sip:solo@sip.example']);
  });

  it('hides telephone numbers from ordinary viewers', () => {
    const live = new LiveMeeting();
    const number = { label: '+49 30 12345', contact: 'sip:+493012345@192.0.2.9' };
    live.meeting.legs.set('l1', leg('l1', { aor: aor('tel:+493012345'), ...number }));
    live.meeting.legs.set('l2', leg('l2', number));
    expect(full(live)).not.toMatch(/12345|192\.0\.2\.9/);
    expect(full(live, 'moderator')).toContain('entity="tel:+493012345"');
    expect(users(live)).toHaveLength(2);
  });

  it('tells mutes by the focus from others, and gives two legs with one contact two entities', () => {
    const live = new LiveMeeting();
    const both = { aor: aor('sip:solo@sip.example'), contact: 'sip:solo@192.0.2.1' };
    live.meeting.legs.set('l1', leg('l1', { ...both, muted: true, mutes: ['room'] }));
    live.meeting.legs.set('l2', leg('l2', { ...both, muted: true, mutes: ['self'] }));
    live.meeting.legs.set('l3', leg('l3', { ...both, status: 'on-hold' }));
    live.meeting.legs.set('l4', leg('l4', { ...both, mutes: ['operator'] }));
    const endpoints = users(live)[0]?.endpoints ?? [];
    expect(endpoints.map((each) => `${each.status} ${each.media[0]?.status}`)).toEqual([
      'muted-via-focus recvonly',
      'connected recvonly',
      'on-hold inactive',
      'connected sendrecv',
    ]);
    expect(new Set(endpoints.map((each) => each.entity)).size).toBe(4);
  });
});

describe('a text that is cut', () => {
  it('is a beginning without half a character, and untouched when it fits', () => {
    expect(clipped('ab😀', 3)).toBe('ab');
    expect(clipped('ab😀', 4)).toBe('ab😀');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(12), (text, limit) => {
        const cut = clipped(text, limit);
        expect(text.startsWith(cut) && cut.length <= limit && !/[\ud800-\udbff]$/.test(cut)).toBe(true);
      }),
    );
  });
});

describe('addresses of the room', () => {
  it('names it under each token with its own URI, and reads both as one room', () => {
    const entries = serviceUris(link, 'both');
    expect(entries.map((entry) => `${entry.purpose} ${entry.uri}`)).toEqual([
      'grouptextchat xmpp:tea@rooms.example',
      'groupstextchat xmpp:tea@rooms.example?join',
    ]);
    expect(chatRooms(entries)).toEqual(['tea@rooms.example']);
    expect(serviceUris(link, 'grouptextchat')).toHaveLength(1);
  });

  it('escapes a nick as RFC 5122 has it, and never gives two nicks one URI', () => {
    expect(occupantUri('node@example.com', 'a b/#?@%é')).toBe('xmpp:node@example.com/a%20b%2F%23%3F%40%25%C3%A9');
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        expect(occupantUri(link.room, one) === occupantUri(link.room, other)).toBe(one === other);
      }),
    );
  });
});

describe('text of strangers', () => {
  it.each([
    ['a\u0000b', 'a\ufffdb'],
    ['a\ud800b', 'a\ufffdb'],
    ['a\nb', 'a b'],
    ['\u202eevil', '\u2068\u202eevil\u2069'],
    ['\u2069\u2067x', '\u2068\u2067x\u2069\u2069'],
    ['\u200b \u2060', null],
    ['', null],
  ])('%j is read as %j', (text, expected) => expect(readableLine(text, 128)).toBe(expected));

  it('is cut between code points', () => {
    const cut = readableLine('😀'.repeat(500), 128) ?? '';
    expect([...cut]).toHaveLength(128);
    expect(cut).not.toMatch(/\p{Cs}/u);
    expect(readableLine('😀'.repeat(128), 128)).toBe('😀'.repeat(128));
  });

  it('counts bytes as UTF-8 has them', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });

  it('comes back from a parser as it was, but for what XML cannot hold', () => {
    fc.assert(
      fc.property(hostile, hostile, (nick, label) => {
        const live = new LiveMeeting();
        live.meeting.occupants.set(nick, occupant(nick));
        live.meeting.legs.set('l1', leg('l1', { label }));
        const document = readDocument(full(live));
        if ('refused' in document) throw new Error(document.refused);
        const read = conferenceOf(document.root).users;
        expect(read.map((user) => user.entity)).toContain(occupantUri(link.room, nick));
        expect(read).toHaveLength(2);
        for (const user of read) expect(user.displayText).toBeTruthy();
      }),
    );
    expect(escapeXml('<&>"\u0001')).toBe('&lt;&amp;&gt;&quot;\ufffd');
  });
});

describe('documents', () => {
  it('are the same bytes for the same facts, in whatever order they came', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(change, { selector: (each) => `${each.kind} ${each.key}`, maxLength: 12 }),
        (changes) => {
          const one = new LiveMeeting();
          const other = new LiveMeeting();
          for (const each of changes) one.apply(each);
          for (const each of [...changes].reverse()) other.apply(each);
          expect(full(other)).toBe(full(one));
        },
      ),
    );
  });

  it('leave empty lists out and say that users are partial', () => {
    const partial = withVersion(writer.partial({ about: '', users: [deleted('sip:x@y.invalid')], sidebars: '' }), 3);
    expect(partial).toContain('<users state="partial"><user entity="sip:x@y.invalid" state="deleted"/></users>');
    const nothing = { associatedAors: [], roles: [], languages: [], cascadedFocus: null, endpoints: [] };
    const user = { entity: 'sip:a@b', displayText: 'A', ...nothing };
    expect(userText(user)).toBe('<user entity="sip:a@b"><display-text>A</display-text></user>');
    const lists = { keywords: [], confUris: [], serviceUris: [], availableMedia: [] };
    const bare = { displayText: 'T', subject: null, freeText: null, maximumUserCount: 1, ...lists };
    expect(descriptionText(bare)).not.toMatch(/-uris|media|keywords/);
  });

  it.skipIf(!canValidate)('are valid by the schema of RFC 4575 (skipped without xmllint)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'conference-info-'));
    try {
      const files = fc
        .sample(fc.tuple(fc.array(change, { maxLength: 20 }), fc.boolean()), 150)
        .map(([changes, all], place) => {
          const live = new LiveMeeting();
          for (const each of changes) live.apply(each);
          const file = join(folder, `${place}.xml`);
          writeFileSync(file, full(live, all ? 'moderator' : 'ordinary'));
          return file;
        });
      const partial = join(folder, 'partial.xml');
      writeFileSync(
        partial,
        withVersion(writer.partial({ about: '', users: [deleted('sip:a@b')], sidebars: '' }), 4294967295),
      );
      const run = spawnSync('xmllint', ['--noout', '--nonet', '--schema', schema, ...files, partial], {
        encoding: 'utf8',
      });
      expect(run.stderr.split('\n').filter((line) => line !== '' && !line.endsWith(' validates'))).toEqual([]);
      expect(run.status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('reading', () => {
  const open = '<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:a@b" version="1">';
  it.each([
    ['too-large', ' '.repeat(4_000_001)],
    ['doctype', '<!DOCTYPE a [<!ENTITY b "c">]><a/>'],
    ['too-deep', '<a>'.repeat(100_000)],
    ['malformed', `${open}<users>`],
    ['malformed', '<a b="'],
    ['malformed', ''],
    ['not-conference-info', '<conference-info xmlns="urn:other" entity="sip:a@b"/>'],
    ['invalid', `${open.replace('"1"', '"-1"')}</conference-info>`],
  ])('refuses: %s', (refused, text) => expect(readDocument(text)).toEqual({ refused }));

  it('never throws on mutilated documents', () => {
    const live = bound(true);
    const sample = full(live);
    fc.assert(
      fc.property(fc.nat(sample.length), fc.nat(60), hostile, (start, length, junk) => {
        readDocument(sample.slice(0, start) + junk + sample.slice(start + length));
      }),
    );
  });
});
