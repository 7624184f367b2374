/** RFC 3261 section 18: UDP sockets and TCP listeners, the flows messages come and go on, and reuse of connections. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Logger } from '../../log.ts';
import { hostText } from './sip-header.ts';
import type { StreamLimits } from './stream-framing.ts';
import { TcpConnection } from './tcp-connection.ts';

export type Protocol = 'udp' | 'tcp';

/** One of our own addresses. */
export interface LocalAddress {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
}

/** A way to a peer: from which of our addresses, to which of its. */
export interface Flow {
  readonly local: LocalAddress;
  readonly address: string;
  readonly port: number;
  /** The TCP connection a message came in on. */
  readonly connection?: TcpConnection;
}

export interface TransportLimits extends StreamLimits {
  readonly maxConnections: number;
}

export interface TransportOptions {
  readonly limits: TransportLimits;
  readonly log: Logger;
  /** Called for each datagram or message of a stream; may throw, which is logged. */
  readonly receive: (bytes: Buffer, flow: Flow) => void;
}

/** `host:port` of an address of ours, as it stands in a URI. */
export function addressText(local: LocalAddress): string {
  return `${hostText(local.host)}:${local.port}`;
}

/** How long a peer may take to accept a connection, in ms; then the next address or UDP is tried. */
const connectTime = 5_000;

export class Transport {
  readonly locals: LocalAddress[] = [];
  readonly #options: TransportOptions;
  readonly #udp = new Map<LocalAddress, UdpSocket>();
  readonly #servers: Server[] = [];
  readonly #connections = new Map<string, TcpConnection>();
  readonly #open = new Set<TcpConnection>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  /** Opens a UDP socket or TCP listener; port 0 takes a free one. Rejects when the address is not to be had. */
  async listen(protocol: Protocol, host: string, port: number): Promise<LocalAddress> {
    const local = protocol === 'udp' ? await this.#listenUdp(host, port) : await this.#listenTcp(host, port);
    this.locals.push(local);
    return local;
  }

  /**
   * Sends on a flow. A TCP flow without a living connection gets a new one. `onError` is called when the bytes could not be
   * handed to the network, never before this method has returned.
   */
  send(flow: Flow, bytes: Buffer, onError?: (error: Error) => void): void {
    const report = (error: Error | null | undefined): void => {
      if (error && onError) queueMicrotask(() => this.#guard('reporting a failed message', () => onError(error)));
    };
    if (flow.local.protocol === 'udp') {
      const socket = this.#udp.get(flow.local);
      if (socket) socket.send(bytes, flow.port, flow.address, report);
      else report(new Error('socket closed'));
      return;
    }
    const connection = this.connectionOf(flow) ?? this.#connect(flow);
    if (connection) connection.send(bytes, report);
    else report(new Error('too many connections'));
  }

  /** The living connection of a TCP flow. */
  connectionOf(flow: Flow): TcpConnection | undefined {
    const connection = flow.connection?.usable ? flow.connection : this.#connections.get(connectionKey(flow));
    return connection?.usable ? connection : undefined;
  }

  async close(): Promise<void> {
    for (const socket of this.#udp.values()) socket.close();
    this.#udp.clear();
    for (const connection of this.#open) connection.close();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #listenUdp(host: string, port: number): Promise<LocalAddress> {
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, () => {
        socket.off('error', reject);
        socket.on('error', (error) => this.#options.log.warn({ err: error }, 'UDP socket failed'));
        const local: LocalAddress = { protocol: 'udp', host, port: socket.address().port };
        socket.on('message', (bytes, peer) => this.#receive(bytes, { local, address: peer.address, port: peer.port }));
        this.#udp.set(local, socket);
        resolve(local);
      });
    });
  }

  #listenTcp(host: string, port: number): Promise<LocalAddress> {
    let local: LocalAddress = { protocol: 'tcp', host, port };
    const server = createServer((socket) => this.#accept(socket, local));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#options.log.warn({ err: error }, 'TCP listener failed'));
        local = { protocol: 'tcp', host, port: (server.address() as AddressInfo).port };
        this.#servers.push(server);
        resolve(local);
      });
    });
  }

  #accept(socket: Socket, local: LocalAddress): void {
    if (this.#open.size >= this.#options.limits.maxConnections) {
      this.#options.log.warn({ limit: this.#options.limits.maxConnections }, 'SIP connection refused: too many');
      socket.destroy();
      return;
    }
    this.#adopt(socket, { local, address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
  }

  #connect(flow: Flow): TcpConnection | undefined {
    if (this.#open.size >= this.#options.limits.maxConnections) return undefined;
    const socket = connect({ host: flow.address, port: flow.port, localAddress: flow.local.host });
    const patience = setTimeout(() => socket.destroy(new Error('no connection in time')), connectTime);
    patience.unref();
    socket.once('connect', () => clearTimeout(patience)).once('close', () => clearTimeout(patience));
    return this.#adopt(socket, flow);
  }

  #adopt(socket: Socket, flow: Flow): TcpConnection {
    const key = connectionKey(flow);
    const connection = new TcpConnection(socket, flow, this.#options.limits, {
      message: (bytes, from) =>
        this.#receive(bytes, { local: flow.local, address: flow.address, port: flow.port, connection: from }),
      fault: (why) => this.#options.log.info({ why }, 'SIP connection closed by the agent'),
      closed: (closed) => {
        this.#open.delete(closed);
        if (this.#connections.get(key) === closed) this.#connections.delete(key);
      },
    });
    this.#connections.set(key, connection);
    this.#open.add(connection);
    return connection;
  }

  #receive(bytes: Buffer, flow: Flow): void {
    this.#guard('handling a SIP message', () => this.#options.receive(bytes, flow));
  }

  /** One message that shows a fault of ours must not end the process. */
  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.error({ err: error }, `${what} failed`);
    }
  }
}

function connectionKey(flow: Flow): string {
  return `${flow.local.host}|${flow.address}|${flow.port}`;
}
