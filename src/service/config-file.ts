/** Reads the configuration file; every fault is told as `file:line:col key - expected ..., got ..., e.g. ...`. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isNode, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { BridgeError } from '../errors.ts';
import { type Config, configSchema } from './config.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value of the environment: `NAME`, or the content of the file that `NAME_FILE` names. */
function environmentValue(name: string, environment: Environment): string | undefined {
  const direct = environment[name];
  if (direct !== undefined) return direct;
  const file = environment[`${name}_FILE`];
  return file === undefined ? undefined : readFileSync(file, 'utf8').trimEnd();
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

/** Puts `${NAME}` values in; a name that is not set, or whose file cannot be read, is a fault. */
function withEnvironment(value: unknown, environment: Environment, path: PropertyKey[], faults: Fault[]): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      try {
        const found = environmentValue(name, environment);
        if (found !== undefined) return found;
        faults.push({ path, text: `expected the environment to have ${name} or ${name}_FILE, got neither` });
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
        faults.push({ path, text: `expected the file named by ${name}_FILE to be readable, got ${code}` });
      }
      return '';
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => withEnvironment(item, environment, [...path, i], faults));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withEnvironment(item, environment, [...path, key], faults)]),
    );
  }
  return value;
}

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);

/** What was written, without writing secrets: texts are told by kind only. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'another text';
  return typeof value === 'object' ? 'a group of keys' : `the ${typeof value} ${String(value)}`;
}

interface SchemaShape {
  readonly shape?: Record<string, unknown>;
  readonly element?: unknown;
  readonly options?: readonly unknown[];
  unwrap?(): unknown;
  meta?(): { example?: unknown } | undefined;
}

/** The schema under a path; in a union the first option that has the key. */
function schemaAt(schema: unknown, path: readonly PropertyKey[]): SchemaShape | undefined {
  const node = schema as SchemaShape | undefined;
  const [key, ...rest] = path;
  if (!node || key === undefined) return node;
  if (node.shape) return schemaAt(node.shape[String(key)], rest);
  if (node.options) return node.options.map((option) => schemaAt(option, path)).find((found) => found !== undefined);
  if (node.element && typeof key === 'number') return schemaAt(node.element, rest);
  return node.unwrap ? schemaAt(node.unwrap(), path) : undefined;
}

const exampleAt = (path: readonly PropertyKey[]): string => {
  const example = schemaAt(configSchema, path)?.meta?.()?.example;
  return example === undefined ? '' : `, e.g. ${JSON.stringify(example)}`;
};

/** What was expected, in zod's words or our own, one fault per unknown key. */
function faultsOf(issue: z.core.$ZodIssue, value: unknown): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      text: 'expected no such key here, got one that is not known',
    }));
  }
  const expected = issue.message.replace(/^Invalid (?:input|option): /, '').replace(/, received .*$/, '');
  const text = /expected.*/.exec(expected)?.[0] ?? `expected another value (${expected})`;
  return [{ path: issue.path, text: `${text}, got ${describe(at(value, issue.path))}${exampleAt(issue.path)}` }];
}

type YamlDocument = ReturnType<typeof parseDocument>;

/** Place of a path in the file, or of its nearest parent that is there. */
function placeOf(document: YamlDocument, counter: LineCounter, path: readonly PropertyKey[]): string {
  for (let length = path.length; length >= 0; length--) {
    const node = (length === 0 ? document.contents : document.getIn(path.slice(0, length), true)) as Node | undefined;
    if (isNode(node) && node.range) {
      const { line, col } = counter.linePos(node.range[0]);
      return `${line}:${col}`;
    }
  }
  return '1:1';
}

const fail = (lines: readonly string[]): never => {
  throw new BridgeError('CONFIG_INVALID', lines.join('\n'));
};

/** Checks the text of a configuration file. Throws CONFIG_INVALID with one line per fault, all of them at once. */
export function parseConfig(text: string, file: string, environment: Environment): Config {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, maxAliasCount: 50 } as Parameters<
    typeof parseDocument
  >[1]);
  const label = basename(file);
  if (document.errors.length > 0) {
    fail(
      document.errors.map((error) => {
        const { line, col } = counter.linePos(error.pos[0]);
        return `${label}:${line}:${col} (YAML) - ${error.message.split('\n')[0]?.replace(/ at line .*$/, '')}`;
      }),
    );
  }
  const faults: Fault[] = [];
  const value = withEnvironment(document.toJS(), environment, [], faults);
  const result = configSchema.safeParse(value);
  if (!result.success) {
    const told = new Set(faults.map((fault) => fault.path.join('.')));
    faults.push(
      ...result.error.issues
        .flatMap((issue) => faultsOf(issue, value))
        .filter((fault) => !told.has(fault.path.join('.'))),
    );
  }
  if (faults.length === 0 && result.success) return result.data;
  return fail(
    faults.map(
      ({ path, text: problem }) =>
        `${label}:${placeOf(document, counter, path)} ${path.join('.') || '(file)'} - ${problem}`,
    ),
  );
}

/** Reads and checks a configuration file; a file that cannot be read is CONFIG_INVALID too. */
export function readConfig(file: string, environment: Environment): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return fail([
      `${basename(file)}:1:1 (file) - expected a readable configuration file, got ${code}, e.g. --config config.yaml`,
    ]);
  }
  return parseConfig(text, file, environment);
}
