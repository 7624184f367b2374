/** A nats-server with JetStream for one test, on a free port of 127.0.0.1. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findExecutable, freePort, type RunningProcess, scratchDir, startProcess } from './process.ts';

/** A running nats-server; after `kill` or `restart` its address stays the same. */
export interface NatsServer {
  /** `nats://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** SIGKILL: what clients see of a crash. The store stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same store, ending it first when it runs. */
  restart(): Promise<void>;
  /** Ends it and removes its store, unless the store directory was given. */
  stop(): Promise<void>;
  /** What the server wrote since its last start. */
  log(): string;
}

/** Path of nats-server, or null when this machine has none. */
export function findNats(): string | null {
  return findExecutable('nats-server');
}

/**
 * Starts nats-server; throws when there is none (ask `findNats` first).
 * @param options.storeDir keeps the streams there beyond `stop`; without it a directory of its own is used and removed
 */
export async function startNats(options: { storeDir?: string; port?: number } = {}): Promise<NatsServer> {
  const command = findNats();
  if (command === null) throw new Error('nats-server is not installed');
  const port = options.port ?? (await freePort());
  const scratch = scratchDir('nats');
  const config = join(scratch.path, 'nats.conf');
  writeFileSync(config, configuration(port, options.storeDir ?? join(scratch.path, 'store')));
  const start = (): Promise<RunningProcess> =>
    startProcess({ name: 'nats-server', command, args: ['-c', config], ready: () => greets(port) });

  let server = await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    log: () => server.output(),
    kill: () => server.kill(),
    async restart() {
      await server.stop();
      server = await start();
    },
    async stop() {
      await server.stop();
      scratch.remove();
    },
  };
}

function configuration(port: number, storeDir: string): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(storeDir)}, max_memory_store: 64MB, max_file_store: 256MB }`,
    '',
  ].join('\n');
}

/** The server greets with an INFO line as soon as it serves; JetStream is up before the port opens. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, settle(false));
    socket.once('data', settle(true));
    socket.once('error', settle(false));
  });
}
