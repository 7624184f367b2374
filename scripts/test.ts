/**
 * `npm test`: every check and suite, then one summary: which stacks ran, which did not and why, and the counts of tests.
 * `STACK=containers npm test` runs the scenarios with their servers in containers, and the tests of the deployment, instead of the
 * other suites; both make images and want Docker.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findSlixmpp } from '../test/harness/slixmpp.ts';

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly assertionResults: readonly TestOutcome[] }[];
}

interface TestOutcome {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

const steps = ['typecheck', 'lint', 'arrows', 'unused', 'check:generated'] as const;
const inContainers = process.env['STACK'] === 'containers';
const suites = inContainers ? ['scenarios', 'containers'] : ['unit', 'contract', 'scenarios'];

const run = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'inherit' }).status === 0;

function runSuite(suite: string): VitestReport | null {
  const file = join('.tmp', `${suite}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const good = run('npx', ['vitest', 'run', '--project', suite, ...reporters]);
  if (!existsSync(file)) return null;
  const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  // A suite that fails outside its tests (a hook, an import) must not pass because each test did.
  return good || report.numFailedTests > 0 ? report : { ...report, numFailedTests: 1 };
}

/** How the scenarios went on each stack, or why they did not run there; `describeStacks` puts the stack in the name and the cause in the title. */
function stackLines(report: VitestReport | null): string[] {
  const stacks = new Map<string, { counts: Map<string, number>; causes: Set<string> }>();
  for (const { ancestorTitles, title, status } of report?.testResults.flatMap((file) => file.assertionResults) ?? []) {
    const name = /\[([^\]]+ × [^\]]+)\]$/.exec(ancestorTitles[0] ?? '')?.[1];
    if (name === undefined) continue;
    const { counts, causes } = stacks.get(name) ?? { counts: new Map<string, number>(), causes: new Set<string>() };
    stacks.set(name, { counts, causes });
    if (title.startsWith('not run: ')) causes.add(title);
    else counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return [...stacks].map(([name, { counts, causes }]) => {
    const told = [...[...counts].map(([status, count]) => `${count} ${status}`), ...causes];
    return `scenarios on ${name}: ${told.join(', ')}`;
  });
}

/** Debian keeps servers in folders that an ordinary user's PATH lacks. */
const onPath = (name: string): boolean =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].some((folder) =>
    existsSync(join(folder, name)),
  );

type Program = readonly [name: string, found: boolean, why: string];

/** In containers they are those of the image. */
const servers: readonly Program[] = [
  ['prosody', onPath('prosody'), 'not on PATH'],
  ['ejabberd', onPath('ejabberdctl'), 'ejabberdctl not on PATH'],
  ['nats-server', onPath('nats-server'), 'not on PATH'],
];

/** Servers and foreign programs that suites use when they are there: how each is found. */
const programs: readonly Program[] = [
  ...(inContainers ? [] : servers),
  ['drachtio-server', onPath('drachtio') || 'DRACHTIO_BIN' in process.env, 'not on PATH, DRACHTIO_BIN not set'],
  ['FreeSWITCH', onPath('freeswitch') || 'FREESWITCH_HOME' in process.env, 'not on PATH, FREESWITCH_HOME not set'],
  ['xmllint', onPath('xmllint'), 'documents were not checked against the RFC 4575 schema: not on PATH'],
  ['sipp', onPath('sipp'), 'not on PATH'],
  ['baresip', onPath('baresip'), 'not on PATH'],
  ['linphone', onPath('linphone-daemon'), 'linphone-daemon not on PATH'],
  ['kamailio', onPath('kamailio'), 'not on PATH'],
  ['slixmpp', findSlixmpp() !== null, 'no python3 has it'],
];

const dockerRuns = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
const noDocker = 'docker not running';

mkdirSync('.tmp', { recursive: true });
const failedSteps = steps.filter((step) => !run('npm', ['run', '--silent', step]));
const reports = suites.map((suite) => [suite, runSuite(suite)] as const);
const broken = reports.filter(([, report]) => report === null).map(([suite]) => suite);
if (inContainers && !dockerRuns) broken.push(`containers (${noDocker})`);
const total = (key: 'numPassedTests' | 'numFailedTests' | 'numPendingTests'): number =>
  reports.reduce((sum, [, report]) => sum + (report?.[key] ?? 0), 0);

console.log('\n--- summary ---');
for (const [name, found, why] of programs) console.log(found ? `found: ${name}` : `not run: tests on ${name} (${why})`);
const elsewhere = inContainers
  ? 'unit and contract tests, scenarios with servers on this machine (only without STACK=containers)'
  : `the deployment, scenarios with servers in containers (${dockerRuns ? 'only with STACK=containers' : noDocker})`;
console.log(`not run: ${elsewhere}`);
for (const line of stackLines(reports.find(([suite]) => suite === 'scenarios')?.[1] ?? null)) console.log(line);
for (const step of failedSteps) console.log(`failed check: ${step}`);
for (const suite of broken) console.log(`failed to run: ${suite}`);
const failed = total('numFailedTests') + failedSteps.length + broken.length;
console.log(`${total('numPassedTests')} passed, ${failed} failed, ${total('numPendingTests')} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
