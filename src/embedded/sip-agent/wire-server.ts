/** The admin port: accepts application connections and chooses which of them gets a new request. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Logger } from '../../log.ts';
import { WireClient, type WireClientOptions } from './wire-client.ts';

export interface WireServerOptions extends WireClientOptions {
  readonly maxClients: number;
}

export class WireServer {
  readonly clients = new Set<WireClient>();
  readonly #server: Server;
  readonly #log: Logger;
  readonly #turns = new Map<string, number>();

  constructor(options: WireServerOptions) {
    this.#log = options.log;
    this.#server = createServer((socket) => {
      if (this.clients.size >= options.maxClients) {
        options.log.warn({ limit: options.maxClients }, 'application connection refused: too many');
        socket.destroy();
        return;
      }
      this.clients.add(
        new WireClient(socket, {
          ...options,
          onClosed: (client) => {
            this.clients.delete(client);
            options.onClosed(client);
          },
        }),
      );
    });
  }

  /** Resolves with the port, which is chosen when `port` is 0. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#log.warn({ err: error }, 'application listener failed'));
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** The application for a new request of this method, in turn when several want it. */
  pick(method: string): WireClient | undefined {
    const route = method.toLowerCase();
    const willing = [...this.clients].filter((client) => client.routes.has(route));
    if (willing.length === 0) return undefined;
    const turn = this.#turns.get(route) ?? 0;
    this.#turns.set(route, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return willing[turn % willing.length];
  }

  close(): Promise<void> {
    for (const client of this.clients) client.close();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
