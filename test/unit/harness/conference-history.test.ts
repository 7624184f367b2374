/** RFC 4575 4.6: any history of partial documents comes to what one full document says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConferenceReader } from '../../harness/conference/reader.ts';
import { endpoint, full, medium, partial, readerOf, user } from './conference-documents.ts';

describe('a history of partial documents', () => {
  interface Way {
    status: string;
    media: Map<string, string>;
  }
  interface Person {
    name: string;
    ways: Map<string, Way>;
  }
  type Model = Map<string, Person>;
  const key = fc.constantFrom('p', 'q', 'r');
  const way = fc
    .record({
      status: fc.constantFrom('connected', 'on-hold'),
      media: fc.uniqueArray(fc.tuple(key, fc.constantFrom('sendrecv', 'inactive')), { selector: ([id]) => id }),
    })
    .map(({ status, media }): Way => ({ status, media: new Map(media) }));
  const person = fc
    .record({ name: fc.string({ maxLength: 4 }), ways: fc.uniqueArray(fc.tuple(key, way), { selector: ([id]) => id }) })
    .map(({ name, ways }): Person => ({ name: name.replaceAll(/\P{L}/gu, 'x'), ways: new Map(ways) }));
  const change = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), who: key, person }),
    fc.record({ kind: fc.constant('remove' as const), who: key }),
    fc.record({ kind: fc.constant('rename' as const), who: key, name: fc.constantFrom('N', 'M') }),
    fc.record({ kind: fc.constant('put-way' as const), who: key, which: key, way }),
    fc.record({ kind: fc.constant('remove-way' as const), who: key, which: key }),
    fc.record({
      kind: fc.constant('medium' as const),
      who: key,
      which: key,
      id: key,
      status: fc.constantFrom('sendrecv', 'recvonly'),
    }),
    fc.record({
      kind: fc.constant('status' as const),
      who: key,
      which: key,
      status: fc.constantFrom('connected', 'on-hold'),
    }),
  );
  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

  const uri = (who: string): string => `sip:${who}@x.example`;
  const mediaText = (media: Map<string, string>): string =>
    [...media].map(([id, status]) => medium(id, 'audio', status)).join('');
  const wayText = (which: string, { status, media }: Way): string =>
    endpoint(which, `<status>${status}</status>${mediaText(media)}`);
  const personText = (who: string, { name, ways }: Person): string =>
    user(uri(who), `<display-text>${name}</display-text>${[...ways].map(([id, each]) => wayText(id, each)).join('')}`);

  /** Makes a change in the model and returns the `<user>` that tells of it; null when there is nothing to change. */
  function apply(model: Model, done: Change): string | null {
    const patch = (content: string): string => user(uri(done.who), content, 'partial');
    const { who } = done;
    if (done.kind === 'put') {
      model.set(who, { name: done.person.name, ways: new Map(done.person.ways) });
      return personText(who, done.person);
    }
    if (done.kind === 'remove') {
      model.delete(who);
      return `<user entity="${uri(who)}" state="deleted"/>`;
    }
    const before = model.get(who);
    if (!before) return null;
    if (done.kind === 'rename') {
      before.name = done.name;
      return patch(`<display-text>${done.name}</display-text>`);
    }
    if (done.kind === 'put-way') {
      before.ways.set(done.which, { status: done.way.status, media: new Map(done.way.media) });
      return patch(wayText(done.which, done.way));
    }
    if (done.kind === 'remove-way') {
      before.ways.delete(done.which);
      return patch(`<endpoint entity="${done.which}" state="deleted"/>`);
    }
    const old = before.ways.get(done.which);
    if (!old) return null;
    before.ways.set(done.which, {
      status: done.kind === 'status' ? done.status : old.status,
      media: done.kind === 'medium' ? new Map(old.media).set(done.id, done.status) : old.media,
    });
    const content = done.kind === 'status' ? `<status>${done.status}</status>` : medium(done.id, 'audio', done.status);
    return patch(endpoint(done.which, content, 'partial'));
  }

  /** The order of keyed elements says nothing. */
  const sorted = (reader: ConferenceReader) =>
    reader.view.users
      .map((each) => ({
        ...each,
        endpoints: each.endpoints
          .map((way) => ({ ...way, media: way.media.toSorted((a, b) => a.id.localeCompare(b.id)) }))
          .sort((a, b) => a.entity.localeCompare(b.entity)),
      }))
      .sort((a, b) => a.entity.localeCompare(b.entity));

  it('comes to what one full document says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(change, { selector: ({ who }) => who, maxLength: 3 }), { maxLength: 15 }),
        (steps) => {
          const model: Model = new Map();
          const reader = readerOf(full(1, ''));
          for (const [place, changes] of steps.entries()) {
            const users = changes.map((each) => apply(model, each)).filter((each) => each !== null);
            reader.accept(partial(place + 2, users.join('')));
          }
          const whole = readerOf(full(1, [...model].map(([who, each]) => personText(who, each)).join('')));
          expect(sorted(reader)).toEqual(sorted(whole));
          expect(reader.version).toBe(steps.length + 1);
        },
      ),
    );
  });
});
