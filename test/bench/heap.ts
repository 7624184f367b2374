/** Memory in the benchmarks: of this process after garbage collection, of another one as the kernel counts it. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pause } from './measure.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes in use after everything that is garbage has been collected, buffers outside of the heap included. */
export async function heapNow(): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) {
    collect();
    await pause(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Proportional set size of a process in bytes: what it shares is divided among those who share it. */
export function residentOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
