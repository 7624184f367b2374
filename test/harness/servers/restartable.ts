/** A server's process over its whole life: killed as by a crash, and started again with the same ports and data. */
import type { RunningProcess } from './running-process.ts';

/** What every launcher offers; usable apart from the object. */
export interface Restartable {
  /** Its latest start. */
  current(): RunningProcess;
  /** What it wrote since its last start. */
  log(): string;
  /** SIGKILL: what others see of a crash. */
  kill(): Promise<void>;
  /** Ends it as an operator would. */
  shutDown(): Promise<void>;
  /** Starts it again, ending it as an operator would first when it runs. */
  restart(): Promise<void>;
}

/** Starts a process that `start` can start again at any time. */
export async function startRestartable(start: () => Promise<RunningProcess>): Promise<Restartable> {
  let process = await start();
  return {
    current: () => process,
    log: () => process.output(),
    kill: () => process.kill(),
    shutDown: () => process.stop(),
    async restart() {
      await process.stop();
      process = await start();
    },
  };
}
