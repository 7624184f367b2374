/** RFC 4575 4.6: what a partial document says of a user leads a reader from any state of the user to any other, and says no more than it must. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DocumentWriter, withVersion } from '../../../src/conference-info/document.ts';
import { conferenceOf } from '../../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../../src/conference-info/read-document.ts';
import type { Endpoint, User } from '../../../src/conference-info/user.ts';
import { changeOf, UserFragments, type WrittenUser } from '../../../src/conference-info/user-fragments.ts';

const word = fc.constantFrom('one', 'two', 'three');
const endpoint: fc.Arbitrary<Endpoint> = fc.record({
  entity: fc.constantFrom('sip:a@x', 'sip:b@x', 'sip:c@x', 'sip:d@x'),
  displayText: fc.option(word),
  referred: fc.constant(null),
  status: fc.constantFrom('connected', 'muted-via-focus'),
  joiningMethod: fc.option(fc.constantFrom('dialed-in', 'dialed-out')),
  joiningInfo: fc.constant(null),
  disconnectionMethod: fc.constant(null),
  disconnectionInfo: fc.constant(null),
  media: fc.constant([{ id: '1', displayText: null, type: 'audio', label: null, sourceId: null, status: 'sendrecv' }]),
  callInfo: fc.constant(null),
});
const user: fc.Arbitrary<User> = fc.record({
  entity: fc.constant('sip:somebody@x'),
  displayText: word,
  associatedAors: fc.uniqueArray(fc.constantFrom('sip:p@x', 'sip:q@x'), { maxLength: 2 }),
  roles: fc.uniqueArray(word, { maxLength: 2 }),
  languages: fc.uniqueArray(fc.constantFrom('en', 'ro'), { maxLength: 2 }),
  cascadedFocus: fc.option(fc.constantFrom('sip:focus@x', 'sip:other@x')),
  endpoints: fc.uniqueArray(endpoint, { selector: ({ entity }) => entity, minLength: 1, maxLength: 4 }),
});

const writer = new DocumentWriter('sip:tea@conf.example');
const byEntity = (one: { entity: string }, other: { entity: string }): number => (one.entity < other.entity ? -1 : 1);

function readAfter(before: User, change: WrittenUser | null): unknown {
  const parts = (users: readonly WrittenUser[]) => ({ about: '', users, sidebars: '' });
  const texts = [
    withVersion(writer.full(parts([new UserFragments(before).whole])), 1),
    withVersion(writer.partial(parts(change ? [change] : [])), 2),
  ];
  let known: Parameters<typeof takeDocument>[0] = null;
  for (const text of texts) {
    const document = readDocument(text);
    if ('refused' in document) throw new Error(`${document.refused}: ${text}`);
    known = takeDocument(known, document).state;
  }
  const [read] = known?.root ? conferenceOf(known.root).users : [];
  return read && { ...read, endpoints: [...read.endpoints].sort(byEntity) };
}

it('leads from any state to any other', () => {
  fc.assert(
    fc.property(user, user, (before, now) => {
      const change = changeOf(now.entity, new UserFragments(before), new UserFragments(now));
      expect(readAfter(before, change)).toEqual({ ...now, endpoints: [...now.endpoints].sort(byEntity) });
    }),
    { numRuns: 500 },
  );
});

it('is no longer than the whole user, and nothing when nothing has changed', () => {
  fc.assert(
    fc.property(user, user, (before, now) => {
      const fragments = new UserFragments(now);
      const change = changeOf(now.entity, new UserFragments(before), fragments);
      expect(change?.text.length ?? 0).toBeLessThanOrEqual(fragments.whole.text.length);
      expect(changeOf(now.entity, fragments, new UserFragments(now))).toBeNull();
    }),
  );
});
