/** A FreeSWITCH for one test, with the configuration file that we ship, on free ports of 127.0.0.1. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, copyFileSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Place, thisMachine } from './place.ts';
import { findExecutable, freePort, scratchDir } from './process.ts';
import { startRestartable } from './restartable.ts';

const CONFIG = fileURLToPath(new URL('../../../deploy/freeswitch/freeswitch.xml', import.meta.url));
const RTP_PORTS = 400;

/** A running FreeSWITCH; after `kill` or `restart` its ports and its password stay the same. */
export interface FreeswitchServer {
  /** host:port that takes calls. */
  readonly sip: string;
  readonly sipPort: number;
  readonly eventPort: number;
  readonly password: string;
  readonly pid: number;
  /** What it wrote since its last start. */
  log(): string;
  /** SIGKILL: what the bridge sees of a crash. */
  kill(): Promise<void>;
  /** Starts it again on the same ports, ending it first when it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** A command on the event socket, over a connection of its own; resolves with the answer's text. */
  api(command: string): Promise<string>;
}

export interface FreeswitchOptions {
  /** `warning` when absent. */
  readonly loglevel?: 'err' | 'warning' | 'notice' | 'info' | 'debug';
}

/** Where FreeSWITCH is (`FREESWITCH_HOME`, or `freeswitch` on PATH), or null when this machine has none. */
export function findFreeswitch(): { readonly bin: string; readonly home: string } | null {
  const home = process.env.FREESWITCH_HOME;
  const bin = home ? join(home, 'bin', 'freeswitch') : findExecutable('freeswitch');
  if (bin === null) return null;
  try {
    accessSync(bin, constants.X_OK);
    return { bin, home: dirname(dirname(bin)) };
  } catch {
    return null;
  }
}

/** Starts FreeSWITCH; throws when there is none (ask `findFreeswitch` first). Ready when its SIP profile runs. */
export async function startFreeswitch(
  options: FreeswitchOptions = {},
  place: Place = thisMachine,
): Promise<FreeswitchServer> {
  const found = findFreeswitch();
  if (found === null) throw new Error('FreeSWITCH is not installed');
  const [sipPort, eventPort] = [await freePort(), await freePort()];
  const password = randomBytes(12).toString('hex');
  const scratch = scratchDir('freeswitch');
  const directories = ['conf', 'log', 'db', 'run'].map((name) => join(scratch.path, name));
  for (const directory of directories) mkdirSync(directory);
  const [conf, logs, db, run] = directories as [string, string, string, string];
  copyFileSync(CONFIG, join(conf, 'freeswitch.xml'));
  // Below the ports that `freePort` gives out.
  const rtpStart = 10_000 + 2 * Math.floor(Math.random() * ((20_000 - 10_000 - RTP_PORTS) / 2));
  const api = (command: string): Promise<string> => ask(eventPort, password, command);
  const { current, log, kill, restart } = await startRestartable(() =>
    place.start({
      name: 'freeswitch',
      command: found.bin,
      files: { reads: [found.home], writes: [scratch.path] },
      args: ['-np', '-nf', '-nonat', '-c', '-conf', conf, '-log', logs, '-db', db, '-run', run],
      env: {
        FREESWITCH_PASSWORD: password,
        FREESWITCH_EVENT_PORT: String(eventPort),
        FREESWITCH_SIP_PORT: String(sipPort),
        FREESWITCH_RTP_START: String(rtpStart),
        FREESWITCH_RTP_END: String(rtpStart + RTP_PORTS - 1),
        FREESWITCH_LOG_LEVEL: options.loglevel ?? 'warning',
      },
      readyTimeoutMs: 60_000, // seconds on a free machine, much more beside a compiler
      ready: async () => /drachtio_mrf\s+profile.*RUNNING/.test(await api('sofia status').catch(() => '')),
    }),
  );
  return {
    sip: `127.0.0.1:${sipPort}`,
    sipPort,
    eventPort,
    password,
    get pid() {
      return current().pid;
    },
    log,
    kill,
    restart,
    async stop() {
      await kill(); // its own way out takes seconds and leaves nothing of worth
      scratch.remove();
    },
    api,
  };
}

/** One command of the event socket's protocol: greeting, auth, answer with Content-Length. */
function ask(port: number, password: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const fail = (): void => {
      socket.destroy();
      reject(new Error('the event socket gave no answer'));
    };
    socket.setEncoding('utf8').setTimeout(3000, fail);
    socket.once('error', fail).once('close', fail);
    socket.once('connect', () => socket.write(`auth ${password}\n\napi ${command}\n\n`));
    socket.on('data', (data) => {
      heard += String(data);
      const answer = /Content-Type: api\/response\nContent-Length: (\d+)\n\n/.exec(heard);
      if (answer === null) return;
      const body = heard.slice(answer.index + answer[0].length);
      if (Buffer.byteLength(body) < Number(answer[1])) return;
      resolve(body.trim());
      socket.destroy();
    });
  });
}
