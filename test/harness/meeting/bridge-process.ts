/** The bridge as its operator runs it: a process of its own, seen through its log, its HTTP interface and its command line. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startProcess } from '../servers/process.ts';
import type { RunningProcess } from '../servers/running-process.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAM = ['--import', 'tsx', 'src/service/main.ts'];

/** Which configuration it runs with, and what that says of its HTTP interface. */
export interface BridgeProcessOptions {
  readonly configFile: string;
  readonly httpPort: number;
  readonly token: string;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A line of its log. */
export interface LogLine {
  readonly level: string | number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** What it says of itself at `/health/ready`. */
export interface Readiness {
  readonly ready: boolean;
  readonly parts: ReadonlyArray<{ readonly part: string; readonly ready: boolean; readonly text: string }>;
}

/** An answer of the HTTP interface; `body` is parsed when it is JSON, else the text. */
export interface HttpAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of all forms
  readonly body: any;
}

/** How a command of the command line ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One instance of the bridge; starts any number of times, one after the other, with the same configuration. */
export class BridgeProcess {
  readonly configFile: string;
  readonly url: string;
  readonly token: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  #process: RunningProcess | null = null;
  #past = '';

  constructor(options: BridgeProcessOptions) {
    this.configFile = options.configFile;
    this.url = `http://127.0.0.1:${options.httpPort}`;
    this.token = options.token;
    this.#env = options.env ?? {};
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /**
   * Starts it and resolves when it says that it is ready, or with `until: 'live'` when it answers at all. Rejects with its
   * output when it ends before.
   */
  async start(options: { until?: 'ready' | 'live' } = {}): Promise<void> {
    if (this.#process !== null) throw new Error('the bridge runs already');
    const path = `/health/${options.until ?? 'ready'}`;
    const starting = startProcess({
      name: 'the bridge',
      command: process.execPath,
      args: [...PROGRAM, 'run', '--config', this.configFile],
      cwd: REPOSITORY,
      env: this.#env,
      readyTimeoutMs: 60_000,
      ready: async () => (await this.#get(path))?.status === 200,
    });
    const running = await starting;
    this.#process = running;
    void running.exited.then(() => this.#ended(running));
  }

  /** Ends it as a service manager does (SIGTERM) and gives its exit code; null when it had to be killed. */
  async stop(): Promise<number | null> {
    const running = this.#process;
    if (running === null) return null;
    await running.stop();
    this.#ended(running);
    return running.exited;
  }

  /** SIGKILL: a crash. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === null) return;
    await running.kill();
    this.#ended(running);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** All that it wrote, over all its starts. */
  output(): string {
    return this.#past + (this.#process?.output() ?? '');
  }

  /** The lines of its log, over all its starts. */
  logs(): LogLine[] {
    return this.output().split('\n').flatMap(readLogLine);
  }

  /** Null when nothing answers. */
  async readiness(): Promise<Readiness | null> {
    return (await this.#get('/health/ready'))?.body ?? null;
  }

  /** Waits until it is ready; rejects with what it says is missing. */
  async untilReady(limitMs = 30_000): Promise<void> {
    const end = Date.now() + limitMs;
    for (;;) {
      const readiness = await this.readiness();
      if (readiness?.ready === true) return;
      if (Date.now() > end) throw new Error(`the bridge is not ready: ${JSON.stringify(readiness)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The text of `/metrics`. */
  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }

  /** A request to the admin API, with the token; `path` begins with `/admin`. */
  async admin(method: 'GET' | 'POST', path: string, body?: object): Promise<HttpAnswer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: readBody(await response.text()) };
  }

  /** Runs the command line with these arguments and waits for its end. */
  cli(...args: string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [...PROGRAM, ...args],
        { cwd: REPOSITORY, env: { ...process.env, ...this.#env }, timeout: 60_000 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
          resolve({ code, stdout, stderr });
        },
      );
    });
  }

  async #get(path: string): Promise<HttpAnswer | null> {
    try {
      const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(5_000) });
      return { status: response.status, body: readBody(await response.text()) };
    } catch {
      return null; // nothing listens, or it died while answering
    }
  }

  #ended(running: RunningProcess): void {
    if (this.#process !== running) return;
    this.#past += running.output();
    this.#process = null;
  }
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readLogLine(line: string): LogLine[] {
  if (!line.startsWith('{')) return [];
  const value = readBody(line);
  return typeof value === 'object' && value !== null ? [value as LogLine] : [];
}
