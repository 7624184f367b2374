/** A server's process over several starts. */
import { describe, expect, it } from 'vitest';
import { startRestartable } from '../../harness/servers/restartable.ts';
import type { RunningProcess } from '../../harness/servers/running-process.ts';

/** A launcher of processes that note what becomes of them. */
function launcher(): { start: () => Promise<RunningProcess>; notes: string[] } {
  const notes: string[] = [];
  let starts = 0;
  const start = async (): Promise<RunningProcess> => {
    starts += 1;
    const pid = starts;
    const note = (what: string) => async () => void notes.push(`${what} ${pid}`);
    notes.push(`start ${pid}`);
    return {
      pid,
      output: () => `written by ${pid}`,
      exited: Promise.resolve(0),
      run: note('run'),
      stop: note('stop'),
      kill: note('kill'),
    };
  };
  return { start, notes };
}

describe('a restartable process', () => {
  it('is ended before it is started again', async () => {
    const { start, notes } = launcher();
    const server = await startRestartable(start);
    await server.restart();
    expect(notes).toEqual(['start 1', 'stop 1', 'start 2']);
  });

  it('is, after a restart, the one that is asked, killed and shut down', async () => {
    const { start, notes } = launcher();
    const { current, log, kill, shutDown, restart } = await startRestartable(start);
    await kill();
    await restart();
    await shutDown();
    expect(current().pid).toBe(2);
    expect(log()).toBe('written by 2');
    expect(notes).toEqual(['start 1', 'kill 1', 'stop 1', 'start 2', 'stop 2']);
  });
});
