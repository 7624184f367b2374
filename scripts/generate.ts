/** Writes the generated files, or with `--check` fails when one differs from what the code gives. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { errorCatalogue } from '../src/errors.ts';
import { sampleConfig } from '../src/service/config-sample.ts';

const errorsPage = (): string =>
  [
    '# Errors',
    '',
    'Every failure that this service names. Generated from `src/errors.ts` by `npm run generate`.',
    '',
    '| code | meaning |',
    '| --- | --- |',
    ...Object.entries(errorCatalogue).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
    '',
  ].join('\n');

const files: Record<string, string> = { 'config.sample.yaml': sampleConfig(), 'docs/errors.md': errorsPage() };
const check = process.argv.includes('--check');
const stale = Object.entries(files).filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
for (const [file, text] of check ? [] : stale) writeFileSync(file, text);
if (check && stale.length > 0) {
  console.error(`Not what the code gives: ${stale.map(([file]) => file).join(', ')}. Run: npm run generate`);
  process.exitCode = 1;
}
