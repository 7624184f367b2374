/** RFC 4575 4.3 to 4.6: what a subscriber knows after each document, and which documents break a rule. */
import { describe, expect, it } from 'vitest';
import { ConferenceReader } from '../../harness/conference/reader.ts';
import { countsAgree } from '../../harness/conference/rules.ts';
import { involvementOf, userOf } from '../../harness/conference/view.ts';
import {
  chat,
  description,
  document,
  endpoint,
  entity,
  full,
  medium,
  partial,
  readerOf,
  user,
} from './conference-documents.ts';

const shown = (reader: ConferenceReader): string[] => reader.view.users.map((each) => each.entity);

describe('what is known after documents', () => {
  it('is nothing at first', () => {
    expect(new ConferenceReader(entity).view).toEqual({
      entity: '',
      version: 0,
      confUris: [],
      serviceUris: [],
      users: [],
      deleted: false,
    });
  });

  it('is all that a full document says, and only that', () => {
    const reader = readerOf(
      full(4, user('sip:old@x.example')),
      document(
        5,
        'full',
        `<conference-description><display-text>Tea</display-text><subject>A &amp; B</subject><conf-uris><entry><uri>${entity}</uri>` +
          `<purpose>participation</purpose></entry></conf-uris>${chat}<maximum-user-count>9</maximum-user-count></conference-description>` +
          '<conference-state><user-count>2</user-count><active>true</active><locked>0</locked></conference-state>' +
          '<users><user entity="sip:a@x.example"><display-text>Ann</display-text><associated-aors><entry><uri>xmpp:ann@im.example</uri></entry>' +
          '</associated-aors><roles><entry>moderator</entry><entry>owner</entry></roles><endpoint entity="sip:a@192.0.2.1">' +
          '<display-text>phone</display-text><status>disconnected</status><joining-method>dialed-in</joining-method>' +
          '<disconnection-method>booted</disconnection-method><media id="1"><type>audio</type><src-id>77</src-id>' +
          '<status>recvonly</status></media></endpoint></user></users>',
      ),
    );
    expect(reader.view).toEqual({
      entity,
      version: 5,
      displayText: 'Tea',
      subject: 'A & B',
      confUris: [{ uri: entity, purpose: 'participation' }],
      serviceUris: [
        { uri: 'xmpp:tea@rooms.example', purpose: 'grouptextchat' },
        { uri: 'xmpp:tea@rooms.example?join', purpose: 'groupstextchat' },
      ],
      maximumUserCount: 9,
      userCount: 2,
      active: true,
      locked: false,
      deleted: false,
      users: [
        {
          entity: 'sip:a@x.example',
          displayText: 'Ann',
          roles: ['moderator', 'owner'],
          associatedAors: ['xmpp:ann@im.example'],
          endpoints: [
            {
              entity: 'sip:a@192.0.2.1',
              displayText: 'phone',
              status: 'disconnected',
              joiningMethod: 'dialed-in',
              disconnectionMethod: 'booted',
              media: [{ id: '1', type: 'audio', status: 'recvonly', srcId: '77' }],
            },
          ],
        },
      ],
    });
    expect(countsAgree(reader.view)).toBe(false);
    expect(userOf(reader.view, 'xmpp:ann@im.example')?.displayText).toBe('Ann');
    expect(userOf(reader.view, 'sip:ann@im.example')).toBeUndefined();
  });

  it('reads prefixes, CDATA, comments and references as XML has them', () => {
    const reader = new ConferenceReader(entity);
    reader.accept(
      `<c:conference-info xmlns:c="urn:ietf:params:xml:ns:conference-info" xmlns:o="urn:example:other" entity='${entity}' version="1">` +
        `<!-- <c:users/> --><c:conference-description xml:lang="en">${chat.replaceAll(/<(\/?)/g, '<$1c:')}` +
        '</c:conference-description><c:users><c:user entity="sip:a@x.example"><c:display-text><![CDATA[<A>]]>&#x26;&quot;</c:display-text>' +
        '<o:display-text>not this</o:display-text></c:user></c:users></c:conference-info>',
    );
    expect(reader.view.users[0]?.displayText).toBe('<A>&"');
    expect(reader.view.serviceUris).toHaveLength(2);
  });

  it('adds, changes and takes away by key', () => {
    const reader = readerOf(
      full(1, user('sip:a@x.example', `<display-text>A</display-text>${endpoint('e1')}`) + user('sip:b@x.example')),
      partial(2, `${user('sip:c@x.example')}<user entity="sip:b@x.example" state="deleted"/>`),
    );
    expect(shown(reader)).toEqual(['sip:a@x.example', 'sip:c@x.example']);
    reader.accept(
      partial(
        3,
        user(
          'sip:a@x.example',
          endpoint('e2', medium('1', 'message')) +
            endpoint('e1', `<status>on-hold</status>${medium('1', 'audio', 'inactive')}${medium('2')}`, 'partial'),
          'partial',
        ),
      ),
    );
    const ann = userOf(reader.view, 'sip:a@x.example');
    expect(ann).toMatchObject({ displayText: 'A', endpoints: [{ entity: 'e1', status: 'on-hold' }, { entity: 'e2' }] });
    expect(ann?.endpoints[0]?.media.map((each) => `${each.id} ${each.status}`)).toEqual(['1 inactive', '2 sendrecv']);
    reader.accept(
      partial(
        4,
        user('sip:a@x.example', '<endpoint entity="e1" state="deleted"/>', 'partial') + user('sip:c@x.example'),
      ),
    );
    expect(userOf(reader.view, 'sip:a@x.example')?.endpoints.map((each) => each.entity)).toEqual(['e2']);
    reader.accept(partial(5, user('sip:a@x.example')));
    expect(userOf(reader.view, 'sip:a@x.example')).toEqual({
      entity: 'sip:a@x.example',
      roles: [],
      associatedAors: [],
      endpoints: [],
    });
  });

  it('replaces a description as a whole, and keeps what a partial document does not mention', () => {
    const reader = readerOf(full(1, user('sip:a@x.example'), `<subject>S</subject>${chat}`));
    reader.accept(document(2, 'partial', '<conference-state><user-count>1</user-count></conference-state>'));
    expect(reader.view).toMatchObject({ subject: 'S', userCount: 1 });
    expect(countsAgree(reader.view)).toBe(true);
    reader.accept(document(3, 'partial', description()));
    expect(reader.view.subject).toBeUndefined();
    expect(reader.view.serviceUris).toHaveLength(2);
    expect(shown(reader)).toEqual(['sip:a@x.example']);
    reader.accept(document(4, 'partial', '<users state="full"/>'));
    expect(shown(reader)).toEqual([]);
  });

  it('is that the conference is gone, when it says so', () => {
    expect(readerOf(full(1, user('sip:a@x.example')), document(2, 'deleted', '')).view).toMatchObject({
      deleted: true,
      users: [],
    });
  });

  it.each([
    ['both', endpoint('e1', medium('1', 'message')) + endpoint('e2')],
    ['text', endpoint('e1', medium('1', 'message')) + endpoint('e2', `<status>disconnected</status>${medium('1')}`)],
    ['audio', endpoint('e1')],
    ['none', endpoint('e1', '')],
  ])('involves: %s', (involvement, endpoints) => {
    const ann = readerOf(full(1, user('sip:a@x.example', endpoints))).view.users[0];
    expect(ann && involvementOf(ann)).toBe(involvement);
  });
});

