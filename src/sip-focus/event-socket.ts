/**
 * FreeSWITCH's event socket: the one file that knows drachtio-fsmrf. A connection of it is used once and never lets reconnect:
 * after a loss it answers commands with the replies to others, has no subscriptions, and waits ever longer between attempts.
 */
import Mrf, { type EslEvent, type MediaServer } from 'drachtio-fsmrf';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type EventSocketAddress, type ProbeOutcome, probe } from './freeswitch-probe.ts';

/** Reads a header of an event; undefined when it has none of this name. */
export type EventHeaders = (name: string) => string | undefined;

export interface EventSocketSettings extends EventSocketAddress {
  /** Event names wanted, as FreeSWITCH writes them. */
  readonly events: readonly string[];
  /** Subclasses of CUSTOM wanted. */
  readonly subclasses: readonly string[];
}

/** What the owner of the connection wants to hear. */
export interface EventSocketListener {
  /** Connected and subscribed; nothing is lost from here on until `down`. */
  up(): void;
  down(): void;
  event(headers: EventHeaders): void;
  /** FreeSWITCH's process is gone: nothing listened on its port for a while. Comes after `down`, again and again. */
  gone(): void;
}

const firstRetryMs = 100;
const longestRetryMs = 2000;
const connectLimitMs = 5000;
const commandLimitMs = 5000;
const pingMs = 5000;
/** A FreeSWITCH that restarts its event socket, or a port forwarded by something slow, is back before that. */
const goneAfterMs = 1500;

const unavailable = (text: string): BridgeError => new BridgeError('MIXER_UNAVAILABLE', text);

export class EventSocket {
  readonly #settings: EventSocketSettings;
  readonly #listener: EventSocketListener;
  readonly #log: Logger;
  readonly #pending = new Set<(error: BridgeError) => void>();
  #server: MediaServer | null = null;
  #ping: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #delay = firstRetryMs;
  #refusedSince: number | null = null;
  #lastComplaint = '';
  #running = false;

  constructor(settings: EventSocketSettings, listener: EventSocketListener, log: Logger) {
    this.#settings = settings;
    this.#listener = listener;
    this.#log = log;
  }

  /** True while commands can be given. */
  get up(): boolean {
    return this.#server !== null;
  }

