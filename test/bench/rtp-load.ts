/** Child process of the mixer benchmark: as many phones as asked for, all talking, each with a socket of its own; counts what they hear. */
import { createSocket, type Socket } from 'node:dgram';
import { serve } from './child.ts';

/** Parent to child. */
export type LoadOrder =
  | { readonly kind: 'open'; readonly phones: number }
  /** Media ports of the mixer, in the order of the phones. */
  | { readonly kind: 'talk'; readonly ports: readonly number[] }
  | { readonly kind: 'count' };

/** Child to parent; `heard` and `sent` since the last count, in packets; `jitter`: mean of RFC 3550 6.4.1 jitter over the phones, in ms. */
export type LoadReport =
  | { readonly kind: 'opened'; readonly ports: readonly number[] }
  | { readonly kind: 'talking' }
  | { readonly kind: 'counted'; readonly sent: number; readonly heard: number; readonly jitter: number };

const host = '127.0.0.1';
const packetMs = 20;

interface Phone {
  readonly socket: Socket;
  readonly packet: Buffer;
  sequence: number;
  arrived: number;
  jitter: number;
}

const phones: Phone[] = [];
let sent = 0;
let heard = 0;

function tonePacket(index: number): Buffer {
  const packet = Buffer.alloc(172);
  packet[0] = 0x80;
  packet.writeUInt32BE(index + 1, 8);
  // Any loud codes will do: the cost of mixing does not depend on the samples. 0x8x is loud in mu-law.
  for (let i = 12; i < packet.length; i += 1) packet[i] = ((i * (index + 3)) % 2 === 0 ? 0x90 : 0x10) + (i % 16);
  return packet;
}

function listen(phone: Phone): void {
  phone.socket.on('message', () => {
    heard += 1;
    const now = performance.now();
    if (phone.arrived > 0) phone.jitter += (Math.abs(now - phone.arrived - packetMs) - phone.jitter) / 16;
    phone.arrived = now;
  });
}

async function open(count: number): Promise<LoadReport> {
  for (let index = 0; index < count; index += 1) {
    const socket = createSocket({ type: 'udp4', lookup: (address, _options, found) => found(null, address, 4) });
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    const phone = { socket, packet: tonePacket(index), sequence: 0, arrived: 0, jitter: 0 };
    listen(phone);
    phones.push(phone);
  }
  return { kind: 'opened', ports: phones.map(({ socket }) => socket.address().port) };
}

/** Connected sockets are cheaper to send on; each packet is a copy because the sending is asynchronous. */
async function talk(ports: readonly number[]): Promise<LoadReport> {
  for (const [index, { socket }] of phones.entries()) {
    await new Promise<void>((resolve) => socket.connect(ports[index] ?? 0, host, () => resolve()));
  }
  let due = performance.now();
  // The phones are spread over four phases of 5 ms, as independent phones would be.
  let phase = 0;
  setInterval(() => {
    while (performance.now() >= due) {
      for (let index = phase; index < phones.length; index += 4) send(phones[index]);
      phase = (phase + 1) % 4;
      due += packetMs / 4;
    }
  }, 1);
  return { kind: 'talking' };
}

function send(phone: Phone | undefined): void {
  if (phone === undefined) return;
  phone.sequence += 1;
  phone.packet.writeUInt16BE(phone.sequence & 0xffff, 2);
  phone.packet.writeUInt32BE((phone.sequence * 160) >>> 0, 4);
  phone.socket.send(Buffer.from(phone.packet));
  sent += 1;
}

function count(): LoadReport {
  const jitter = phones.reduce((sum, phone) => sum + phone.jitter, 0) / phones.length;
  const counted = { kind: 'counted', sent, heard, jitter } as const;
  sent = 0;
  heard = 0;
  return counted;
}

serve<LoadOrder, LoadReport>((order) => {
  if (order.kind === 'open') return open(order.phones);
  return order.kind === 'talk' ? talk(order.ports) : count();
});
