/** Reads a YAML list that an operator keeps, checks it, and tells each fault with its place. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { BridgeError } from '../errors.ts';

const fail = (lines: readonly string[]): never => {
  throw new BridgeError('CONFIG_INVALID', lines.join('\n'));
};

/** The entries of a YAML list file, each of the form of `schema`; an empty file is an empty list. Throws CONFIG_INVALID. */
export function readYamlList<T extends z.ZodType>(file: string, schema: T): z.infer<T>[] {
  const label = basename(file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return fail([`${label}:1:1 (file) - expected a readable file, got ${(error as NodeJS.ErrnoException).code}`]);
  }
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const place = (path: readonly PropertyKey[]): string => {
    const node = path.length === 0 ? document.contents : document.getIn(path, true);
    const { line, col } = counter.linePos(isNode(node) && node.range ? node.range[0] : 0);
    return `${line}:${col}`;
  };
  const broken = document.errors[0];
  if (broken) {
    const { line, col } = counter.linePos(broken.pos[0]);
    return fail([`${label}:${line}:${col} (YAML) - ${broken.message.split('\n')[0]}`]);
  }
  const list: unknown = document.toJS() ?? [];
  if (!Array.isArray(list)) return fail([`${label}:1:1 (file) - expected a list of entries, got something else`]);
  const faults: string[] = [];
  const entries = list.flatMap((item, index) => {
    const result = schema.safeParse(item);
    if (result.success) return [result.data as z.infer<T>];
    for (const issue of result.error.issues) {
      const path = [index, ...issue.path];
      const at = document.hasIn(path) ? path : [index];
      faults.push(`${label}:${place(at)} ${path.join('.')} - ${issue.message.replace(/^Invalid input: /, '')}`);
    }
    return [];
  });
  return faults.length > 0 ? fail(faults) : entries;
}