describe('versions', () => {
  it('must begin with a full document', () => {
    expect(() => readerOf(partial(1, ''))).toThrow(/4\.6.*first document is partial/);
  });

  it('must not leave one out, and a partial document after a gap changes nothing', () => {
    const reader = readerOf(full(7, user('sip:a@x.example')));
    expect(() => reader.accept(partial(9, user('sip:b@x.example')))).toThrow(/version gap: 9 after 7/);
    expect([reader.version, shown(reader)]).toEqual([7, ['sip:a@x.example']]);
    reader.accept(partial(8, user('sip:b@x.example')));
    expect(reader.version).toBe(8);
  });

  it('takes a full document after a gap, and still tells of it', () => {
    const reader = readerOf(full(7, user('sip:a@x.example')));
    expect(() => reader.accept(full(20, ''))).toThrow(/version gap/);
    expect([reader.version, shown(reader)]).toEqual([20, []]);
  });

  it.each([7, 6, 0])('discards version %i after 7', (version) => {
    const reader = readerOf(full(7, user('sip:a@x.example')));
    expect(() => reader.accept(full(version, ''))).toThrow(/4\.6: version \d is not newer than 7/);
    expect([reader.version, shown(reader)]).toEqual([7, ['sip:a@x.example']]);
  });

  it.each(['', '-1', 'x', '4294967296'])('refuses "%s"', (version) => {
    expect(() => readerOf(document(version, 'full', `${description()}<users/>`))).toThrow(/4\.3/);
  });

  it('are as large as 32 bit allow', () => {
    expect(readerOf(full(4294967295, '')).version).toBe(4294967295);
  });
});

