/** RFC 4575 6: validation of documents against the schema beside this file, by xmllint, many in one run and without a network. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable, scratchDir } from '../servers/process.ts';

/** A document that the schema does not admit. */
export interface SchemaProblem {
  readonly document: string;
  /** What xmllint says of it, one complaint a line. */
  readonly complaint: string;
}

const schema = join(import.meta.dirname, 'schema', 'conference-info.xsd');
/** So many file names fit on a command line with room to spare. */
const batch = 500;
const collected = new Map<string, string>();
let toldThatItIsAbsent = false;

/** Whether documents can be validated here at all. */
export const canValidate = (): boolean => findExecutable('xmllint') !== null;

/** Keeps a document for the next `validateCollected`; documents that differ in their version only are kept once. */
export function collectDocument(xml: string): void {
  const key = xml.replace(/(<[^>?!]*\sversion\s*=\s*["'])\d+/, '$1');
  if (!collected.has(key)) collected.set(key, xml);
}

/** Validates what was collected since the last time, for an `afterEach` or a wait that failed. Throws what the schema does not admit. */
export async function validateCollected(): Promise<void> {
  const documents = [...collected.values()];
  collected.clear();
  const problems = await validateAll(documents);
  if (problems.length === 0) return;
  const texts = problems.slice(0, 5).map(({ complaint, document }) => `${complaint}\n${document}`);
  throw new Error(
    `${problems.length} of ${documents.length} documents are not valid (RFC 4575 6):\n${texts.join('\n')}`,
  );
}

/** The documents that the schema does not admit. Without xmllint there is no answer but an empty one, and standard error says so once. */
export async function validateAll(documents: readonly string[]): Promise<readonly SchemaProblem[]> {
  const xmllint = findExecutable('xmllint');
  if (xmllint === null) {
    if (!toldThatItIsAbsent)
      process.stderr.write('xmllint is not on PATH: no document is checked against the schema\n');
    toldThatItIsAbsent = true;
    return [];
  }
  const problems: SchemaProblem[] = [];
  for (let first = 0; first < documents.length; first += batch) {
    problems.push(...(await validateBatch(xmllint, documents.slice(first, first + batch))));
  }
  return problems;
}

async function validateBatch(xmllint: string, documents: readonly string[]): Promise<readonly SchemaProblem[]> {
  const scratch = scratchDir('schema');
  try {
    await Promise.all(documents.map((document, place) => writeFile(join(scratch.path, `${place}.xml`), document)));
    const files = documents.map((_document, place) => `${place}.xml`);
    const lines = await run(xmllint, ['--noout', '--nonet', '--schema', schema, ...files], scratch.path);
    const valid = new Set(lines.map((line) => /^(\d+)\.xml validates$/.exec(line)?.[1]).filter((place) => place));
    return documents.flatMap((document, place) => {
      if (valid.has(String(place))) return [];
      const complaints = lines.filter((line) => line.startsWith(`${place}.xml:`) || line.startsWith(`${place}.xml `));
      return [{ document, complaint: complaints.join('\n') || lines.join('\n') }];
    });
  } finally {
    scratch.remove();
  }
}

/** The lines that xmllint writes; its exit code says no more than they do. */
function run(command: string, args: readonly string[], cwd: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, _stdout, stderr) => {
      if (error && typeof error.code === 'string') reject(error);
      else resolve(stderr.split('\n'));
    });
  });
}
