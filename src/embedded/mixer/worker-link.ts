/** The main thread's hold on the mixer's worker thread: orders with a time limit, a watch over its life, and a fresh one when it dies. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BridgeError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { LegReport, WorkerMessage, WorkerOrder, WorkerOrders, WorkerSettings } from './worker-protocol.ts';

const orderLimit = 5_000;
const startLimit = 20_000;
const watchEvery = 5_000;
const firstRestart = 100;
const longestRestart = 5_000;
/** A worker that lived this long has earned a quick restart. */
const proven = 60_000;

/** What a worker link needs. */
export interface WorkerLinkSettings {
  readonly worker: WorkerSettings;
  readonly log: Logger;
  readonly onReport: (report: LegReport) => void;
  readonly onUp: () => void;
  /** The worker is gone with all its legs. */
  readonly onDown: () => void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: BridgeError) => void;
  readonly timer: NodeJS.Timeout;
}

/** The worker file stands beside this one and is compiled with it; run from source, the thread must first register the TypeScript loader. */
function startWorker(workerData: WorkerSettings): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./worker.js', import.meta.url), { workerData });
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api')).href;
  const entry = new URL('./worker.ts', import.meta.url).href;
  const script = `import('${loader}').then(({ register }) => { register(); return import('${entry}'); })`;
  return new Worker(script, { workerData, eval: true, execArgv: [] });
}

/** Starts, watches and restarts the worker. */
export class WorkerLink {
  readonly #settings: WorkerLinkSettings;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #ready = false;
  #stopped = true;
  #lastId = 0;
  #bornAt = 0;
  #restartDelay = firstRestart;
  #restart: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(settings: WorkerLinkSettings) {
    this.#settings = settings;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Starts the worker and waits until it can take orders. */
  async start(): Promise<void> {
    if (!this.#stopped) return;
    this.#stopped = false;
    const worker = this.#launch();
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => fail(), startLimit);
      const fail = (): void => {
        clearTimeout(limit);
        reject(new BridgeError('MIXER_UNAVAILABLE', 'The embedded mixer did not start.'));
      };
      worker.once('exit', fail);
      worker.on('message', (message: WorkerMessage) => {
        if (message.kind !== 'ready') return;
        clearTimeout(limit);
        worker.off('exit', fail);
        resolve();
      });
    }).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    this.#watch = setInterval(() => void this.#look(), watchEvery);
    this.#watch.unref();
  }

  /** Ends the worker for good; open orders are rejected. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ready = false;
    clearTimeout(this.#restart);
    clearInterval(this.#watch);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#rejectAll();
    await worker?.terminate();
  }

  /** Gives an order; rejects with MIXER_UNAVAILABLE (no worker, no reply in time) or MIXER_REFUSED. */
  request<K extends keyof WorkerOrders>(kind: K, fields: WorkerOrders[K]['order']): Promise<WorkerOrders[K]['result']> {
    const worker = this.#worker;
    if (worker === undefined || !this.#ready) return Promise.reject(unavailable());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // When this thread was the slow one, the reply is already waiting behind this timer.
        setImmediate(() => this.#take(id)?.reject(unavailable()));
      }, orderLimit);
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject, timer });
      worker.postMessage({ id, order: { kind, ...fields } as WorkerOrder });
    });
  }

  #launch(): Worker {
    const worker = startWorker(this.#settings.worker);
    this.#worker = worker;
    this.#bornAt = performance.now();
    worker.on('message', (message: WorkerMessage) => this.#hear(worker, message));
    worker.on('error', (err) => this.#settings.log.error({ err }, 'the mixer thread failed'));
    worker.on('exit', () => this.#gone(worker));
    return worker;
  }

  #hear(worker: Worker, message: WorkerMessage): void {
    if (worker !== this.#worker) return;
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        this.#settings.onUp();
        break;
      case 'report':
        this.#settings.onReport(message.report);
        break;
      case 'done':
        this.#take(message.id)?.resolve(message.result);
        break;
      case 'refused':
        this.#take(message.id)?.reject(
          new BridgeError('MIXER_REFUSED', `The embedded mixer refused: ${message.reason}.`),
        );
        break;
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #rejectAll(): void {
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(unavailable());
  }

  #gone(worker: Worker): void {
    if (worker !== this.#worker || this.#stopped) return;
    this.#worker = undefined;
    const wasReady = this.#ready;
    this.#ready = false;
    this.#rejectAll();
    if (performance.now() - this.#bornAt > proven) this.#restartDelay = firstRestart;
    this.#settings.log.error({ restartInMs: this.#restartDelay }, 'the mixer thread is gone and will be restarted');
    this.#restart = setTimeout(() => this.#launch(), this.#restartDelay);
    this.#restartDelay = Math.min(longestRestart, this.#restartDelay * 2);
    if (wasReady) this.#settings.onDown();
  }

  /** A thread that answers nothing is ended; its end is handled like any other. */
  async #look(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined || !this.#ready) return;
    try {
      await this.request('health', {});
    } catch {
      if (worker !== this.#worker) return;
      this.#settings.log.error({}, 'the mixer thread does not answer and is ended');
      await worker.terminate();
    }
  }
}

function unavailable(): BridgeError {
  return new BridgeError('MIXER_UNAVAILABLE', 'The embedded mixer does not answer.');
}
