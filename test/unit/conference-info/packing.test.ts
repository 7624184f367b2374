/** RFC 4575 4.4: what does not fit one document is spread over several, down to the endpoints of one user. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Coherent } from '../../../src/conference-info/coherent-state.ts';
import { DocumentWriter, sizeOf, withVersion } from '../../../src/conference-info/document.ts';
import { conferenceOf } from '../../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../../src/conference-info/read-document.ts';
import type { Endpoint } from '../../../src/conference-info/user.ts';
import { WrittenUser } from '../../../src/conference-info/user-fragments.ts';
import { endpointText } from '../../../src/conference-info/user-text.ts';
import { link } from './facts-sample.ts';

const writer = new DocumentWriter(link.conference);
const bareEndpoint: Endpoint = {
  ...{ entity: '', displayText: null, referred: null, status: 'connected', joiningMethod: null, joiningInfo: null },
  ...{ disconnectionMethod: null, disconnectionInfo: null, media: [], callInfo: null },
};

describe('documents', () => {
  it('stay within the size, and lose nobody and no endpoint, also of somebody who alone is too large', () => {
    const person = fc.record({ endpoints: fc.nat(12), length: fc.nat(60) });
    fc.assert(
      fc.property(
        fc.integer({ min: 700, max: 3000 }),
        fc.array(person, { maxLength: 12 }),
        fc.constantFrom('full' as const, 'partial' as const),
        (maxBytes, people, state) => {
          const users = people.map(({ endpoints, length }, place) => {
            const texts = Array.from({ length: endpoints }, (_each, index) =>
              endpointText({ ...bareEndpoint, entity: `sip:${index}${'é'.repeat(length)}@x` }),
            );
            return new WrittenUser(`sip:${place}@x`, 'full', '<display-text>A</display-text>', texts);
          });
          const documents = writer.documents(state, { about: '', users, sidebars: '' }, maxBytes);
          for (const document of documents) expect(sizeOf(document)).toBeLessThanOrEqual(maxBytes);
          const states = documents.map((_, place) => (place === 0 ? state : 'partial'));
          expect(documents.map((each) => each.state)).toEqual(states);
          // A partial document has nothing to be partial of until there is a full one.
          const before = withVersion(writer.full({ about: '', users: [], sidebars: '' }), 1);
          const texts = [before, ...documents.map((each, place) => withVersion(each, place + 2))];
          const read = texts.reduce<Coherent | null>((known, text) => {
            const document = readDocument(text);
            if ('refused' in document) throw new Error(document.refused);
            return takeDocument(known, document).state;
          }, null);
          const seen = read?.root ? conferenceOf(read.root).users : [];
          expect(seen.map((user) => user.endpoints.length)).toEqual(people.map(({ endpoints }) => endpoints));
          expect(seen.every(({ displayText }) => displayText === 'A')).toBe(true);
        },
      ),
    );
  });

  it('leave out what no document can hold, and count it', () => {
    const small = endpointText({ ...bareEndpoint, entity: 'sip:a@b' });
    const huge = endpointText({ ...bareEndpoint, entity: `sip:${'a'.repeat(2000)}@b` });
    const tight = new DocumentWriter(link.conference);
    const users = [
      new WrittenUser('sip:1@x', 'full', '<display-text>A</display-text>', [huge, small]),
      new WrittenUser('sip:2@x', 'full', `<display-text>${'a'.repeat(2000)}</display-text>`, [small]),
      new WrittenUser('sip:3@x', 'full', '', [small]),
    ];
    const documents = tight.documents('full', { about: '', users, sidebars: '' }, 1000);
    for (const document of documents) expect(sizeOf(document)).toBeLessThanOrEqual(1000);
    expect(documents.map(({ tail }) => tail).join('')).toMatch(/sip:1@x.*sip:3@x/);
    expect(tight.omitted).toBe(2);
  });
});
