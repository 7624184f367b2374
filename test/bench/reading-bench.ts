/**
 * RFC 4575 documents of strangers: the time to read grows no faster than the text, whatever is in it; and what a document of a real
 * conference costs. Each shape is read at doubling sizes, in one run: `npm run bench -- reading`.
 */
import type { Coherent } from '../../src/conference-info/coherent-state.ts';
import { conferenceOf } from '../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../src/conference-info/read-document.ts';
import { type Cell, median, report, table } from './measure.ts';

const rounds = 7;
/** Twice the size may take this many times the time: a doubling of work, and noise. */
const largestRatio = 2.6;
/** Below this (ms) the clock and the collector tell more than the work. */
const leastTime = 4;

const open = '<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:a@b" version="1">';
const whole = (inner: string): string => `${open}${inner}</conference-info>`;
const many = (count: number, of: (place: number) => string, separator = ''): string =>
  Array.from({ length: count }, (_each, place) => of(place)).join(separator);

const user = (place: number): string =>
  `<user entity="sip:guest${place}@voice.example"><display-text>Guest ${place}</display-text><roles><entry>participant</entry></roles>` +
  `<endpoint entity="sip:guest${place}@192.0.2.1"><status>connected</status><joining-method>dialed-in</joining-method>` +
  '<joining-info><when>2026-11-25T10:00:00Z</when></joining-info>' +
  '<media id="1"><type>audio</type><label>audio</label><status>sendrecv</status></media></endpoint></user>';

/** What is read, at five sizes; the last is the one that the goals name, or the largest that is admitted. */
interface Shape {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly of: (size: number) => string;
}

const doublings = 4;
const doubling = (largest: number): readonly number[] =>
  Array.from({ length: doublings + 1 }, (_each, place) => largest / 2 ** (doublings - place));

const shapes: readonly Shape[] = [
  {
    name: 'elements in elements, refused',
    sizes: doubling(20_000),
    of: (n) => whole('<a>'.repeat(n) + '</a>'.repeat(n)),
  },
  {
    name: 'attributes of one element, refused',
    sizes: doubling(50_000),
    of: (n) => whole(`<a ${many(n, (e) => `a${e}="1"`, ' ')}/>`),
  },
  {
    name: 'attributes of many elements',
    sizes: doubling(50_000),
    of: (n) => whole(`<a ${many(50, (e) => `a${e}="1"`, ' ')}/>`.repeat(n / 50)),
  },
  { name: 'elements of one name', sizes: doubling(50_000), of: (n) => whole('<a b="1"/>'.repeat(n)) },
  { name: 'elements of as many names', sizes: doubling(50_000), of: (n) => whole(many(n, (e) => `<a${e}/>`)) },
  {
    name: 'elements 60 deep',
    sizes: doubling(48_000),
    of: (n) => whole(('<a>'.repeat(60) + '</a>'.repeat(60)).repeat(n / 60)),
  },
  { name: 'prefixes', sizes: doubling(50_000), of: (n) => whole(many(n, (e) => `<p${e}:a xmlns:p${e}="u"/>`)) },
  {
    name: 'users of one key',
    sizes: doubling(50_000),
    of: (n) => whole(`<users>${'<user entity="e"/>'.repeat(n)}</users>`),
  },
  { name: 'characters of one text', sizes: doubling(2_000_000), of: (n) => whole(`<a>${'x'.repeat(n)}</a>`) },
  { name: 'characters of one name', sizes: doubling(1_000_000), of: (n) => whole(`<${'x'.repeat(n)}/>`) },
  {
    name: 'blanks, and a word',
    sizes: doubling(2_000_000),
    of: (n) =>
      whole(
        `<conference-description><keywords>${' '.repeat(n)}x${' '.repeat(n / 4)}</keywords></conference-description>`,
      ),
  },
  { name: 'character references', sizes: doubling(400_000), of: (n) => whole(`<a>${'&#x41;'.repeat(n)}</a>`) },
  { name: 'brackets in CDATA', sizes: doubling(1_000_000), of: (n) => whole(`<![CDATA[${']'.repeat(n)}]]>`) },
  { name: 'comments', sizes: doubling(400_000), of: (n) => whole('<!-->-->'.repeat(n)) },
  { name: 'comments that do not end', sizes: doubling(400_000), of: (n) => open + '<!-- <'.repeat(n) },
  { name: 'quotes that do not end', sizes: doubling(800_000), of: (n) => open + `<a "`.repeat(n) },
  { name: 'closing tags of others', sizes: doubling(100_000), of: (n) => whole('<a></b>'.repeat(n)) },
  { name: 'users as a focus writes them', sizes: doubling(4_000), of: (n) => whole(`<users>${many(n, user)}</users>`) },
];

