/** SIP over UDP and TCP (RFC 3261 18): one local port; answers go back the way the request came. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { HostPort } from './address.ts';
import { MessageFramer, parseMessage, type SipMessage } from './message.ts';

/** A message that came, and the way back to who sent it. */
export interface Received {
  readonly message: SipMessage;
  readonly source: HostPort;
  reply(bytes: Buffer): void;
}

/** One local address on one protocol. Messages that cannot be sent are lost, as on the wire. */
export interface Transport {
  readonly protocol: 'UDP' | 'TCP';
  readonly port: number;
  send(bytes: Buffer, to: HostPort): void;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** Opens a free port on 127.0.0.1. */
export function openTransport(kind: 'udp' | 'tcp', receive: (received: Received) => void): Promise<Transport> {
  return kind === 'udp' ? openUdp(receive) : openTcp(receive);
}

async function openUdp(receive: (received: Received) => void): Promise<Transport> {
  const socket: UdpSocket = createSocket('udp4');
  let open = true;
  const send = (bytes: Buffer, to: HostPort): void => {
    if (open) socket.send(bytes, to.port, to.host, () => undefined);
  };
  socket.on('error', () => undefined);
  socket.on('message', (bytes, from) => {
    const message = parseMessage(bytes);
    const source = { host: from.address, port: from.port };
    if (message !== null) receive({ message, source, reply: (answer) => send(answer, source) });
  });
  socket.bind(0, host);
  await once(socket, 'listening');
  return {
    protocol: 'UDP',
    port: socket.address().port,
    send,
    async close() {
      if (!open) return;
      open = false;
      socket.close();
      await once(socket, 'close');
    },
  };
}

async function openTcp(receive: (received: Received) => void): Promise<Transport> {
  const sockets = new Set<Socket>();
  const outgoing = new Map<string, Socket>();
  const attend = (socket: Socket, source: HostPort): void => {
    const framer = new MessageFramer();
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      try {
        for (const message of framer.push(bytes)) {
          receive({ message, source, reply: (answer) => socket.writable && socket.write(answer) });
        }
      } catch {
        socket.destroy(); // what follows cannot be cut into messages any more
      }
    });
  };
  const server: Server = createServer((socket) =>
    attend(socket, { host: socket.remoteAddress ?? host, port: socket.remotePort ?? 0 }),
  );
  server.listen(0, host);
  await once(server, 'listening');
  return {
    protocol: 'TCP',
    port: (server.address() as AddressInfo).port,
    send(bytes, to) {
      const key = `${to.host}:${to.port}`;
      let socket = outgoing.get(key);
      if (socket === undefined || socket.destroyed || !socket.writable) {
        socket = connect({ ...to, localAddress: host });
        outgoing.set(key, socket);
        attend(socket, to);
      }
      socket.write(bytes);
    },
    async close() {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
