/** Child processes of the tests: started on free ports, watched until ready, and never left behind. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { collectOutput, endsBy, type ProcessOptions, type RunningProcess, untilReady } from './running-process.ts';

/** A directory of one test's server. */
export interface ScratchDir {
  readonly path: string;
  /** Removes it with all it holds; without it the end of the test process does. */
  remove(): void;
}

const givenPorts = new Set<number>();
const endings = new Set<() => void>();
let cleanUpInstalled = false;
let endsOnSignals = true;

/** Below the ports that systems give out by themselves, so that no client's connection takes one between the choice and its use. */
const firstPort = 20_000;
const lastPort = 32_700;

/** A port of 127.0.0.1 that nobody uses now, by TCP or UDP, and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (givenPorts.has(port) || !(await isFree(port))) continue;
    givenPorts.add(port);
    return port;
  }
}

/** Whether nobody uses a port of 127.0.0.1 now, by TCP or UDP. */
export async function isFree(port: number): Promise<boolean> {
  return (await freeForTcp(port)) && (await freeForUdp(port));
}

function freeForTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function freeForUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

/** Whether something accepts TCP connections on a port of 127.0.0.1 now. */
export function acceptsTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, settle(false));
    socket.once('connect', settle(true));
    socket.once('error', settle(false));
  });
}

/** The full path of a program on PATH (the sbin directories included, which a user's PATH may lack), or null. */
export function findExecutable(name: string): string | null {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const directory of directories.filter((entry) => entry !== '')) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here: the next directory may have it
    }
  }
  return null;
}

/** Makes a private directory under the system's temporary one. */
export function scratchDir(name: string): ScratchDir {
  const path = mkdtempSync(join(tmpdir(), `cusax-${name}-`));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  const forget = atEnd(remove);
  return {
    path,
    remove() {
      forget();
      remove();
    },
  };
}

/** For a program that handles signals itself, called before it starts anything: then only the end of the process ends what it started. */
export function leaveSignals(): void {
  endsOnSignals = false;
}

/**
 * Has something done when the test process ends or a signal ends it, the latest first; it must not wait for anything.
 * @returns forgets it, to be called when it has been done earlier
 */
export function atEnd(ending: () => void): () => void {
  installCleanUp();
  endings.add(ending);
  return () => endings.delete(ending);
}

/** Starts a program and resolves when it is ready; rejects with its last output when it ends or stays unready. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  // Its own process group, so that a wrapper script is ended together with what it started.
  const child = spawn(options.command, [...options.args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = await spawned(child, options.name);
  const forget = atEnd(() => signalGroup(pid, 'SIGKILL'));
  const guard = startGuard('kill -s KILL -- "-$1" 2>/dev/null', String(pid));
  const output = collectOutput(options.logFile);
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', output.add);
  child.once('close', output.end);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      signalGroup(pid, 'SIGKILL'); // whatever a wrapper left behind
      guard.dismiss();
      forget();
      resolve(code);
    });
  });
  const running: RunningProcess = {
    pid,
    output: output.text,
    exited,
    run: (command, args) => runProgram(command, args),
    ...endsBy((signal) => signalGroup(pid, signal), exited, options.stopTimeoutMs),
  };
  await untilReady(running, options);
  return running;
}

/** Runs a program to its end; rejects with what it wrote when it fails. */
export async function runProgram(command: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(command, [...args]);
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${name} could not be started`, { cause })));
    child.once('spawn', () => resolve(child.pid as number));
  });
}

/**
 * A second, tiny process that cleans up when this process vanishes without a chance to (SIGKILL by a test runner, out of
 * memory): its standard input then reaches its end.
 * @param script of the shell; `subject` is its `$1`
 */
export function startGuard(script: string, subject: string): { dismiss(): void } {
  const guard = spawn('/bin/sh', ['-c', `read -r line; ${script}`, 'guard', subject], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined); // a missing guard only costs the extra safety
  guard.unref();
  return { dismiss: () => void guard.kill('SIGKILL') };
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it is gone already
  }
}

function installCleanUp(): void {
  if (cleanUpInstalled) return;
  cleanUpInstalled = true;
  process.once('exit', cleanUp);
  if (!endsOnSignals) return;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      cleanUp();
      // `once` has taken this handler away. Where no other handles the signal, end as it would have ended us.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

/** The latest first: a server ends before its directory goes. */
function cleanUp(): void {
  for (const ending of [...endings].reverse()) {
    try {
      ending();
    } catch {
      // nobody is left to be told, and the others must be done
    }
  }
  endings.clear();
}
