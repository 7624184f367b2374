/** Where the servers of a test run: as processes of this machine, or elsewhere by the same command lines. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, runProgram, startProcess } from './process.ts';
import type { Files, ProcessOptions, RunningProcess } from './running-process.ts';

/** A place for servers. Whatever runs there listens on this machine's 127.0.0.1 and sees its files under the same paths. */
export interface Place {
  /** What to call a program by there, or null when it is not installed. */
  find(program: string): string | null;
  /** The directory that holds `ejabberd-<version>`, or null; further libraries may be in Erlang's own directory. */
  findErlangLibraries(): string | null;
  /** Starts a program and resolves when it is ready; rejects with its last output when it ends or stays unready. */
  start(options: ProcessOptions): Promise<RunningProcess>;
  /** Runs a program to its end; rejects with what it wrote when it fails. */
  run(command: string, args: readonly string[], files: Files): Promise<void>;
}

/** What is installed here, found on PATH. */
export const thisMachine: Place = {
  find: findExecutable,
  findErlangLibraries: () =>
    ['/usr/lib', ...subdirectories('/usr/lib'), '/usr/local/lib'].find((directory) =>
      subdirectories(directory).some(
        (entry) => /\/ejabberd-[\d.]+/.test(entry) && existsSync(join(entry, 'ebin/ejabberd.app')),
      ),
    ) ?? null,
  start: startProcess,
  run: runProgram,
};

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory).map((entry) => join(directory, entry));
  } catch {
    return []; // absent, unreadable, or no directory: nothing in it for us
  }
}
