/** A started program as the tests see it, wherever it runs: how it is started, when it is ready, what it wrote, how it ends. */
import { createWriteStream } from 'node:fs';

/** How a process is started and how one sees that it is ready. */
export interface ProcessOptions {
  /** Shown in error texts, and part of a container's name. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of the tests; `undefined` takes a variable away. A container has no other environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A pattern in the output, or a question asked again and again until it is answered with true. */
  readonly ready: RegExp | (() => Promise<boolean>);
  /** 20 s when absent. */
  readonly readyTimeoutMs?: number;
  /** How long `stop` waits after its signal before it sends SIGKILL; 10 s when absent. */
  readonly stopTimeoutMs?: number;
  /** Standard output and error are also written here. */
  readonly logFile?: string;
  /** What is mounted where it runs in a container. */
  readonly files?: Files;
}

/** Files and directories of this machine, by their full paths, that a program uses beside its own installation. */
export interface Files {
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
}

/** A started process, ready for use. */
export interface RunningProcess {
  readonly pid: number;
  /** What it wrote so far on both outputs (the last 2 MB). */
  output(): string;
  /** Resolves with the exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Runs another program beside it, in the same surroundings, to its end; rejects with what that wrote when it fails. */
  run(command: string, args: readonly string[]): Promise<void>;
  /** Sends SIGTERM (or `signal`) to the process and all it started, SIGKILL after the limit; resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** SIGKILL, as a crash would look like; resolves when it is gone. */
  kill(): Promise<void>;
}

/** The means to end a process: sends a signal, or does nothing when it is gone already. */
export type Signaller = (signal: NodeJS.Signals) => void | Promise<void>;

const OUTPUT_LIMIT = 2 * 1024 * 1024;
const POLL_MS = 25;

/** `stop` and `kill` of a process, by its signals and its end. */
export function endsBy(
  signal: Signaller,
  exited: Promise<number | null>,
  stopTimeoutMs = 10_000,
): Pick<RunningProcess, 'stop' | 'kill'> {
  return {
    async stop(first = 'SIGTERM') {
      await signal(first);
      const timer = setTimeout(() => signal('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
    async kill() {
      await signal('SIGKILL');
      await exited;
    },
  };
}

/** What a process wrote. */
export interface Output {
  add(chunk: string): void;
  /** The last 2 MB. */
  text(): string;
  /** No more comes. */
  end(): void;
}

/** Keeps what a process writes, and appends it to `logFile` if there is one. */
export function collectOutput(logFile?: string): Output {
  const file = logFile === undefined ? null : createWriteStream(logFile, { flags: 'a' });
  let text = '';
  return {
    add(chunk) {
      text = (text + chunk).slice(-OUTPUT_LIMIT);
      file?.write(chunk);
    },
    text: () => text,
    end: () => file?.end(),
  };
}

/** Resolves when a started process is ready; rejects with its last output when it ends before, or stays unready and is then killed. */
export async function untilReady(running: RunningProcess, options: ProcessOptions): Promise<void> {
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
