/** baresip, a SIP phone of others, without sound hardware: plays a tone, records what it hears, and does what it is told over ctrl_tcp. */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import {
  account,
  type BaresipOptions,
  baresipLacks,
  configuration,
  headerLength,
  modulesFolder,
  waveOf,
} from './baresip-set-up.ts';
import { findExecutable, freePort, type ScratchDir, scratchDir, startProcess } from './servers/process.ts';
import type { RunningProcess } from './servers/running-process.ts';
import { Hearing } from './sip/hearing.ts';

/** What baresip tells of itself. */
interface BaresipEvent {
  /** `CALL_ESTABLISHED`, `CALL_CLOSED`, ... */
  readonly type: string;
  /** A reason, where there is one: `480 Temporarily Unavailable`, for instance. */
  readonly param?: string;
}

interface Answer {
  readonly ok: boolean;
  readonly data?: string;
}

const pollMs = 40;

/** A running baresip with one account. */
export class Baresip {
  readonly events: BaresipEvent[] = [];
  readonly #process: RunningProcess;
  readonly #scratch: ScratchDir;
  readonly #control: Socket;
  readonly #answers = new Map<string, (answer: Answer) => void>();
  readonly #hearing = new Hearing();
  readonly #recordings = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #wake: (() => void)[] = [];
  #unread = Buffer.alloc(0);
  #asked = 0;
  #seen = 0;
  #muted = false;

