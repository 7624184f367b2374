/** Writes `config.sample.yaml` from the schema: every key with its text, its default or an example. */
import { stringify } from 'yaml';
import { configSchema } from './config.ts';

interface SchemaNode {
  readonly def: { readonly type: string; readonly defaultValue?: unknown };
  readonly shape?: Record<string, SchemaNode>;
  readonly element?: SchemaNode;
  readonly options?: readonly SchemaNode[];
  readonly value?: unknown;
  unwrap?(): SchemaNode;
  meta(): { description?: string; example?: unknown } | undefined;
}

const bare = (node: SchemaNode): SchemaNode =>
  ['default', 'prefault', 'optional'].includes(node.def.type) && node.unwrap ? bare(node.unwrap()) : node;

const inline = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();

function leafLines(key: string, node: SchemaNode, indent: string): string[] {
  const { description, example } = node.meta() ?? {};
  const fallback = node.def.type === 'default' ? node.def.defaultValue : undefined;
  const optional = node.def.type === 'optional' || node.def.type === 'default';
  const choices = (bare(node) as { options?: unknown }).options;
  const list = bare(node).def.type === 'enum' && Array.isArray(choices) ? ` One of: ${choices.join(', ')}.` : '';
  const value = example ?? fallback;
  return [
    ...(description ? [`${indent}# ${description}${list}`] : []),
    `${indent}${optional && fallback === undefined ? '# ' : ''}${key}: ${inline(fallback === undefined ? value : fallback)}`,
  ];
}

function unionLines(key: string, node: SchemaNode, indent: string): string[] {
  return (node.options ?? []).flatMap((option, index) => {
    const kind = (option.shape?.['kind'] as { value?: string } | undefined)?.value ?? '';
    const lines = [`${indent}${key}:`, `${indent}  kind: ${kind}`, ...objectLines(option, `${indent}  `, ['kind'])];
    return index === 0 ? lines : [`${indent}# or:`, ...lines.map((line) => `${indent}# ${line.slice(indent.length)}`)];
  });
}

function listLines(key: string, node: SchemaNode, indent: string): string[] {
  const item = objectLines(node.element as SchemaNode, `${indent}    `, []);
  const first = item.findIndex((line) => !line.trim().startsWith('#'));
  return [`${indent}${key}:`, ...item.slice(0, first), `${indent}  - ${item[first]?.trim()}`, ...item.slice(first + 1)];
}

/** A group whose keys are all left out is left out itself. */
function groupLines(key: string, node: SchemaNode, indent: string): string[] {
  const lines = objectLines(node, `${indent}  `, []);
  if (lines.some((line) => !line.trim().startsWith('#'))) return [`${indent}${key}:`, ...lines];
  return [
    `${indent}# ${key}:`,
    ...lines.map((line) => `${indent}# ${line.slice(indent.length).replace(/^(\s*)# ([a-z-]+: )/, '$1$2')}`),
  ];
}

function objectLines(node: SchemaNode, indent: string, without: readonly string[]): string[] {
  return Object.entries(node.shape ?? {})
    .filter(([key]) => !without.includes(key))
    .flatMap(([key, child]) => {
      const plain = bare(child);
      if (plain.def.type === 'union') return unionLines(key, plain, indent);
      if (plain.def.type === 'object') return groupLines(key, plain, indent);
      if (plain.def.type === 'array' && plain.element?.shape) return listLines(key, plain, indent);
      return leafLines(key, child, indent);
    });
}

/** The text of `config.sample.yaml`. It passes `cusax-bridge check` when the named variables are set. */
export const sampleConfig = (): string =>
  [
    '# Configuration of cusax-bridge. Generated from the schema by `npm run generate`; copy it and change the copy.',
    '# ${NAME} takes a value from the environment, or from the file that NAME_FILE names.',
    ...objectLines(bare(configSchema as unknown as SchemaNode), '', []),
    '',
  ].join('\n');
