/** RFC 4575 4.6: the reader beside a naive model of the algorithm, which knows no tree: a table of paths and texts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Coherent } from '../../../src/conference-info/coherent-state.ts';
import { conferenceOf, type ReadConference, type ReadEndpoint } from '../../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../../src/conference-info/read-document.ts';

type State = 'full' | 'partial' | 'deleted';

/** An element of a document. What has no key is one of its name; what has a text has no children. */
interface Node {
  readonly name: string;
  readonly key: string | null;
  /** Null: nothing is written, which means full. */
  readonly state: State | null;
  readonly text: string | null;
  readonly children: readonly Node[];
}

const leaf = (name: string, text: string): Node => ({ name, key: null, state: null, text, children: [] });
const node = (name: string, key: string | null, state: State | null, children: readonly Node[]): Node => ({
  ...{ name, key, text: null },
  ...{ state, children: state === 'deleted' ? [] : children },
});

const word = fc.stringMatching(/^[a-z]{1,3}$/);
const some = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc.option(values, { nil: null }).map((value) => (value === null ? [] : [value]));
const texts = (name: string): fc.Arbitrary<readonly Node[]> => some(word.map((text) => leaf(name, text)));
const each = (of: (key: string) => fc.Arbitrary<Node>, keys: readonly string[]): fc.Arbitrary<readonly Node[]> =>
  fc.subarray([...keys]).chain((chosen): fc.Arbitrary<readonly Node[]> => fc.tuple(...chosen.map(of)));
const joined = (...parts: readonly fc.Arbitrary<readonly Node[]>[]): fc.Arbitrary<readonly Node[]> =>
  fc.tuple(...parts).map((lists) => lists.flat());

/** 4.4: in what is full all is full. */
const stateIn = (parent: State): fc.Arbitrary<State | null> =>
  parent === 'partial'
    ? fc.constantFrom<(State | null)[]>('partial', 'partial', 'full', null, 'deleted')
    : fc.constantFrom<(State | null)[]>('full', null);
const within = (state: State | null): State => (state === 'partial' ? 'partial' : 'full');
const keyed =
  (name: string, parent: State, content: (state: State) => fc.Arbitrary<readonly Node[]>) =>
  (key: string): fc.Arbitrary<Node> =>
    stateIn(parent).chain((state) => content(within(state)).map((children) => node(name, key, state, children)));

const media = (key: string): fc.Arbitrary<Node> =>
  joined(texts('type'), texts('status')).map((children) => node('media', key, null, children));
const endpoint = (state: State) =>
  keyed('endpoint', state, () => joined(texts('display-text'), texts('status'), each(media, ['1', '2'])));
const user = (state: State) =>
  keyed('user', state, (own) => joined(texts('display-text'), texts('roles'), each(endpoint(own), ['e1', 'e2'])));
/** A list of users always says what it is: where it forgets, other rules hold. */
const users = (parent: State): fc.Arbitrary<Node> =>
  stateIn(parent).chain((said) => {
    const state = said ?? 'full';
    return each(user(within(state)), ['a', 'A', 'a ', 'b']).map((children) => node('users', null, state, children));
  });
const description = texts('subject').map((children) => node('conference-description', null, null, children));
const counts = fc
  .option(fc.nat(9), { nil: null })
  .map((count) => node('conference-state', null, null, count === null ? [] : [leaf('user-count', String(count))]));
const byRef = (parent: State): fc.Arbitrary<Node> =>
  stateIn(parent).chain((state) =>
    each((key) => texts('display-text').map((children) => node('entry', key, null, children)), ['r1', 'r2']).map(
      (children) => node('sidebars-by-ref', null, state, children),
    ),
  );
const byVal = (parent: State): fc.Arbitrary<Node> =>
  stateIn(parent).chain((state) =>
    each(
      keyed('entry', within(state), (own) => joined(some(description), some(users(own)))),
      ['s1', 's2'],
    ).map((children) => node('sidebars-by-val', null, state, children)),
  );
const root = fc.constantFrom<State[]>('full', 'partial', 'partial', 'partial', 'partial', 'deleted').chain((state) => {
  const inside = within(state);
  return joined(some(description), some(counts), some(users(inside)), some(byRef(inside)), some(byVal(inside))).map(
    (children) => node('conference-info', 'sip:c@x.example', state, children),
  );
});
/** Mostly the next version. */
const step = fc.constantFrom(1, 1, 1, 1, 1, 1, 0, -1, 2, 7);
const history = fc.array(fc.record({ root, step }), { minLength: 1, maxLength: 12 });

function xmlOf({ name, key, state, text, children }: Node, parent: string, version = ''): string {
  if (name === 'roles') return `<roles><entry>${text}</entry></roles>`;
  const asUri = name === 'entry' && parent === 'sidebars-by-ref';
  const attribute = name === 'media' ? 'id' : 'entity';
  const attributes =
    (key === null || asUri ? '' : ` ${attribute}="${key}"`) + (state === null ? '' : ` state="${state}"`);
  const inner = (asUri ? `<uri>${key}</uri>` : '') + (text ?? children.map((child) => xmlOf(child, name)).join(''));
  const xmlns = version === '' ? '' : ` xmlns="urn:ietf:params:xml:ns:conference-info" version="${version}"`;
  return `<${name}${xmlns}${attributes}>${inner}</${name}>`;
}