  private constructor(process: RunningProcess, scratch: ScratchDir, control: Socket) {
    this.#process = process;
    this.#scratch = scratch;
    this.#control = control;
    control.on('data', (data) => this.#read(data));
    control.on('error', () => undefined);
    this.#timer = setInterval(() => this.#listen(), pollMs);
  }

  /** Starts it on free ports of 127.0.0.1 and waits until it takes orders. */
  static async start(options: BaresipOptions): Promise<Baresip> {
    const lacking = baresipLacks();
    const modules = modulesFolder();
    if (lacking !== null || modules === null) throw new Error(lacking ?? 'no modules');
    const scratch = scratchDir('baresip');
    const controlPort = await freePort();
    mkdirSync(join(scratch.path, 'heard'));
    writeFileSync(join(scratch.path, 'config'), await configuration(scratch.path, modules, controlPort));
    writeFileSync(join(scratch.path, 'accounts'), `${account(options)}\n`);
    writeFileSync(join(scratch.path, 'tone.wav'), waveOf(options.tone ?? 440));
    const running = await startProcess({
      name: 'baresip',
      command: findExecutable('baresip') ?? 'baresip',
      args: ['-f', scratch.path, '-v', '-s'],
      cwd: dirname(scratch.path),
      env: { HOME: scratch.path },
      ready: /baresip is ready/,
    });
    const control = connect({ host: '127.0.0.1', port: controlPort, noDelay: true });
    await new Promise<void>((resolve, reject) => control.once('connect', resolve).once('error', reject));
    return new Baresip(running, scratch, control);
  }

  /** Calls, and resolves when the call is up; rejects when it is refused, with the answer. */
  async dial(uri: string): Promise<void> {
    await this.#order('dial', uri);
    const event = await this.waitFor(['CALL_ESTABLISHED', 'CALL_CLOSED']);
    if (event.type === 'CALL_CLOSED') throw new Error(`the call was refused: ${event.param ?? 'no reason given'}`);
  }

  /** Ends the call with BYE. */
  hangUp(): Promise<void> {
    return this.#order('hangup');
  }

  /** Mutes its microphone or, with false, lets it sound again: it sends silence and signals nothing. */
  async mute(muted = true): Promise<void> {
    if (muted !== this.#muted) await this.#order('mute'); // baresip knows only the change
    this.#muted = muted;
  }

  /** Puts the call on hold, and resolves when the other side has agreed. From then on version 1.0.0 records no more of this call. */
  hold(): Promise<void> {
    return this.#renegotiate('hold');
  }

  /** Takes the call back from hold. */
  resume(): Promise<void> {
    return this.#renegotiate('resume');
  }

  /** The next event of one of these types, after the last one that was waited for. */
  async waitFor(types: string | readonly string[], limitMs = 10_000): Promise<BaresipEvent> {
    const wanted = typeof types === 'string' ? [types] : types;
    const limit = performance.now() + limitMs;
    for (;;) {
      const place = this.events.findIndex((event, at) => at >= this.#seen && wanted.includes(event.type));
      const found = this.events[place];
      if (found) {
        this.#seen = place + 1;
        return found;
      }
      const left = limit - performance.now();
      if (left <= 0) throw new Error(`baresip did not tell of ${wanted.join(' or ')}; ${this.#told()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Resolves when it hears a frequency, in Hz, clearly; rejects after the limit and says what it heard. */
  hears(hz: number, limitMs = 10_000): Promise<void> {
    return this.#hearing.hears(hz, limitMs);
  }

  /** Resolves when a frequency is gone while sound keeps coming. */
  silentOf(hz: number, limitMs = 10_000): Promise<void> {
    return this.#hearing.silentOf(hz, limitMs);
  }

  /** What it wrote about the SIP and media it sees. */
  output(): string {
    return this.#process.output();
  }

  /** Ends it; what is up is hung up. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#control.destroy();
    await this.#process.stop();
    this.#scratch.remove();
  }

  #told(): string {
    const events = this.events.map((event) => `${event.type} ${event.param ?? ''}`.trim());
    return `it told of ${events.join(', ') || 'nothing'} and wrote:\n${this.output().slice(-2000)}`;
  }

  async #renegotiate(command: string): Promise<void> {
    this.#seen = this.events.length;
    await this.#order(command);
    await this.waitFor('CALL_REMOTE_SDP');
  }

  /** One command of the menu module. */
  async #order(command: string, params = ''): Promise<void> {
    this.#asked += 1;
    const token = String(this.#asked);
    const text = JSON.stringify({ command, params, token });
    const answer = await new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${command}; ${this.#told()}`)), 10_000);
      this.#answers.set(token, (given) => {
        clearTimeout(timer);
        resolve(given);
      });
      this.#control.write(`${Buffer.byteLength(text)}:${text},`);
    });
    if (!answer.ok) throw new Error(`baresip cannot ${command}: ${answer.data ?? ''}; ${this.#told()}`);
  }

  /** Netstrings with JSON: answers to orders, and events. */
  #read(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data]);
    for (;;) {
      const colon = this.#unread.indexOf(0x3a);
      const end = colon + 1 + Number(this.#unread.subarray(0, Math.max(0, colon)).toString());
      if (colon < 0 || this.#unread.length <= end) return;
      const message = JSON.parse(this.#unread.subarray(colon + 1, end).toString()) as Answer &
        BaresipEvent & {
          readonly event?: boolean;
          readonly token?: string;
        };
      this.#unread = this.#unread.subarray(end + 1);
      if (message.event) this.events.push(message);
      else this.#answers.get(message.token ?? '')?.(message);
      for (const wake of this.#wake.splice(0)) wake();
    }
  }

  /** Takes what was added to the recordings. Their headers are right only at the end, so everything after them is sound. */
  #listen(): void {
    const folder = join(this.#scratch.path, 'heard');
    for (const name of readdirSync(folder).filter((each) => each.endsWith('dec.wav'))) {
      const path = join(folder, name);
      const known = this.#recordings.get(name) ?? headerLength;
      // names have the time in seconds: a call that is resumed within the same second begins its file anew
      const from = statSync(path).size < known ? headerLength : known;
      const samples = samplesOf(path, from);
      this.#recordings.set(name, from + samples.byteLength);
      if (samples.length > 0) this.#hearing.push(samples);
    }
  }
}

function samplesOf(path: string, from: number): Int16Array {
  const file = openSync(path, 'r');
  try {
    const length = Math.max(0, fstatSync(file).size - from) & ~1;
    const bytes = Buffer.alloc(length);
    const got = readSync(file, bytes, 0, length, from);
    return Int16Array.from({ length: got >> 1 }, (_each, at) => bytes.readInt16LE(2 * at));
  } finally {
    closeSync(file);
  }
}
