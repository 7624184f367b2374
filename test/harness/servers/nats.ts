/** A nats-server with JetStream for one test, on a free port of 127.0.0.1. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Place, thisMachine } from './place.ts';
import { freePort, scratchDir } from './process.ts';
import { startRestartable } from './restartable.ts';

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

/** What nats-server is called by, or null when there is none. */
export function findNats(place: Place = thisMachine): string | null {
  return place.find('nats-server');
}

/**
 * Starts nats-server; throws when there is none (ask `findNats` first).
 * @param options.storeDir keeps the streams there beyond `stop`; without it a directory of its own is used and removed
 */
export async function startNats(
  options: { storeDir?: string; port?: number } = {},
  place: Place = thisMachine,
): Promise<NatsServer> {
  const command = findNats(place);
  if (command === null) throw new Error('nats-server is not installed');
  const port = options.port ?? (await freePort());
  const scratch = scratchDir('nats');
  const config = join(scratch.path, 'nats.conf');
  const storeDir = options.storeDir ?? join(scratch.path, 'store');
  writeFileSync(config, configuration(port, storeDir));
  const files = { writes: [scratch.path, ...(options.storeDir === undefined ? [] : [storeDir])] };
  const { log, kill, restart, shutDown } = await startRestartable(() =>
    place.start({ name: 'nats-server', command, args: ['-c', config], files, ready: () => greets(port) }),
  );
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    log,
    kill,
    restart,
    async stop() {
      await shutDown();
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