/** Parses, takes in and tells: all that a subscriber does. The answer is what became of it. */
function read(text: string): string {
  const document = readDocument(text);
  if ('refused' in document) return document.refused;
  const { state, outcome } = takeDocument(null, document);
  if (state?.root) conferenceOf(state.root);
  return outcome;
}

/** Milliseconds of CPU of this thread and its collector. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user: own, system } = process.cpuUsage(before);
  return (own + system) / 1000;
}

function measured({ name, sizes, of }: Shape): {
  readonly row: Readonly<Record<string, Cell>>;
  readonly worst: number;
} {
  const texts = sizes.map(of);
  const outcome = read(texts.at(-1) ?? '');
  // All sizes in every round, so that a busy moment of the machine meets all of them; a short one is read as often as needed.
  const repetitions = texts.map((text) =>
    Math.max(
      1,
      Math.ceil(
        leastTime /
          Math.max(
            0.01,
            cost(() => void read(text)),
          ),
      ),
    ),
  );
  const took: number[][] = texts.map(() => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [place, text] of texts.entries()) {
      const times = repetitions[place] ?? 1;
      took[place]?.push(cost(() => Array.from({ length: times }, () => read(text))) / times);
    }
  // The least is what the work takes; all above it is the machine.
  const least = took.map((all) => Math.min(...all));
  const ratios = least.slice(1).map((time, place) => time / (least[place] ?? Number.NaN));
  const row = {
    shape: name,
    becomes: outcome,
    largest: sizes.at(-1) ?? 0,
    KB: Math.round((texts.at(-1)?.length ?? 0) / 1000),
    ms: (least.at(-1) ?? 0).toFixed(1),
    'ms at each doubling': least.map((time) => time.toFixed(1)).join(', '),
    ratios: ratios.map((ratio) => ratio.toFixed(2)).join(', '),
  };
  // A single step may be where the collector begins to have work; the way from the first size to the last is not.
  return { row, worst: ((least.at(-1) ?? 0) / (least[0] ?? Number.NaN)) ** (1 / doublings) };
}

const results = shapes.map(measured);
report(
  'Reading documents',
  `CPU of reading, least of ${rounds} rounds; each size is twice the one before. Growth per doubling, over four of them: at most ` +
    `${Math.max(...results.map(({ worst }) => worst)).toFixed(2)} (goal: ${largestRatio}).`,
  '',
  table(results.map(({ row }) => row)),
);

/** What one change costs a subscriber who follows a large conference. */
function followed(size: number): Readonly<Record<string, Cell>> {
  const full = readDocument(whole(`<users>${many(size, user)}</users>`));
  if ('refused' in full) throw new Error(full.refused);
  let known: Coherent | null = takeDocument(null, full).state;
  const took = Array.from({ length: 50 }, (_each, place) => {
    const change = `${open.replace('"1"', `"${place + 2}" state="partial"`)}<users state="partial">${user(place)}</users></conference-info>`;
    return cost(() => {
      const document = readDocument(change);
      if (!('refused' in document)) known = takeDocument(known, document).state;
    });
  });
  if (known?.version !== 51) throw new Error('a change was not taken');
  return { users: size, 'ms a change': median(took).toFixed(2) };
}

report(
  'Following a conference',
  'One user replaced by a partial document, parsing included.',
  '',
  table([100, 1000, 5000].map(followed)),
);
if (results.some(({ worst }) => worst > largestRatio)) {
  console.error(`a shape takes more than ${largestRatio} times as long at twice the size`);
  process.exitCode = 1;
}