/** The table of a subscriber: a text at each path. */
class Table {
  readonly rows = new Map<string, string>();

  take(elements: readonly Node[], above: string): void {
    for (const element of elements) {
      const path = `${above}/${element.name}${element.key === null ? '' : `[${element.key}]`}`;
      if (element.state === 'partial' && this.rows.has(path)) {
        this.take(element.children, path);
        continue;
      }
      for (const row of [...this.rows.keys()]) if (row === path || row.startsWith(`${path}/`)) this.rows.delete(row);
      if (element.state === 'deleted') continue;
      this.rows.set(path, element.text ?? '');
      this.take(element.children, path);
    }
  }
}

/** What the RFC has a subscriber do, with a table. */
class NaiveSubscriber {
  version: number | null = null;
  table: Table | null = null;

  take(document: Node, version: number): string {
    if (this.version !== null && version <= this.version) return 'discarded';
    if (document.state === 'partial') {
      if (this.table === null || this.version === null || version !== this.version + 1) return 'refresh';
      this.table.take(document.children, '');
    } else {
      this.table = document.state === 'deleted' ? null : new Table();
      this.table?.take(document.children, '');
    }
    this.version = version;
    return 'applied';
  }

  /** Rows that say something: a text, or that somebody with a key is there. */
  get said(): Record<string, string> | null {
    if (this.table === null) return null;
    return Object.fromEntries([...this.table.rows].filter(([path, text]) => text !== '' || path.endsWith(']')));
  }
}

function endpointRows(endpoint: ReadEndpoint, path: string): readonly (readonly [string, string | null])[] {
  const streams = endpoint.media.flatMap((each): [string, string | null][] => [
    [`${path}/media[${each.id}]`, ''],
    [`${path}/media[${each.id}]/type`, each.type],
    [`${path}/media[${each.id}]/status`, each.status],
  ]);
  return [[path, ''], [`${path}/display-text`, endpoint.displayText], [`${path}/status`, endpoint.status], ...streams];
}

/** The same rows, of what the reader knows. Keys are taken from its tree, because it trims what it shows. */
function rowsOf(conference: ReadConference, above: string, keys: readonly string[]): [string, string | null][] {
  const people = conference.users.flatMap((each, place) => {
    const path = `${above}/users/user[${keys[place]}]`;
    return [
      [path, ''],
      [`${path}/display-text`, each.displayText],
      [`${path}/roles`, each.roles[0] ?? null],
      ...each.endpoints.flatMap((endpoint) => endpointRows(endpoint, `${path}/endpoint[${endpoint.entity}]`)),
    ] as [string, string | null][];
  });
  return [
    [`${above}/conference-description/subject`, conference.subject],
    [`${above}/conference-state/user-count`, conference.userCount === null ? null : String(conference.userCount)],
    ...people,
    ...conference.sidebarsByRef.flatMap((each): [string, string | null][] => [
      [`${above}/sidebars-by-ref/entry[${each.uri}]`, ''],
      [`${above}/sidebars-by-ref/entry[${each.uri}]/display-text`, each.displayText],
    ]),
  ];
}

function saidBy(known: Coherent | null): Record<string, string> | null {
  if (!known?.root) return null;
  const keysIn = (element: Coherent['root']): readonly string[] =>
    (element?.children.find(({ name }) => name === 'users')?.children ?? []).map(
      (child) => child.attributes.get('entity') ?? '',
    );
  const conference = conferenceOf(known.root);
  const sidebars = known.root.children.find(({ name }) => name === 'sidebars-by-val')?.children ?? [];
  const rows = rowsOf(conference, '', keysIn(known.root));
  for (const [place, sidebar] of conference.sidebarsByVal.entries()) {
    const path = `/sidebars-by-val/entry[${sidebar.entity}]`;
    rows.push([path, ''], ...rowsOf(sidebar, path, keysIn(sidebars[place] ?? null)));
  }
  return Object.fromEntries(rows.filter((row): row is [string, string] => row[1] !== null));
}

describe('a coherent state', () => {
  it('is for any documents, lost and late ones too, what the naive model has', () => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(history, (documents) => {
        const naive = new NaiveSubscriber();
        let known: Coherent | null = null;
        let version = 3;
        for (const { root: document, step: further } of documents) {
          version = Math.max(0, version + further);
          const read = readDocument(xmlOf(document, '', String(version)));
          if ('refused' in read) throw new Error(read.refused);
          const { outcome, state } = takeDocument(known, read);
          known = state;
          expect(outcome).toBe(naive.take(document, version));
          expect(saidBy(known)).toEqual(naive.said);
          const label = `${document.state} ${outcome}`;
          outcomes.set(label, (outcomes.get(label) ?? 0) + 1);
        }
      }),
      { numRuns: 400 },
    );
    // The histories reach every case.
    for (const label of ['partial applied', 'partial refresh', 'partial discarded', 'full applied', 'deleted applied'])
      expect(outcomes.get(label) ?? 0).toBeGreaterThan(20);
  });
});
