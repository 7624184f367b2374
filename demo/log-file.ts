/** Where the bridge of a demo logs: a file for each demo that runs, which is there to be read after the demo has ended. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../.tmp/demo', import.meta.url));

/** Path of a file for this process. Those of demos that have ended go. */
export function newLogFile(): string {
  mkdirSync(directory, { recursive: true });
  for (const file of readdirSync(directory)) {
    const owner = /^bridge-(\d+)\.log$/.exec(file)?.[1];
    if (owner !== undefined && !runs(Number(owner))) rmSync(join(directory, file), { force: true });
  }
  return join(directory, `bridge-${process.pid}.log`);
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it is somebody else's
  }
}
