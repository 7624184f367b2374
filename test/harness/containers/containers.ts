/** Servers of a test in containers: each start is a new one that testcontainers makes, and none outlives the test, however that ends. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { StartedTestContainer } from 'testcontainers';
import type { Place } from '../servers/place.ts';
import { atEnd, startGuard } from '../servers/process.ts';
import {
  collectOutput,
  endsBy,
  type Files,
  type Output,
  type ProcessOptions,
  type RunningProcess,
  untilReady,
} from '../servers/running-process.ts';

/** The cleaner of testcontainers is an image of its own, which would have to be pulled; `holdContainer` does its work. And the ports are on loopback. */
export const CONTAINER_ENV = { TESTCONTAINERS_RYUK_DISABLED: 'true', TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1' };

/** What the Dockerfile installs. */
const INSTALLED: ReadonlySet<string> = new Set(['prosody', 'prosodyctl', 'nats-server', 'openssl', 'erl']);

/** A place whose programs are those of an image. They use this machine's network, and see their files under the same paths. */
export function containersOf(image: string): Place {
  return {
    find: (program) => (INSTALLED.has(program) ? program : null),
    findErlangLibraries: () => '/usr/lib/erlang-libraries', // a link that the Dockerfile makes
    start: async (options) => {
      const running = await startContainer(image, options);
      await untilReady(running, options);
      return running;
    },
    async run(command, args, files) {
      const ready = async (): Promise<boolean> => true;
      const running = await startContainer(image, { name: 'command', command, args, files, ready });
      const code = await running.exited;
      if (code !== 0) throw new Error(`${command} failed:\n${running.output()}`);
    },
  };
}

async function startContainer(image: string, options: ProcessOptions): Promise<RunningProcess> {
  const held = holdContainer(options.name);
  const output = collectOutput(options.logFile);
  const streams: Readable[] = [];
  let container: StartedTestContainer;
  try {
    container = await create(image, held.name, options, (stream) => streams.push(stream.on('data', output.add)));
  } catch (cause) {
    held.remove();
    throw new Error(`${options.name} could not be started in a container`, { cause });
  }
  return runningIn(container, options, output, streams, held.release);
}

async function create(
  image: string,
  name: string,
  options: ProcessOptions,
  watch: (stream: Readable) => void,
): Promise<StartedTestContainer> {
  const { GenericContainer } = await import('testcontainers'); // heavy, and of no use elsewhere
  const { command, args, cwd = '/', files = {} } = options;
  const container = new GenericContainer(image)
    .withName(name)
    .withNetworkMode('host')
    .withBindMounts(mountsOf(files))
    .withEnvironment(environmentOf(options.env ?? {}))
    .withWorkingDir(cwd)
    .withEntrypoint([command])
    .withCommand([...args])
    .withLogConsumer(watch);
  // What it writes must be ours to remove.
  if (process.getuid !== undefined) container.withUser(`${process.getuid()}:${process.getgid?.()}`);
  return container.start();
}

/** Bind mounts under the same paths. */
export function mountsOf({ reads = [], writes = [] }: Files): { source: string; target: string; mode: 'ro' | 'rw' }[] {
  return [
    ...reads.map((path) => ({ source: path, target: path, mode: 'ro' as const })),
    ...writes.map((path) => ({ source: path, target: path, mode: 'rw' as const })),
  ];
}

const environmentOf = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** What is left to do with a container that has been started. */
async function runningIn(
  container: StartedTestContainer,
  options: ProcessOptions,
  output: Output,
  streams: readonly Readable[],
  release: () => void,
): Promise<RunningProcess> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const handle = (await getContainerRuntimeClient()).container.getById(container.getId());
  const { State } = await handle.inspect();
  const end = async (): Promise<number | null> => {
    const code = await handle.wait().then(exitCodeOf, () => null); // null: Docker itself went away
    await Promise.all(streams.map(ended));
    output.end();
    await handle.remove({ force: true, v: true }).then(release, () => undefined); // else the end of the test process tries again
    return code;
  };
  const exited = end();
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    await handle.kill({ signal: name }).catch(() => undefined); // it has ended
  };
  return {
    pid: State.Pid,
    output: output.text,
    exited,
    async run(command, args) {
      const { exitCode, output: said } = await container.exec([command, ...args]);
      if (exitCode !== 0) throw new Error(`${command} failed:\n${said}`);
    },
    ...endsBy(signal, exited, options.stopTimeoutMs),
  };
}

/** Docker gives 128 + the number of the signal that ended a process. */
export const exitCodeOf = ({ StatusCode }: { readonly StatusCode: number }): number | null =>
  StatusCode > 128 ? null : StatusCode;

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) resolve();
    else stream.once('end', resolve).once('close', resolve).once('error', resolve);
  });
}

/** A container that does not outlive the test process. */
export interface HeldContainer {
  /** To be given to it. */
  readonly name: string;
  /** Removes it, whatever state it is in; waits for Docker and nothing else. */
  remove(): void;
  /** To be called when it is gone by other means. */
  release(): void;
}

/**
 * Sees to it that a container, to be made with the name given here, is gone when the test process is, whatever ended that: by the
 * handlers of this process, or by a guard, which tries again for a container that was being made at that moment.
 * @param purpose becomes part of the name
 */
export function holdContainer(purpose: string): HeldContainer {
  const name = `cusax-${purpose.replaceAll(/[^\w-]/g, '-')}-${randomBytes(6).toString('hex')}`;
  const remove = (): void => void spawnSync('docker', ['rm', '--force', '--volumes', name], { stdio: 'ignore' });
  const forget = atEnd(remove);
  const command = 'docker rm --force --volumes "$1"';
  const guard = startGuard(`${command}; sleep 5; ${command}`, name);
  const release = (): void => {
    guard.dismiss();
    forget();
  };
  return {
    name,
    release,
    remove() {
      remove();
      release();
    },
  };
}