describe('documents that break a rule', () => {
  const a = 'sip:a@x.example';
  it.each<[RegExp, string]>([
    [/4\.2/, '<conference-info entity="sip:tea@conf.example" version="1"/>'],
    [/5\.2: entity/, full(1, '').replace(entity, 'sip:other@conf.example')],
    [/5\.2.*<users>/, document(1, 'full', description())],
    [/5\.2.*<conference-description>/, document(1, 'full', '<users/>')],
    [/4\.4.*partial in a full/, document(1, 'full', `${description()}<users state="partial"/>`)],
    [/4\.4.*partial in a full/, full(1, user(a, '', 'partial'))],
    [/4\.4.*deleted in a full/, full(1, user(a, endpoint('e', '', 'deleted')))],
    [/4\.4: state "gone"/, full(1, user(a, '', 'gone'))],
    [/4\.4.*cannot be in state/, full(1, '', `${chat.replace('<service-uris>', '<service-uris state="partial">')}`)],
    [/5\.6: user .* twice/, full(1, user(a) + user(a))],
    [/5\.6: entity "ann"/, full(1, user('ann'))],
    [/5\.7: endpoint e twice/, full(1, user(a, endpoint('e') + endpoint('e')))],
    [/5\.8: media 1 twice/, full(1, user(a, endpoint('e', medium('1') + medium('1'))))],
    [/4\.5: endpoint " e"/, full(1, user(a, endpoint(' e')))],
    [/4\.5: endpoint ""/, full(1, user(a, '<endpoint/>'))],
    [/5\.6: entity " sip/, full(1, user(` ${a}`))],
    [/5\.3\.2: URI .* twice/, full(1, '', chat.replace('?join', ''))],
    [/service-uris: tokens grouptextchat$/, full(1, '', chat.replace('groupstextchat', 'web-page'))],
    [/service-uris: tokens \(none\)/, full(1, '', '')],
    [/service-uris: groupstextchat is/, full(1, '', chat.replace('?join', '').replace('tea@', 'the@'))],
    [/service-uris: .* different rooms/, full(1, '', chat.replace('tea@', 'the@'))],
    [/service-uris: .* no room/, full(1, '', chat.replace('tea@rooms', 'rooms'))],
    [
      /5\.5\.1/,
      document(
        1,
        'full',
        `${description()}<conference-state><user-count>0</user-count></conference-state><users>${user(a)}</users>`,
      ),
    ],
    [/no control characters: text/, full(1, user(a, '<display-text>a&#9;b</display-text>'))],
    [/no control characters: text/, full(1, user(a, '<display-text>a\u0085b</display-text>'))],
    [/no control characters: attribute/, full(1, user('sip:a&#10;b@x.example'))],
    [/5\.8\.2: media type "sound"/, full(1, user(a, endpoint('e', medium('1', 'sound'))))],
    [/5\.8\.5: muted/, full(1, user(a, endpoint('e', `<status>muted-via-focus</status>${medium('1')}`)))],
    [
      /5\.7\.2: .*not UTC/,
      full(1, user(a, endpoint('e', '<joining-info><when>2026-01-01T00:00:00+02:00</when></joining-info>'))),
    ],
    [
      /5\.8\.3/,
      full(
        1,
        user(a, endpoint('e', '<media id="1"><label>x</label></media>')),
        `${chat}<available-media><entry label="y"><type>audio</type></entry></available-media>`,
      ),
    ],
    [/well-formed.*character U\+0001/, full(1, user(a, '<display-text>&#1;</display-text>'))],
    [/well-formed.*markup/, `<!DOCTYPE a [<!ENTITY b "c">]>${full(1, '')}`],
    [/well-formed.*closes/, full(1, '</user>')],
    [/well-formed.*never closed/, '<a><b></b>'],
    [/well-formed.*no element/, ''],
    [/well-formed.*twice/, '<a b="1" b="2"/>'],
    [/well-formed.*unknown entity/, '<a>&nbsp;</a>'],
    [/well-formed.*not declared/, '<x:a/>'],
    [/well-formed.*second root/, '<a/><b/>'],
  ])('%s', (rule, xml) => expect(() => readerOf(xml)).toThrow(rule));

  it.each<[RegExp, string]>([
    [/4\.4: <users> .* does not say its state/, document(2, 'partial', `<users>${user(a)}</users>`)],
    [/4\.4: deleted <user>/, partial(2, user(a, endpoint('e'), 'deleted'))],
    [/5\.6: user .* twice/, partial(2, user(a) + user(a))],
    [/5\.8: media 1 twice/, partial(2, user(a, endpoint('e', medium('1') + medium('1'), 'partial'), 'partial'))],
  ])('in a partial document: %s', (rule, xml) => {
    expect(() => readerOf(full(1, user(a)), xml)).toThrow(rule);
  });

  it('asks for the tokens that are configured', () => {
    const one = full(1, '', chat.replace(/<entry><uri>[^<]*join.*?<\/entry>/, ''));
    expect(() => new ConferenceReader(entity, 'groupstextchat').accept(one)).toThrow(/tokens grouptextchat/);
    for (const tokens of ['grouptextchat', 'any'] as const) new ConferenceReader(entity, tokens).accept(one);
  });
});
