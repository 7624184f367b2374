/** Linphone's daemon, a SIP phone of others, without sound hardware: registers, calls, plays a tone, and follows conferences by their state. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { waveOf } from './baresip-set-up.ts';
import { findExecutable, freePort, type ScratchDir, scratchDir, startProcess } from './servers/process.ts';
import type { RunningProcess } from './servers/running-process.ts';
import type { SippMessage } from './sipp.ts';

/** Whose phone it is, and where it registers and calls. */
export interface LinphoneOptions {
  /** Registrar and proxy, by UDP. Without a registration it subscribes to nothing. */
  readonly server: { readonly host: string; readonly port: number };
  readonly aor: string;
  readonly credentials: { readonly username: string; readonly password: string; readonly realm: string };
  /** Hz of what it plays. */
  readonly tone: number;
}

const limitMs = 20_000;
const pollMs = 50;

/** Why it cannot be used here; null when it can. */
export const linphoneLacks = (): string | null =>
  findExecutable('linphone-daemon') === null ? 'linphone-daemon is not on PATH' : null;

export class Linphone {
  readonly #options: LinphoneOptions;
  readonly #scratch: ScratchDir;
  readonly #process: RunningProcess;
  readonly #control: Socket;
  #lastOrder: Promise<unknown> = Promise.resolve();

  private constructor(options: LinphoneOptions, scratch: ScratchDir, process: RunningProcess, control: Socket) {
    this.#options = options;
    this.#scratch = scratch;
    this.#process = process;
    this.#control = control;
  }

  /** Starts one and resolves when it is registered. Throws when it is not installed. */
  static async start(options: LinphoneOptions): Promise<Linphone> {
    const command = findExecutable('linphone-daemon');
    if (command === null) throw new Error('linphone-daemon is not on PATH');
    const scratch = scratchDir('linphone');
    const file = (name: string): string => join(scratch.path, name);
    // without its folder for a database the core does not come up
    for (const folder of ['.local/share/linphone', '.config/linphone']) mkdirSync(file(folder), { recursive: true });
    writeFileSync(file('linphonerc'), await configuration(options));
    writeFileSync(file('tone.wav'), waveOf(options.tone));
    let control: Socket | null = null;
    const process = await startProcess({
      name: 'linphone-daemon',
      command,
      args: [
        ...['--config', file('linphonerc'), '--log', file('log'), '--disable-stats-events'],
        // it takes a name under the system's temporary directory
        ...['--pipe', relative(tmpdir(), file('control'))],
      ],
      cwd: scratch.path,
      // sound of the machine is out of its reach: it then plays and records files
      env: {
        HOME: scratch.path,
        XDG_RUNTIME_DIR: scratch.path,
        ALSA_CONFIG_PATH: '/dev/null',
        PULSE_SERVER: '127.0.0.1:9',
      },
      ready: async () => {
        control = await connected(file('control'));
        return control !== null;
      },
    });
    const phone = new Linphone(options, scratch, process, control!);
    await phone.#order('ipv6 disable');
    await phone.#poll('a registration', async () =>
      (await phone.#order('register-status ALL')).includes('RegistrationOk'),
    );
    return phone;
  }

