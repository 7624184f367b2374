/** RFC 4575 5: every element that the schema has is written as it was meant, read as it was written, and valid. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Description, HostInfo, Sidebar } from '../../../src/conference-info/conference.ts';
import {
  descriptionText,
  hostText,
  sidebarsByRefText,
  sidebarsByValText,
  stateText,
} from '../../../src/conference-info/conference-text.ts';
import { conferenceOf } from '../../../src/conference-info/read-conference.ts';
import { readDocument } from '../../../src/conference-info/read-document.ts';
import type { UriEntry } from '../../../src/conference-info/service-uris.ts';
import {
  disconnectionMethods,
  type Endpoint,
  type Execution,
  endpointStatuses,
  type Medium,
  type User,
} from '../../../src/conference-info/user.ts';
import { deletedEndpointText, userText } from '../../../src/conference-info/user-text.ts';

const schema = join(import.meta.dirname, '../../harness/conference/schema/conference-info.xsd');
const canValidate = spawnSync('xmllint', ['--version']).error === undefined;

const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });
// What ends as text must not be changed by a reader who trims.
const words = fc.stringMatching(/^[A-Za-z<>&"'é—]{1,8}( [a-z&]{1,5}){0,2}$/);
const uri = fc.stringMatching(/^sip:[a-z]{1,6}@[a-z]{1,6}\.example$/);
const when = fc.constantFrom('2026-11-25T10:00:00Z', '2026-02-28T23:59:59.250Z');
const uriEntries = (): fc.Arbitrary<readonly UriEntry[]> =>
  fc.uniqueArray(fc.record({ uri, displayText: orNull(words), purpose: orNull(words) }), {
    maxLength: 3,
    selector: (entry) => entry.uri,
  });

const execution: fc.Arbitrary<Execution | null> = orNull(
  fc
    .record({ when: orNull(when), reason: orNull(words), by: orNull(uri) })
    .filter((each) => each.when !== null || each.reason !== null || each.by !== null),
);
const medium: fc.Arbitrary<Medium> = fc.record({
  id: words,
  displayText: orNull(words),
  type: fc.constantFrom('audio' as const, 'video' as const, 'message' as const),
  label: orNull(words),
  sourceId: orNull(fc.nat().map(String)),
  status: fc.constantFrom('sendrecv' as const, 'sendonly' as const, 'recvonly' as const, 'inactive' as const),
});
const endpoint: fc.Arbitrary<Endpoint> = fc.record({
  entity: uri,
  displayText: orNull(words),
  referred: execution,
  status: fc.constantFrom(...endpointStatuses),
  joiningMethod: orNull(fc.constantFrom('dialed-in' as const, 'dialed-out' as const, 'focus-owner' as const)),
  joiningInfo: execution,
  disconnectionMethod: orNull(fc.constantFrom(...disconnectionMethods)),
  disconnectionInfo: execution,
  media: fc.uniqueArray(medium, { maxLength: 2, selector: ({ id }) => id }),
  callInfo: orNull(fc.record({ displayText: orNull(words), callId: words, fromTag: words, toTag: words })),
});
const user: fc.Arbitrary<User> = fc.record({
  entity: uri,
  displayText: words,
  associatedAors: fc.uniqueArray(uri, { maxLength: 2 }),
  roles: fc.array(words, { maxLength: 2 }),
  languages: fc.uniqueArray(fc.constantFrom('en', 'de-AT', 'ro'), { maxLength: 2 }),
  cascadedFocus: orNull(uri),
  endpoints: fc.uniqueArray(endpoint, { maxLength: 3, selector: ({ entity }) => entity }),
});
const users: fc.Arbitrary<readonly User[]> = fc.uniqueArray(user, { maxLength: 3, selector: ({ entity }) => entity });
const description: fc.Arbitrary<Description> = fc.record({
  displayText: words,
  subject: orNull(words),
  freeText: orNull(words),
  keywords: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 3 }),
  confUris: uriEntries(),
  serviceUris: uriEntries(),
  maximumUserCount: fc.nat(),
  availableMedia: fc.uniqueArray(
    fc.record({
      label: words,
      displayText: orNull(words),
      type: fc.constant('audio' as const),
      status: fc.constant('sendrecv' as const),
    }),
    { maxLength: 2, selector: ({ label }) => label },
  ),
});
const state = fc.record({ userCount: fc.nat(), active: fc.boolean(), locked: fc.boolean() });
const host: fc.Arbitrary<HostInfo | null> = orNull(
  fc.record({
    displayText: orNull(words),
    webPage: orNull(fc.constant('https://conf.example/tea')),
    uris: uriEntries(),
  }),
);
const sidebar: fc.Arbitrary<Sidebar> = fc.record({ entity: uri, description, state, users });
const whole = fc.record({
  description,
  host,
  state,
  users,
  sidebarsByRef: uriEntries(),
  sidebarsByVal: fc.uniqueArray(sidebar, { maxLength: 2, selector: ({ entity }) => entity }),
});
type Whole = typeof whole extends fc.Arbitrary<infer T> ? T : never;

const textOf = (conference: Whole): string =>
  '<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:tea@conf.example" version="7">' +
  descriptionText(conference.description) +
  hostText(conference.host) +
  stateText(conference.state) +
  `<users>${conference.users.map(userText).join('')}</users>` +
  sidebarsByRefText(conference.sidebarsByRef) +
  `${sidebarsByValText(conference.sidebarsByVal)}</conference-info>`;

const plain = ({ description: about, state: stands, ...rest }: Omit<Whole, 'sidebarsByVal'>) => ({
  ...about,
  ...stands,
  ...rest,
});

describe('every element of the schema', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(whole, (conference) => {
        const document = readDocument(textOf(conference));
        if ('refused' in document) throw new Error(document.refused);
        const { sidebarsByVal, ...rest } = conference;
        const inner = { host: null, sidebarsByRef: [], sidebarsByVal: [] };
        expect(conferenceOf(document.root)).toEqual({
          entity: 'sip:tea@conf.example',
          ...plain(rest),
          sidebarsByVal: sidebarsByVal.map(({ entity, ...each }) => ({
            entity,
            ...plain({ ...inner, ...each }),
            sidebarsByVal: [],
          })),
        });
      }),
      { numRuns: 60 },
    );
  });

  it.skipIf(!canValidate)('is valid against the schema of the RFC', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cusax-elements-'));
    try {
      const files = fc.sample(whole, { numRuns: 60, seed: 4575 }).map((conference, place) => {
        const file = join(folder, `${place}.xml`);
        writeFileSync(file, textOf(conference));
        return file;
      });
      const gone = join(folder, 'gone.xml');
      const ended = `<user entity="sip:a@b.example" state="partial">${deletedEndpointText('sip:a@192.0.2.1')}</user>`;
      writeFileSync(
        gone,
        `<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:a@b" state="partial" version="2"><users state="partial">${ended}</users></conference-info>`,
      );
      const run = spawnSync('xmllint', ['--noout', '--nonet', '--schema', schema, ...files, gone], {
        encoding: 'utf8',
      });
      expect(run.stderr.split('\n').filter((line) => line !== '' && !line.endsWith(' validates'))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
