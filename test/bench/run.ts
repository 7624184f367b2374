/**
 * `npm run bench [-- name [arguments]]`: compiles the product, runs one benchmark or all, each in a process of its own, and prints tables.
 * Benchmarks that need a server which is not there say so and are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { machine } from './measure.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const outDir = `${root}.tmp/bench`;
const suffix = '-bench.ts';

const names = readdirSync(here)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length))
  .sort();

const [wanted, ...args] = process.argv.slice(2);
if (wanted !== undefined && !names.includes(wanted)) {
  console.error(`no such benchmark: ${wanted}; there are ${names.join(', ')}`);
  process.exit(2);
}

spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json', '--noCheck', '--outDir', outDir], {
  cwd: root,
  stdio: 'inherit',
});
if (!existsSync(`${outDir}/sip-focus/sip-focus.js`)) throw new Error('the product could not be compiled');

console.log(machine());
const loader = pathToFileURL(`${here}compiled-source.mjs`).href;
for (const name of wanted === undefined ? names : [wanted]) {
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--import', loader, `${here}${name}${suffix}`, ...args],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, BENCH_COMPILED: pathToFileURL(outDir).href },
    },
  );
  if (status !== 0) process.exitCode = 1;
}
