/** A room occupant with a foreign client, slixmpp (Python): what it does must work without it knowing of this project. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findExecutable } from './servers/process.ts';

const DRIVER = fileURLToPath(new URL('./slixmpp/driver.py', import.meta.url));
const ANSWER_LIMIT_MS = 30_000;

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

let interpreter: string | null | undefined;

/** Path of a Python that has slixmpp, or null. The distribution's Python is asked when the first on PATH has not. */
export function findSlixmpp(): string | null {
  if (interpreter !== undefined) return interpreter;
  const candidates = [findExecutable('python3'), '/usr/bin/python3'].filter((path) => path !== null);
  interpreter = candidates.find((path) => spawnSync(path, ['-c', 'import slixmpp'], { timeout: 30_000 }).status === 0);
  interpreter ??= null;
  return interpreter;
}

export class SlixmppUser {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #commands = 0;
  #errors = '';

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#process = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    child.stdin.on('error', () => undefined); // the exit below tells why
    this.#exited = new Promise((resolve) => {
      child.once('close', () => {
        for (const { reject } of this.#pending.values()) reject(new Error(`slixmpp ended:\n${this.#errors}`));
        resolve();
      });
    });
  }

  /** Logs in at a server on 127.0.0.1; throws when there is no slixmpp (ask `findSlixmpp` first). */
  static async connect(
    server: { readonly c2sPort: number; readonly domain: string },
    username: string,
    password: string,
  ): Promise<SlixmppUser> {
    const python = findSlixmpp();
    if (python === null) throw new Error('slixmpp is not installed');
    const args = [DRIVER, '127.0.0.1', String(server.c2sPort), `${username}@${server.domain}`];
    const child = spawn(python, args, { env: { ...process.env, XMPP_PASSWORD: password } });
    const user = new SlixmppUser(child);
    const online = user.#expect(0);
    createInterface(child.stdout).on('line', (line) => user.#receive(JSON.parse(line)));
    await online;
    return user;
  }

  /** Enters a room; the nicks seen in it. */
  async join(room: string, nick: string): Promise<string[]> {
    return (await this.#command('join', { room, nick })) as string[];
  }

  async revokeVoice(room: string, nick: string, reason = ''): Promise<void> {
    await this.#command('role', { room, nick, role: 'visitor', reason });
  }

  async grantVoice(room: string, nick: string, reason = ''): Promise<void> {
    await this.#command('role', { room, nick, role: 'participant', reason });
  }

  async kick(room: string, nick: string, reason = ''): Promise<void> {
    await this.#command('role', { room, nick, role: 'none', reason });
  }

  async ban(room: string, bareJid: string, reason = ''): Promise<void> {
    await this.#command('affiliation', { room, jid: bareJid, affiliation: 'outcast', reason });
  }

  async unban(room: string, bareJid: string): Promise<void> {
    await this.#command('affiliation', { room, jid: bareJid, affiliation: 'none' });
  }

  async say(room: string, text: string): Promise<void> {
    await this.#command('say', { room, text });
  }

  /** Role and affiliation per nick, as slixmpp has them. */
  async occupants(room: string): Promise<Record<string, { role: string; affiliation: string }>> {
    return (await this.#command('occupants', { room })) as Record<string, { role: string; affiliation: string }>;
  }

  /** Titles of an occupant's hats (XEP-0317), none for who is not there. */
  async hats(room: string, nick: string): Promise<string[]> {
    return (await this.#command('hats', { room, nick })) as string[];
  }

  /** What was said in the room, oldest first, history included. */
  async messages(room: string): Promise<Array<{ from: string; text: string }>> {
    return (await this.#command('messages', { room })) as Array<{ from: string; text: string }>;
  }

  /** Who is no longer there, with the status codes of their last presence (XEP-0045 8.2, 9.1). */
  async departures(room: string): Promise<Array<{ nick: string; codes: number[] }>> {
    return (await this.#command('departures', { room })) as Array<{ nick: string; codes: number[] }>;
  }

  /** The room's `audio-video-uri` as slixmpp's disco#info reads it, or null when there is none. */
  async audioVideoUri(room: string): Promise<string | null> {
    const info = (await this.#command('room_info', { room })) as Record<string, string | string[]> | null;
    const value = info?.['audio-video-uri'];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  }

  /** Logs out and ends the process. */
  async disconnect(): Promise<void> {
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Rejects with an error whose message is the XMPP error condition. */
  #command(name: string, args: Record<string, string>): Promise<unknown> {
    const id = ++this.#commands;
    const answer = this.#expect(id);
    this.#process.stdin.write(`${JSON.stringify({ id, do: name, ...args })}\n`);
    return answer;
  }

  /** The answer to a command; number 0 is the login. */
  #expect(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        clearTimeout(timer);
        this.#pending.delete(id);
        reject(error);
      };
      const timer = setTimeout(() => fail(new Error(`slixmpp gave no answer:\n${this.#errors}`)), ANSWER_LIMIT_MS);
      this.#pending.set(id, {
        resolve: (result) => {
          clearTimeout(timer);
          this.#pending.delete(id);
          resolve(result);
        },
        reject: fail,
      });
    });
  }

  #receive(message: { event?: string; why?: string; id?: number; result?: unknown; error?: string }): void {
    const pending = this.#pending.get(message.id ?? 0);
    const error = message.event === 'failed' ? message.why : message.error;
    if (error === undefined) pending?.resolve(message.result);
    else pending?.reject(new Error(error));
  }
}
