/** Child processes of the tests: started on free ports, watched until ready, and never left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { accessSync, constants, createWriteStream, mkdtempSync, rmSync, type WriteStream } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** How a process is started and how one sees that it is ready. */
export interface ProcessOptions {
  /** Shown in error texts only. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of the tests; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A pattern in the output, or a question asked again and again until it is answered with true. */
  readonly ready: RegExp | (() => Promise<boolean>);
  /** 20 s when absent. */
  readonly readyTimeoutMs?: number;
  /** How long `stop` waits after its signal before it sends SIGKILL; 10 s when absent. */
  readonly stopTimeoutMs?: number;
  /** Standard output and error are also written here. */
  readonly logFile?: string;
}

/** A started process, ready for use. */
export interface RunningProcess {
  readonly pid: number;
  /** What it wrote so far on both outputs (the last 2 MB). */
  output(): string;
  /** Resolves with the exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Sends SIGTERM (or `signal`) to the process and all it started, SIGKILL after the limit; resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** SIGKILL, as a crash would look like; resolves when it is gone. */
  kill(): Promise<void>;
}

/** A directory of one test's server. */
export interface ScratchDir {
  readonly path: string;
  /** Removes it with all it holds; without it the end of the test process does. */
  remove(): void;
}

const OUTPUT_LIMIT = 2 * 1024 * 1024;
const POLL_MS = 25;

const givenPorts = new Set<number>();
const livingGroups = new Set<number>();
const scratchDirs = new Set<string>();
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
  installCleanUp();
  const path = mkdtempSync(join(tmpdir(), `cusax-${name}-`));
  scratchDirs.add(path);
  return {
    path,
    remove() {
      scratchDirs.delete(path);
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

/** For a program that handles signals itself, called before it starts anything: then only the end of the process ends what it started. */
export function leaveSignals(): void {
  endsOnSignals = false;
}

/** Starts a program and resolves when it is ready; rejects with its last output when it ends or stays unready. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  installCleanUp();
  // Its own process group, so that a wrapper script is ended together with what it started.
  const child = spawn(options.command, [...options.args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = await spawned(child, options.name);
  livingGroups.add(pid);
  const guard = startGuard(pid);
  const output = collectOutput(child, options.logFile);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      signalGroup(pid, 'SIGKILL'); // whatever a wrapper left behind
      guard.kill('SIGKILL');
      livingGroups.delete(pid);
      resolve(code);
    });
  });
  const running: RunningProcess = {
    pid,
    output,
    exited,
    async stop(signal = 'SIGTERM') {
      signalGroup(pid, signal);
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), options.stopTimeoutMs ?? 10_000);
      await exited;
      clearTimeout(timer);
    },
    async kill() {
      signalGroup(pid, 'SIGKILL');
      await exited;
    },
  };
  await untilReady(running, options);
  return running;
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${name} could not be started`, { cause })));
    child.once('spawn', () => resolve(child.pid as number));
  });
}

function collectOutput(child: ChildProcess, logFile: string | undefined): () => string {
  const file: WriteStream | undefined = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a' });
  let text = '';
  const add = (chunk: string): void => {
    text = (text + chunk).slice(-OUTPUT_LIMIT);
    file?.write(chunk);
  };
  child.stdout?.setEncoding('utf8').on('data', add);
  child.stderr?.setEncoding('utf8').on('data', add);
  child.once('close', () => file?.end());
  return () => text;
}

async function untilReady(running: RunningProcess, options: ProcessOptions): Promise<void> {
  const { ready, name } = options;
  const limit = options.readyTimeoutMs ?? 20_000;
  const deadline = Date.now() + limit;
  let ended = false;
  void running.exited.then(() => {
    ended = true;
  });
  const isReady = ready instanceof RegExp ? async () => ready.test(running.output()) : ready;
  while (!(await isReady())) {
    if (ended) throw new Error(`${name} ended before it was ready:\n${running.output().slice(-4000)}`);
    if (Date.now() > deadline) {
      await running.kill();
      throw new Error(`${name} was not ready within ${limit} ms:\n${running.output().slice(-4000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * A second, tiny process that ends the group when this process vanishes without a chance to clean up (SIGKILL by a
 * test runner, out of memory): its standard input then reaches its end.
 */
function startGuard(group: number): ChildProcess {
  const script = 'read -r line; kill -s KILL -- "-$1" 2>/dev/null';
  const guard = spawn('/bin/sh', ['-c', script, 'guard', String(group)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined); // a missing guard only costs the extra safety
  guard.unref();
  return guard;
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

function cleanUp(): void {
  for (const group of livingGroups) signalGroup(group, 'SIGKILL');
  livingGroups.clear();
  for (const path of scratchDirs) rmSync(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  scratchDirs.clear();
}
