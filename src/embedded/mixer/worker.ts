/** Entry point of the mixer's worker thread: hands orders to the engine and its reports back. */
import { parentPort, workerData } from 'node:worker_threads';
import { MixerEngine } from './engine.ts';
import type { WorkerMessage, WorkerRequest, WorkerSettings } from './worker-protocol.ts';

const port = parentPort;
if (port === null) throw new Error('This file runs in a worker thread only.');

function say(message: WorkerMessage): void {
  port?.postMessage(message);
}

const engine = new MixerEngine(workerData as WorkerSettings, (report) => say({ kind: 'report', report }));

async function carryOut({ id, order }: WorkerRequest): Promise<void> {
  const outcome = await engine.obey(order);
  if ('refused' in outcome) say({ kind: 'refused', id, reason: outcome.refused });
  else say({ kind: 'done', id, result: outcome.result });
}

// A failure in here ends the thread on purpose (unhandled): the main thread then fails the legs and starts a fresh one.
port.on('message', (request: WorkerRequest) => void carryOut(request));
engine.start();
say({ kind: 'ready' });
