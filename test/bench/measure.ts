/** What all benchmarks share: CPU of a process, one clock for all processes, quantiles, ratios of alternate pairs, tables. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';

/** CPU time of all threads of a process since its start, in ms. Threads that have ended are not in it. */
export function cpuOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) => Number(readIfThere(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** A process and all that have come of it and still run. */
export function treeOf(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = readIfThere(`/proc/${entry}/stat`);
    // The name before it is in parentheses and may hold anything.
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    parents.set(Number(entry), Number(parent));
  }
  const tree = new Set([pid]);
  for (const ancestor of tree) for (const [child, parent] of parents) if (parent === ancestor) tree.add(child);
  return [...tree];
}

/** Processes and threads end while one looks. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Milliseconds on the clock that all processes of the machine share (CLOCK_MONOTONIC). */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a condition; throws with `what` when it does not come true within the limit (ms). */
export async function until(holds: () => boolean, what: string, limitMs = 30_000): Promise<void> {
  const limit = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`it never came true: ${what}`);
    await pause(5);
  }
}

/** The value below which this share of the values lies (nearest rank); NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return sorted.length % 2 === 0 ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
};

/** Ratios of neighbours in an A B A B run: median (smallest to largest). */
export function ratioText(product: readonly number[], floor: readonly number[]): string {
  const ratios = product.map((value, index) => value / (floor[index] ?? Number.NaN));
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  return `${median(ratios).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** A number for a table, or the text that stands for one. */
export type Cell = string | number;

/** A markdown table; the first row names the columns. */
export function table(rows: readonly Readonly<Record<string, Cell>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`;
  const rule = line(names.map((_, index) => (index === 0 ? '---' : '---:')));
  return [line(names), rule, ...rows.map((row) => line(names.map((name) => row[name] ?? '')))].join('\n');
}

/** The machine, and how busy it is with other things. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const load = loadavg()[0]?.toFixed(1);
  return `${availableParallelism()} cores of ${model}, Linux ${release()}, Node ${process.version}, load average ${load}`;
}

/** Prints a section of the report. */
export function report(title: string, ...lines: readonly string[]): void {
  console.log(`\n### ${title}\n\n${lines.join('\n')}\n`);
}
