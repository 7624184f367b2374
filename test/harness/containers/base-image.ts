/**
 * Base images for the container tests. Where the local Docker has none of ours, they are made from packages (debootstrap, which wants
 * root, and npm's `node-linux-*`), so that no image has to be pulled; where that cannot be done, the public ones are named.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, scratchDir } from '../servers/process.ts';

/** The two Debian releases whose servers we run on: 12 has Prosody 0.12 and NATS 2.9, 13 has Prosody 13.0 and NATS 2.10. */
export type DebianRelease = 'bookworm' | 'trixie';

/** The public images of the two, where ours cannot be made (https://hub.docker.com/_/debian; not started here). */
const PUBLIC = { bookworm: 'debian:12.11-slim', trixie: 'debian:13.1-slim' } as const;

const NODE_VERSION = '24.21.0';
const NPM_VERSION = '11.6.1';
/** What this machine trusts, so that a network that inspects TLS works in the images as it does here. */
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** Whether a Docker engine answers here. */
export const dockerRuns = (): boolean =>
  findExecutable('docker') !== null && spawnSync('docker', ['info'], { timeout: 10_000 }).status === 0;

/** An image of a Debian release: ours, made now if need be, or else the public one. */
export function debianImage(release: DebianRelease): string {
  const tag = `cusax/${release}:local`;
  if (hasImage(tag)) return tag;
  const debootstrap = findExecutable('debootstrap');
  if (debootstrap === null || process.getuid?.() !== 0) return PUBLIC[release];
  const scratch = scratchDir('base-image');
  const root = join(scratch.path, 'root');
  run(debootstrap, ['--variant=minbase', '--include=ca-certificates', release, root]);
  slim(root);
  if (existsSync(CA_BUNDLE)) copyFileSync(CA_BUNDLE, join(root, CA_BUNDLE));
  run('sh', ['-c', 'tar -C "$0" -c . | docker import --change \'CMD ["bash"]\' - "$1"', root, tag]);
  scratch.remove();
  return tag;
}

/** An image with Node 24 and npm on Debian 12, or null: then the default of the Dockerfile is to be used. */
export function nodeImage(): string | null {
  const tag = 'cusax/node:local';
  if (hasImage(tag)) return tag;
  const base = debianImage('bookworm');
  if (!base.startsWith('cusax/')) return null;
  const scratch = scratchDir('node-image');
  for (const [name, what] of [
    ['node', `node-linux-${process.arch}@${NODE_VERSION}`],
    ['npm', `npm@${NPM_VERSION}`],
  ] as const) {
    unpack(what, join(scratch.path, name));
  }
  const lines = [
    `FROM ${base}`,
    'COPY node/bin/node /usr/local/bin/node',
    'COPY npm /usr/local/lib/node_modules/npm',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
    `ENV NODE_EXTRA_CA_CERTS=${CA_BUNDLE}`,
  ];
  writeFileSync(join(scratch.path, 'Dockerfile'), `${lines.join('\n')}\n`);
  run('docker', ['build', '--quiet', '--tag', tag, scratch.path]);
  scratch.remove();
  return tag;
}

/** Whether the local Docker has an image of this name. */
export const hasImage = (tag: string): boolean => spawnSync('docker', ['image', 'inspect', tag]).status === 0;

/** Throws with what the program said when it fails. */
export function run(program: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''} failed: ${stderr.trim().slice(-2000)}`);
  return stdout;
}

/** Fetches a package of the npm registry with the ordinary client, and unpacks it. */
function unpack(specification: string, directory: string): void {
  mkdirSync(directory);
  const file = run('npm', ['pack', '--silent', specification], directory).trim();
  run('tar', ['-xzf', file, '--strip-components=1'], directory);
  rmSync(join(directory, file));
}

/** Takes out what no container needs: package files and lists, documentation, translations. */
function slim(root: string): void {
  const archives = join(root, 'var/cache/apt/archives');
  for (const name of readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) rmSync(join(archives, name));
  for (const path of ['var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']) {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(join(root, path));
  }
}