  /** Calls and resolves when the call is up; it plays its tone from then on. Rejects when it is refused. */
  async dial(uri: string): Promise<void> {
    const before = this.log().length;
    await this.#order(`call ${uri}`);
    await this.#poll('a call that is up', async () => {
      const since = this.log().slice(before);
      if (since.includes('to LinphoneCallError'))
        throw new Error(`the call was refused: ${lastRefusal(this.messages())}`);
      return since.includes('to LinphoneCallStreamsRunning');
    });
    await this.#order(`incall-player-start ${join(this.#scratch.path, 'tone.wav')}`);
  }

  /** Ends the call. */
  async hangUp(): Promise<void> {
    await this.#order('terminate');
  }

  /** All that it logged: SIP messages, and what its parts do. */
  log(): string {
    try {
      return readFileSync(join(this.#scratch.path, 'log'), 'utf8');
    } catch {
      return ''; // not begun yet
    }
  }

  /** Waits until something stands in its log; the limit is for tests that fail. */
  async until(what: RegExp, described: string): Promise<void> {
    await this.#poll(described, async () => what.test(this.log()));
  }

  /** The SIP messages so far, as far as they came and went as one piece. */
  messages(): readonly SippMessage[] {
    const entries = this.log().split(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3} /m);
    return entries.flatMap((entry) => {
      const [first = '', ...rest] = entry.split(/\r?\n/);
      const sent = first.includes('message sent to');
      if (!sent && !/received \[\d+\] new bytes/.test(first)) return [];
      return [{ direction: sent ? 'sent' : 'received', text: rest.join('\n').trim() } as const];
    });
  }

  /** What it says in its log of documents that it could not follow. */
  complaints(): readonly string[] {
    const complaint =
      /Error while parsing|Requesting full state|is waiting a full state|Ignoring conference notify|removed but not in the list/;
    return this.log()
      .split('\n')
      .filter((line) => complaint.test(line));
  }

  /** Ends it, as a person does who closes the program. */
  async stop(): Promise<void> {
    await this.#order('quit').catch(() => undefined); // it may be gone
    this.#control.destroy();
    await this.#process.stop();
    this.#scratch.remove();
  }

  /** One order at a time: nothing in an answer says what it answers. */
  #order(command: string): Promise<string> {
    const answer = this.#lastOrder.then(() => ask(this.#control, command));
    this.#lastOrder = answer.catch(() => undefined);
    return answer;
  }

  async #poll(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + limitMs;
    while (!(await holds())) {
      if (Date.now() > end)
        throw new Error(`linphone of ${this.#options.aor} waits for ${what}:\n${this.#lastLines()}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Of its log; media are left out, of which it has much to say. */
  #lastLines(): string {
    const lines = this.log().split('\n');
    return lines
      .filter((line) => !/mediastreamer|ortp/.test(line))
      .slice(-80)
      .join('\n');
  }
}

/** The start line of the last final answer that was none of success and no challenge. */
const lastRefusal = (messages: readonly SippMessage[]): string =>
  messages.findLast(({ text }) => /^SIP\/2\.0 ([3-6])(?!01|07)/.test(text))?.text.split('\n')[0] ?? 'no answer';

/** The socket that it takes orders from, or null when there is none yet. */
function connected(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setEncoding('utf8');
    socket.once('error', () => resolve(null));
    socket.once('connect', () => resolve(socket));
  });
}

/** Gives it a command and resolves with the answer; rejects for one that says `Status: Error`, and when none comes. */
function ask(control: Socket, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (step: () => void) => () => {
      clearTimeout(timer);
      control.removeAllListeners('data').removeAllListeners('close');
      step();
    };
    const fail = (why: string) => settle(() => reject(new Error(`linphone-daemon, "${command}": ${why}`)));
    const timer = setTimeout(fail('no answer'), limitMs);
    control.once('close', fail('it has ended'));
    control.once('data', (answer: string) => {
      (answer.startsWith('Status: Error') ? fail(answer.trim()) : settle(() => resolve(answer)))();
    });
    if (control.destroyed) fail('it has ended')();
    else control.write(`${command}\n`);
  });
}

/** Its configuration: one account, loopback only, and the state of conferences wanted. */
async function configuration({ server, aor, credentials }: LinphoneOptions): Promise<string> {
  const proxy = `<sip:${server.host}:${server.port};transport=udp`;
  const media = 20_000 + 2 * Math.floor((await freePort()) / 4);
  const sections: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
    sip: {
      bind_address: '127.0.0.1',
      // -1: the kernel chooses a port
      ...{ sip_port: -1, sip_tcp_port: -1, sip_tls_port: 0 },
      ...{
        use_ipv6: 0,
        ipv6_migration_done: 1,
        guess_hostname: 0,
        default_proxy: 0,
        register_only_when_network_is_up: 0,
      },
      contact: `<${aor}>`,
    },
    proxy_0: {
      reg_proxy: `${proxy}>`,
      reg_route: `${proxy};lr>`,
      reg_identity: `<${aor}>`,
      ...{ reg_expires: 600, reg_sendregister: 1, publish: 0 },
    },
    auth_info_0: {
      username: credentials.username,
      userid: credentials.username,
      passwd: credentials.password,
      ...{ realm: credentials.realm, domain: credentials.realm },
    },
    net: { firewall_policy: 0, dns_srv_enabled: 0, dns_search_enabled: 0 },
    rtp: { audio_rtp_port: `${media}-${media + 40}` },
    misc: { conference_event_log_enabled: 1 },
  };
  const lines = Object.entries(sections).map(([name, keys]) =>
    [`[${name}]`, ...Object.entries(keys).map(([key, value]) => `${key}=${value}`), ''].join('\n'),
  );
  return lines.join('\n');
}
