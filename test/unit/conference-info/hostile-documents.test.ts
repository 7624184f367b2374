/** RFC 4575, XML 1.0: whatever arrives as a conference document is read or refused, within bounds, and never throws. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Coherent } from '../../../src/conference-info/coherent-state.ts';
import { conferenceOf, type ReadConference } from '../../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../../src/conference-info/read-document.ts';
import { escapeXml } from '../../../src/conference-info/xml-text.ts';
import { defaultXmlLimits, readXml, type XmlElement } from '../../../src/conference-info/xml-tree.ts';
import { hostile } from './facts-sample.ts';

const folder = new URL('../../vectors/conference-info/', import.meta.url);
/** Documents of many servers, to be mutilated. */
const samples = readdirSync(folder)
  .filter((name) => name.endsWith('.xml'))
  .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('<?next-document?>\n'));

const open = '<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:a@b" version="1">';
const document = (inner: string): string => `${open}${inner}</conference-info>`;
const many = (count: number, of: (place: number) => string, separator = ''): string =>
  Array.from({ length: count }, (_each, place) => of(place)).join(separator);

/** Pieces that mean something to a parser, and text that means nothing. */
const junk = fc.oneof(
  fc.constantFrom(
    ...['<', '>', '</', '/>', '"', "'", '=', '&', ';', '&#', '&#x110000;', '&#0;', ']]>', '<![CDATA[', '<!--', '-->'],
    ...[
      '<?',
      '?>',
      '<!DOCTYPE a>',
      'xmlns=""',
      ' xmlns:x="u" ',
      'x:',
      'constructor:',
      '<__proto__/>',
      '<_/>',
      '\ufeff',
    ],
    ...[' state="deleted"', ' state="partial"', ' state="full"', ' entity=""', ' version="2"', '</user>', '<users>'],
    ...[
      '<users state="partial">',
      '</users>',
      '<user entity="sip:bob@meet.example"/>',
      '<endpoint/>',
      '<entry/>',
      '\u0000',
    ],
  ),
  hostile,
);
const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), drop: fc.nat(80), insert: junk });
const mutilated = fc
  .record({ sample: fc.constantFrom(...samples), edits: fc.array(edit, { minLength: 1, maxLength: 4 }) })
  .map(({ sample, edits }) =>
    edits.reduce((text, { at, drop, insert }) => {
      const place = Math.floor(at * text.length);
      return text.slice(0, place) + insert + text.slice(place + drop);
    }, sample),
  );

const escaped: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };
/** A text as XML can hold it. */
const held = (text: string): string =>
  escapeXml(text).replace(/&(?:amp|lt|gt|quot);/g, (found) => escaped[found] ?? '');

const countOf = (element: XmlElement): number => element.children.reduce((sum, child) => sum + countOf(child), 1);

/** What a subscriber makes of texts that come one after another. */
function followed(texts: readonly string[]): Coherent | null {
  let known: Coherent | null = null;
  for (const text of texts) {
    const read = readDocument(text);
    if ('refused' in read) continue;
    const { outcome, state } = takeDocument(known, read);
    if (outcome !== 'applied') expect(state).toBe(known);
    else if (read.counted) expect(takeDocument(state, read).outcome).toBe('discarded');
    known = state;
  }
  return known;
}

function conferenceFrom(text: string): ReadConference {
  const read = readDocument(text);
  if ('refused' in read) throw new Error(read.refused);
  return conferenceOf(read.root);
}