  /** Connects, for ever, with at most 2 s between attempts. Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await this.#attempt();
  }

  /** Closes the connection without a word to the listener. */
  stop(): void {
    this.#running = false;
    if (this.#retry) clearTimeout(this.#retry);
    this.#close(unavailable('The event socket is closed'));
  }

  /** Runs a command and resolves with its answer, `-ERR ...` included. Rejects with MIXER_UNAVAILABLE. */
  api(command: string): Promise<string> {
    const server = this.#server;
    if (!server) return Promise.reject(unavailable('FreeSWITCH is not connected'));
    // A line end would let a second command in.
    if (/[\r\n]/.test(command)) return Promise.reject(new BridgeError('MIXER_REFUSED', 'A command has a line end'));
    return new Promise<string>((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#pending.delete(fail);
      };
      const fail = (error: BridgeError): void => {
        finish();
        reject(error);
      };
      // Answers come in the order of the commands: after one that is missing no other can be trusted.
      const timer = setTimeout(() => this.#lost(server, 'a command was not answered in time'), commandLimitMs);
      this.#pending.add(fail);
      server.api(command).then((answer) => {
        finish();
        resolve(answer);
      }, fail);
    });
  }

  async #attempt(): Promise<void> {
    this.#retry = null;
    const seen = await probe(this.#settings, connectLimitMs);
    if (!this.#running) return;
    if (seen.outcome !== 'usable') {
      this.#unreachable(seen);
      return;
    }
    this.#refusedSince = null;
    try {
      this.#adopt(await this.#connect());
    } catch (error) {
      this.#complain(error);
      this.#again();
    }
  }

  #unreachable(seen: Exclude<ProbeOutcome, { outcome: 'usable' }>): void {
    if (seen.outcome !== 'refused') this.#refusedSince = null;
    else this.#refusedSince ??= performance.now();
    this.#complain(seen.error);
    this.#again();
    if (this.#refusedSince !== null && performance.now() - this.#refusedSince >= goneAfterMs) this.#listener.gone();
  }

  /** Says once what keeps us out, not at every attempt. */
  #complain(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (text !== this.#lastComplaint) this.#log.warn({ err: error }, 'FreeSWITCH cannot be used');
    this.#lastComplaint = text;
  }

  #again(): void {
    if (!this.#running) return;
    this.#retry = setTimeout(() => void this.#attempt(), this.#delay);
    this.#delay = Math.min(longestRetryMs, this.#delay * 2);
  }

  /** Connects and subscribes. What connects after the limit, or after a failure, is closed again. */
  #connect(): Promise<MediaServer> {
    const { host, port, password, profile } = this.#settings;
    return new Promise((resolve, reject) => {
      let settled = false;
      const fail = (error: Error): void => {
        settled = true;
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(
        () => fail(unavailable('FreeSWITCH did not take the connection in time')),
        connectLimitMs,
      );
      const options = { address: host, port, secret: password, profile, listenAddress: '127.0.0.1' };
      // The first argument is for endpoints, which are not used.
      new Mrf({}).connect(options, (error, server) => {
        if (!server || settled) {
          if (server) discard(server);
          fail(unavailable(`FreeSWITCH did not take the connection: ${error?.message ?? 'too late'}`));
          return;
        }
        quieten(server, (why) => (settled ? this.#lost(server, why) : fail(unavailable(why))));
        this.#subscribe(server, (refusal) => {
          if (settled || refusal) {
            discard(server);
            fail(refusal ?? unavailable('too late'));
            return;
          }
          settled = true;
          clearTimeout(timer);
          resolve(server);
        });
      });
    });
  }

  #subscribe(server: MediaServer, done: (refusal: BridgeError | null) => void): void {
    const { events, subclasses } = this.#settings;
    for (const name of [...events, 'CUSTOM']) {
      server.conn.on(`esl::event::${name}::*`, (event) => this.#hear(server, event));
    }
    server.conn.subscribe([...events, 'CUSTOM', ...subclasses], (answer) => {
      const refused = !answer.getHeader('Reply-Text')?.startsWith('+OK');
      done(refused ? unavailable('FreeSWITCH does not give us its events') : null);
    });
  }

  #adopt(server: MediaServer): void {
    if (!this.#running || !server.conn.socket) {
      discard(server);
      this.#again();
      return;
    }
    this.#server = server;
    this.#delay = firstRetryMs;
    this.#lastComplaint = '';
    // A network that swallows everything tells nobody.
    this.#ping = setInterval(() => this.api('global_getvar core_uuid').catch(() => undefined), pingMs);
    this.#log.info('connected to FreeSWITCH');
    this.#listener.up();
  }

  #hear(server: MediaServer, event: EslEvent): void {
    if (server === this.#server) this.#listener.event((name) => event.getHeader(name) ?? undefined);
  }

  #lost(server: MediaServer, why: string): void {
    if (server !== this.#server) return;
    this.#log.warn({ why }, 'the connection to FreeSWITCH is lost');
    this.#close(unavailable('The connection to FreeSWITCH was lost before an answer'));
    this.#listener.down();
    this.#again();
  }

  #close(error: BridgeError): void {
    if (this.#ping) clearInterval(this.#ping);
    const server = this.#server;
    this.#server = null;
    if (server) discard(server);
    for (const fail of [...this.#pending]) fail(error);
  }
}

/** Takes away what the package does on a loss (reconnect, write to the console), and what we have no use for. */
function quieten(server: MediaServer, onLost: (why: string) => void): void {
  const { conn } = server;
  // No call opens an event socket of its own here: nobody shall be able to.
  server._server.close();
  server.on('error', () => undefined);
  conn.socket?.setNoDelay(true); // 44 ms for each command without it
  for (const event of ['esl::end', 'esl::ready', 'error']) conn.removeAllListeners(event);
  conn.on('esl::end', () => onLost('closed'));
  // It tries anew right after this unless it was told to end.
  conn.on('error', () => onLost('broken'));
}

/** Ends a connection for good. */
function discard(server: MediaServer): void {
  try {
    server.disconnect();
  } catch {
    // It writes a farewell, and there may be nothing left to write to.
  }
}
