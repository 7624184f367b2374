/** Opens the UDP sockets for media: even ports of the configured range in turn (RFC 3550 11), or any free port. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** A burst held back by a stall of some hundred milliseconds must fit. */
const receiveBuffer = 64 * 1024;

/** Opens one socket after the other. */
export class MediaPorts {
  readonly #host: string;
  readonly #ports: readonly number[];
  #next = 0;

  /** `range`: first and last port, both included, or null. */
  constructor(host: string, range: readonly [number, number] | null) {
    this.#host = host;
    this.#ports = range === null ? [0] : evenPorts(range);
  }

  /** A bound socket; undefined when no port of the range is free. */
  async open(): Promise<Socket | undefined> {
    for (let tried = 0; tried < this.#ports.length; tried += 1) {
      const port = this.#ports[this.#next % this.#ports.length] ?? 0;
      this.#next += 1;
      const socket = await bind(this.#host, port);
      if (socket !== undefined) return socket;
    }
    return undefined;
  }
}

function evenPorts([first, last]: readonly [number, number]): number[] {
  const ports: number[] = [];
  for (let port = first + (first % 2); port <= last; port += 2) ports.push(port);
  return ports;
}

function bind(host: string, port: number): Promise<Socket | undefined> {
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: receiveBuffer,
    // Only literal addresses are ever sent to; Node would otherwise queue every packet behind a look-up.
    lookup: (address, _options, found) => found(null, address, family),
  });
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