describe('hostile conference documents', () => {
  it('never throw, however documents of real servers are mutilated, and leave a state that can be told', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(mutilated, fc.constantFrom(...samples)), { maxLength: 4 }), (texts) => {
        const known = followed(texts);
        if (known?.root) expect(JSON.stringify(conferenceOf(known.root))).toContain('"users":');
      }),
      { numRuns: 400 },
    );
  });

  it('never throw when there is no document at all', () => {
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 30 }), (pieces) => {
        followed([pieces.join(''), document(pieces.join(''))]);
      }),
      { numRuns: 300 },
    );
  });

  it('say names and URIs as they were meant, whatever is in them', () => {
    fc.assert(
      fc.property(hostile, hostile, (uri, name) => {
        const [entity, displayText] = [held(uri), held(name)];
        const { users } = conferenceFrom(
          document(
            `<users><user entity="${escapeXml(entity)}"><display-text>${escapeXml(displayText)}</display-text></user></users>`,
          ),
        );
        expect(users[0]?.displayText).toBe(displayText.trim() || null);
        expect(users[0]?.entity).toBe(entity.trim().replace(/^<([^<>]*)>$/, '$1'));
      }),
    );
  });

  it('keep apart all keys that differ', () => {
    fc.assert(
      fc.property(fc.uniqueArray(hostile.map(held), { minLength: 1, maxLength: 5 }), (entities) => {
        const users = (state: string): string =>
          entities.map((entity) => `<user entity="${escapeXml(entity)}"${state}/>`).join('');
        const partial = open.replace('"1"', '"2" state="partial"');
        const gone = `${partial}<users state="partial">${users(' state="deleted"')}</users></conference-info>`;
        const before = followed([document(`<users>${users('')}<user entity="stays&#x2028;"/></users>`)]);
        expect(before?.root && conferenceOf(before.root).users).toHaveLength(entities.length + 1);
        const after = followed([document(`<users>${users('')}<user entity="stays&#x2028;"/></users>`), gone]);
        expect(after?.root && conferenceOf(after.root).users).toHaveLength(1);
      }),
    );
  });
});

describe('bounds', () => {
  it.each([
    ['20,000 levels', 'too-deep', document(`${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`)],
    ['20,000 levels that do not end', 'too-deep', '<a>'.repeat(20_000)],
    ['50,000 attributes of one element', 'too-many', document(`<a ${many(50_000, (each) => `a${each}="1"`, ' ')}/>`)],
    ['50,000 prefixes of one element', 'too-many', document(`<a ${many(50_000, (e) => `xmlns:a${e}="u"`, ' ')}/>`)],
    ['200,000 attributes of many', 'too-many', document(`<a ${many(100, (e) => `a${e}="1"`, ' ')}/>`.repeat(2000))],
    ['200,000 elements', 'too-many', document('<a/>'.repeat(200_000))],
    ['5,000,000 characters', 'too-large', document(' '.repeat(5_000_000))],
    ['entities of entities', 'doctype', `<!DOCTYPE a [<!ENTITY b "${'c'.repeat(1000)}">]><a>${'&b;'.repeat(1000)}</a>`],
    ['a DOCTYPE behind a comment', 'doctype', `<!-- > --><!DOCTYPE a>${document('')}`],
    ['a declaration inside', 'doctype', document('<!ENTITY a "b">')],
    ['closing tags of others', 'malformed', document('<a></b>'.repeat(20_000))],
    ['a text between quotes that does not end', 'malformed', `${open}<a b="${'>'.repeat(100_000)}`],
    ['a comment that does not end', 'malformed', `${open}<!--${'<a>'.repeat(100_000)}`],
  ])('refuse %s', (_what, refused, text) => expect(readDocument(text)).toEqual({ refused }));

  it.each([
    ['60 levels', 63, document(`${'<a>'.repeat(62)}${'</a>'.repeat(62)}`)],
    [
      '200 attributes of one element',
      2,
      document(`<a ${many(200, (each) => `a${each}="<'"`.replace('<', '&lt;'), ' ')}/>`),
    ],
    ['20,000 elements', 20_001, document('<a b="1"/>'.repeat(20_000))],
    ['20,000 comments', 1, document('<!-- < --><?a <?><![CDATA[ < ]]>'.repeat(20_000))],
  ])('admit %s', (_what, count, text) => {
    const read = readXml(text);
    if ('refused' in read) throw new Error(read.refused);
    expect(countOf(read)).toBe(count);
  });

  it('are those that are asked for', () => {
    const limits = { ...defaultXmlLimits, elements: 3, depth: 2, attributes: 2, attributesOfOne: 1, length: 60 };
    const refused = (text: string): string => {
      const read = readXml(text, limits);
      return 'refused' in read ? read.refused : 'read';
    };
    expect(['<a><b/><c/></a>', '<a><b/><c/><d/></a>', '<a><b><c/></b></a>'].map(refused)).toEqual([
      'read',
      'too-many',
      'read',
    ]);
    expect(['<a><b><c></c></b></a>', '<a b="1" c="2"/>', `<a>${' '.repeat(60)}</a>`].map(refused)).toEqual([
      'too-deep',
      'too-many',
      'too-large',
    ]);
    expect(refused('<a b="1"><b c="2"/></a>')).toBe('read');
    expect(refused('<a b="1"><b c="2"/><c d="3"/></a>')).toBe('too-many');
  });
});
