/** A drachtio-server for one test, with the configuration file that we ship, on free ports of 127.0.0.1. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Place, thisMachine } from './place.ts';
import { findExecutable, freePort, scratchDir } from './process.ts';
import { startRestartable } from './restartable.ts';

const CONFIG = fileURLToPath(new URL('../../../deploy/drachtio/drachtio.conf.xml', import.meta.url));

/** A running drachtio-server; after `kill` or `restart` its ports and its secret stay the same. */
export interface DrachtioServer {
  /** Where phones call: UDP and TCP. */
  readonly sipPort: number;
  /** Where applications connect, with the secret. */
  readonly adminPort: number;
  readonly secret: string;
  readonly pid: number;
  /** What it wrote since its last start. */
  log(): string;
  /** SIGKILL: what applications see of a crash. */
  kill(): Promise<void>;
  /** Starts it again on the same ports, ending it first when it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface DrachtioOptions {
  /** `notice` when absent; `info` shows every SIP message. */
  readonly loglevel?: 'error' | 'warn' | 'notice' | 'info' | 'debug';
  readonly sipPort?: number;
}

/** Path of drachtio-server (`DRACHTIO_BIN`, or `drachtio` on PATH), or null when this machine has none. */
export function findDrachtio(): string | null {
  return process.env.DRACHTIO_BIN || findExecutable('drachtio');
}

/** Starts drachtio-server; throws when there is none (ask `findDrachtio` first). Ready when an application could log in. */
export async function startDrachtio(
  options: DrachtioOptions = {},
  place: Place = thisMachine,
): Promise<DrachtioServer> {
  const command = findDrachtio();
  if (command === null) throw new Error('drachtio-server is not installed');
  const sipPort = options.sipPort ?? (await freePort());
  const adminPort = await freePort();
  const secret = randomBytes(12).toString('hex');
  const scratch = scratchDir('drachtio');
  const { current, log, kill, restart, shutDown } = await startRestartable(() =>
    place.start({
      name: 'drachtio-server',
      command,
      args: [
        ...['--file', CONFIG, '--stdout', '--loglevel', options.loglevel ?? 'notice'],
        ...['--port', String(adminPort), '--contact', `sip:127.0.0.1:${sipPort};transport=udp,tcp`],
      ],
      cwd: scratch.path,
      files: { reads: [command, CONFIG], writes: [scratch.path] },
      env: { DRACHTIO_SECRET: secret, DRACHTIO_ADMIN_ADDRESS: '127.0.0.1' },
      // The admin port opens before the SIP ports are bound, so that it alone says nothing.
      ready: () => authenticates(adminPort, secret),
    }),
  );
  return {
    sipPort,
    adminPort,
    secret,
    get pid() {
      return current().pid;
    },
    log,
    kill,
    restart,
    async stop() {
      await shutDown();
      scratch.remove();
    },
  };
}

/** Logs in as an application does: frames are `length#text`, the answer `OK` names the addresses for calls. */
function authenticates(port: number, secret: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const settle = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, settle(false));
    socket.once('error', settle(false));
    socket.once('close', settle(false));
    socket.once('connect', () => {
      const text = `readiness|authenticate|${secret}|`;
      socket.write(`${text.length}#${text}`);
    });
    socket.on('data', (data) => {
      heard += String(data);
      if (heard.includes('|OK|')) settle(/\|OK\|.*(udp|tcp)\//.test(heard))();
    });
  });
}
