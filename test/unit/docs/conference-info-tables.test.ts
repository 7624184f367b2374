/** `docs/conference-info.md` stays true: the schema is whole in it, no cell is empty, and every file and test that it names is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'docs/conference-info.md'), 'utf8');
const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
);
const paths = (name: string): readonly string[] => files.filter((path) => `/${path}`.endsWith(`/${name}`));

/** Cells of all tables, row by row, without the rules below the heads. */
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );

/** `file` › *title*, and further titles of the same file. */
const mentions = [...text.matchAll(/`([\w./-]+\.(?:ts|xml|xsd))`((?:\s+(?:›|and)\s+\*[^*]+\*)*)/g)].map((found) => ({
  file: found[1] ?? '',
  titles: [...(found[2] ?? '').matchAll(/\*([^*]+)\*/g)].map((title) => (title[1] ?? '').replace(/\s+/g, ' ')),
}));

/** What the schema declares, by type and name; attributes with an @. */
function declared(): readonly string[] {
  const schema = readFileSync(join(root, 'test/harness/conference/schema/conference-info.xsd'), 'utf8');
  return [...schema.matchAll(/<xs:complexType name="([^"]+?)-type">(.*?)<\/xs:complexType>/gs)].flatMap((type) =>
    [...(type[2] ?? '').matchAll(/<xs:(element|attribute) name="([^"]+)"/g)].map(
      (found) => `${type[1]}/${found[1] === 'attribute' ? '@' : ''}${found[2]}`,
    ),
  );
}

describe('the tables of docs/conference-info.md', () => {
  it('have a row for each element and attribute of the schema, and for nothing else', () => {
    const keys = rows
      .map(([first]) => /^`([a-z-]+\/@?[a-z-]+)`$/.exec(first ?? '')?.[1])
      .filter((key) => key !== undefined);
    expect([...keys].sort()).toEqual([...declared()].sort());
    expect(keys.length).toBeGreaterThan(60);
  });

  it('have no empty cell, and as many cells in each row as in its head', () => {
    for (const row of rows) {
      expect(
        row.every((cell) => cell !== ''),
        row.join(' | '),
      ).toBe(true);
      expect([3, 4], row.join(' | ')).toContain(row.length);
    }
  });

  it('name files that are there, each by a name that only one has', () => {
    expect(mentions.length).toBeGreaterThan(200);
    for (const { file } of mentions) expect(paths(file), file).toHaveLength(1);
  });

  it('name what is in those files', () => {
    const names = [...text.matchAll(/`(\w+)`(?: and `(\w+)`)? in\s+`([\w./-]+\.ts)`/g)];
    expect(names.length).toBeGreaterThan(15);
    for (const [, first = '', second = first, file = ''] of names) {
      const source = readFileSync(join(root, paths(file)[0] ?? ''), 'utf8');
      for (const name of [first, second]) expect(source, `${name} in ${file}`).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it('name tests that are there, by their whole title', () => {
    const missing = mentions.flatMap(({ file, titles }) => {
      const source = readFileSync(join(root, paths(file)[0] ?? ''), 'utf8').replace(/\\'/g, "'");
      const has = (title: string): boolean => ["'", '"', '`'].some((quote) => source.includes(quote + title + quote));
      return titles.filter((title) => !has(title)).map((title) => `${file}: ${title}`);
    });
    expect(missing).toEqual([]);
    expect(mentions.flatMap(({ titles }) => titles).length).toBeGreaterThan(100);
  });
});
