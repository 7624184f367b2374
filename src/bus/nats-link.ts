/** The connection to NATS that facts, asks and leases share: found again for ever, with pings that notice a frozen server within seconds. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';

/** How to reach NATS. */
export interface NatsSettings {
  /** `nats://host:port` or `host:port`. */
  readonly servers: readonly string[];
  /** What the server shows as the client's name: the instance. */
  readonly name: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Milliseconds between pings; after two unanswered ones the connection counts as dead. Default 2000. */
  readonly pingInterval?: number;
}

/** Pause between attempts to reach a server, in ms. */
const attemptPause = 500;
const connectLimit = 2_000;

/** One connection, replaced when it is beyond repair. */
export class NatsLink {
  readonly #settings: NatsSettings;
  readonly #log: Logger;
  readonly #upListeners = new Set<(connection: NatsConnection) => void>();
  readonly #downListeners = new Set<() => void>();
  #connection: NatsConnection | undefined;
  #up = false;
  #closed = false;

  constructor(settings: NatsSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** The connection while the server can be reached. */
  get connection(): NatsConnection | undefined {
    return this.#up ? this.#connection : undefined;
  }

  /** Calls back at each coming up, also at once when up. The connection may be the same as before or a new one. */
  onUp(listener: (connection: NatsConnection) => void): () => void {
    this.#upListeners.add(listener);
    if (this.connection !== undefined) listener(this.connection);
    return () => this.#upListeners.delete(listener);
  }

  onDown(listener: () => void): () => void {
    this.#downListeners.add(listener);
    return () => this.#downListeners.delete(listener);
  }

  /** Connects; no-op when connected. Rejects with BUS_UNAVAILABLE after `limitMs`. */
  async open(limitMs: number): Promise<void> {
    if (this.#connection !== undefined) return;
    this.#closed = false;
    const limit = performance.now() + limitMs;
    const connection = await this.#reach(() => performance.now() < limit);
    if (connection === undefined) throw new BridgeError('BUS_UNAVAILABLE', 'NATS cannot be reached.');
    this.#adopt(connection);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#setUp(false);
    await connection?.close();
  }

  /** Tries until connected or until `going` says no. */
  async #reach(going: () => boolean): Promise<NatsConnection | undefined> {
    const { servers, name, user, password, pingInterval } = this.#settings;
    for (;;) {
      try {
        return await connect({
          servers: [...servers],
          name,
          ...(user === undefined ? {} : { user }),
          ...(password === undefined ? {} : { pass: password }),
          timeout: connectLimit,
          pingInterval: pingInterval ?? 2_000,
          maxPingOut: 2,
          maxReconnectAttempts: -1,
          reconnectTimeWait: attemptPause,
          reconnectJitter: 200,
        });
      } catch (err) {
        this.#log.warn({ err }, 'NATS cannot be reached');
      }
      await new Promise((resolve) => setTimeout(resolve, attemptPause));
      if (this.#closed || !going()) return undefined;
    }
  }

  #adopt(connection: NatsConnection): void {
    this.#connection = connection;
    void this.#follow(connection);
    void this.#replace(connection);
    this.#setUp(true);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (connection !== this.#connection) return;
      if (type === 'disconnect') this.#setUp(false);
      if (type === 'reconnect') this.#setUp(true);
    }
  }

  /** The client reconnects by itself; when it gives up all the same, a new connection takes its place. */
  async #replace(connection: NatsConnection): Promise<void> {
    const err = await connection.closed();
    if (connection !== this.#connection || this.#closed) return;
    this.#log.error({ err }, 'the NATS client gave up its connection; a new one is made');
    this.#setUp(false);
    const next = await this.#reach(() => true);
    if (next === undefined) return;
    if (this.#closed) await next.close();
    else this.#adopt(next);
  }

  #setUp(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    if (up) this.#log.info({}, 'NATS is connected');
    else if (!this.#closed) this.#log.warn({}, 'the connection to NATS is lost');
    for (const listener of up ? [] : this.#downListeners) listener();
    const connection = this.#connection;
    if (!up || connection === undefined) return;
    for (const listener of this.#upListeners) listener(connection);
  }
}
