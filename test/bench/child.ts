/** A helper process of a benchmark, with typed messages both ways: load and floors run apart, so that their CPU is not counted as ours. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Everything that goes between the processes has a kind. */
interface Message {
  readonly kind: string;
}

/** The parent's end. `Orders` go down, `Reports` come up. */
export class Child<Orders extends Message, Reports extends Message> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, { resolve: (report: Reports) => void; reject: (error: Error) => void }>();

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.on('message', (report: Reports) => {
      this.#waiting.get(report.kind)?.resolve(report);
      this.#waiting.delete(report.kind);
    });
    child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a helper process ended with ${code}`));
    });
  }

  /** Starts the process and waits until it is there. With BENCH_PROFILE set to a folder it leaves a CPU profile there. */
  static async start<O extends Message, R extends Message>(file: URL): Promise<Child<O, R>> {
    const folder = process.env['BENCH_PROFILE'];
    const profile = folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
    const execArgv = [...process.execArgv, ...profile];
    const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv });
    await once(child, 'spawn');
    return new Child<O, R>(child);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Sends an order and waits for the report of this kind. */
  ask<K extends Reports['kind']>(order: Orders, kind: K): Promise<Extract<Reports, { kind: K }>> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(kind, { resolve: (report) => resolve(report as Extract<Reports, { kind: K }>), reject });
      this.#process.send(order);
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }
}

/** The child's end: answers each order with a report, and ends when the parent has gone. */
export function serve<Orders extends Message, Reports extends Message>(
  handler: (order: Orders) => Promise<Reports> | Reports,
): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order: Orders) => {
    void Promise.resolve(handler(order)).then(
      (report) => process.send?.(report),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
