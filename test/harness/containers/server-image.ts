/** The images of the servers, made from Debian's packages, and whether drachtio-server and FreeSWITCH of this machine run on it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findDrachtio } from '../servers/drachtio.ts';
import { findFreeswitch } from '../servers/freeswitch.ts';
import { debianImage, dockerRuns, hasImage, run } from './base-image.ts';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));

/** A stage of the Dockerfile: what the demo needs, or what the scenarios do. */
export type ServerSet = 'demo-servers' | 'servers';

/** The image of a set of servers. */
export interface ServerImage {
  readonly tag: string;
  /** False: `make` has work to do, which takes minutes and the network. */
  readonly exists: boolean;
  /** Makes it; throws with what Docker said when that fails. */
  make(): void;
}

/**
 * The image of a set of servers, which asks Docker. It is made once: another Dockerfile or base gives it another name.
 * `DEBIAN_BASE` in the environment names another image of Debian 12 to build on.
 */
export function serverImage(set: ServerSet): ServerImage {
  const wanted = process.env['DEBIAN_BASE'] ?? '';
  const recipe = [readFileSync(join(DIRECTORY, 'Dockerfile'), 'utf8'), wanted].join('\n');
  const tag = `cusax/${set}:${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`;
  return {
    tag,
    exists: hasImage(tag),
    make() {
      const base = wanted === '' ? debianImage('bookworm') : wanted;
      run('docker', ['build', '--quiet', '--build-arg', `BASE=${base}`, '--target', set, '--tag', tag, DIRECTORY]);
    },
  };
}

/** What there is for stacks in containers; what is lacking is said for people. */
export interface ServersInContainers {
  readonly image: string;
  /** Without these there is no stack in containers at all. */
  readonly missing: readonly string[];
  /** Without these there is none on drachtio-server and FreeSWITCH. */
  readonly missingForNative: readonly string[];
}

/** Makes the image unless Docker has it; minutes the first time. Never throws: what fails is missing. */
export function prepareServers(): ServersInContainers {
  const { tag: image, exists, make } = serverImage('servers');
  if (!dockerRuns()) return { image, missing: ['a Docker engine that answers'], missingForNative: [] };
  try {
    if (!exists) make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { image, missing: [`an image of the servers (${oneLine(reason)})`], missingForNative: [] };
  }
  return { image, missing: [], missingForNative: [...lacksOfDrachtio(image), ...lacksOfFreeswitch(image)] };
}

const oneLine = (text: string): string =>
  text
    .trim()
    .split(/\s*\n\s*/)
    .slice(-3)
    .join(' / ');

function lacksOfDrachtio(image: string): string[] {
  const command = findDrachtio();
  return command === null ? ['drachtio-server'] : unlinked(image, 'drachtio-server', [command], command);
}

/** FreeSWITCH is mounted as a whole, so it must have a prefix of its own; one among the system's files would hide the image's. */
function lacksOfFreeswitch(image: string): string[] {
  const found = process.env['FREESWITCH_HOME'] ? findFreeswitch() : null;
  if (found === null) return ['FreeSWITCH under FREESWITCH_HOME'];
  const modules = join(found.home, 'lib/freeswitch/mod');
  const programs = [found.bin, ...sharedObjects(modules).map((name) => join(modules, name))];
  return unlinked(image, 'FreeSWITCH', programs, found.home);
}

function sharedObjects(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.so'));
  } catch {
    return []; // another layout: the start of FreeSWITCH will tell
  }
}

/** The shared libraries of programs under `mount` that the image has not. */
function unlinked(image: string, name: string, programs: readonly string[], mount: string): string[] {
  const { stdout, stderr, status } = spawnSync(
    'docker',
    ['run', '--rm', '--network', 'none', '--volume', `${mount}:${mount}:ro`, '--entrypoint', 'ldd', image, ...programs],
    { encoding: 'utf8' },
  );
  const lacking = librariesNotFound(stdout);
  if (status !== 0 && lacking.length === 0) return [`${name} for the image (${oneLine(stderr)})`];
  return lacking.map((library) => `${library} for ${name}`);
}

/** The libraries that `ldd` could not find, or whose versions it could not. */
export function librariesNotFound(lddOutput: string): readonly string[] {
  const absent = [...lddOutput.matchAll(/^\s*(\S+) => not found$/gm)].map((match) => match[1]!);
  const tooOld = [...lddOutput.matchAll(/: version `([^']+)' not found/g)].map((match) => match[1]!);
  return [...new Set([...absent, ...tooOld])];
}
