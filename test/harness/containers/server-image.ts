/** The image of the servers, made from Debian's packages, and whether drachtio-server and FreeSWITCH of this machine run on it. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findDrachtio } from '../servers/drachtio.ts';
import { findFreeswitch } from '../servers/freeswitch.ts';
import { debianImage, dockerRuns, run } from './base-image.ts';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
const TAG = 'cusax/servers:local';

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
  if (!dockerRuns()) return { image: TAG, missing: ['a Docker engine that answers'], missingForNative: [] };
  try {
    run('docker', ['build', '--quiet', '--build-arg', `BASE=${debianImage('bookworm')}`, '--tag', TAG, DIRECTORY]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { image: TAG, missing: [`an image of the servers (${oneLine(reason)})`], missingForNative: [] };
  }
  return { image: TAG, missing: [], missingForNative: [...lacksOfDrachtio(), ...lacksOfFreeswitch()] };
}

const oneLine = (text: string): string =>
  text
    .trim()
    .split(/\s*\n\s*/)
    .slice(-3)
    .join(' / ');

function lacksOfDrachtio(): string[] {
  const command = findDrachtio();
  return command === null ? ['drachtio-server'] : unlinked('drachtio-server', [command], command);
}

/** FreeSWITCH is mounted as a whole, so it must have a prefix of its own; one among the system's files would hide the image's. */
function lacksOfFreeswitch(): string[] {
  const found = process.env['FREESWITCH_HOME'] ? findFreeswitch() : null;
  if (found === null) return ['FreeSWITCH under FREESWITCH_HOME'];
  const modules = join(found.home, 'lib/freeswitch/mod');
  const programs = [found.bin, ...sharedObjects(modules).map((name) => join(modules, name))];
  return unlinked('FreeSWITCH', programs, found.home);
}

function sharedObjects(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.so'));
  } catch {
    return []; // another layout: the start of FreeSWITCH will tell
  }
}

/** The shared libraries of programs under `mount` that the image has not. */
function unlinked(name: string, programs: readonly string[], mount: string): string[] {
  const { stdout, stderr, status } = spawnSync(
    'docker',
    ['run', '--rm', '--network', 'none', '--volume', `${mount}:${mount}:ro`, '--entrypoint', 'ldd', TAG, ...programs],
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
