/** One TCP connection that carries SIP: cut into messages when read, limited when the other side does not read. */
import type { Socket } from 'node:net';
import { StreamFraming, type StreamLimits } from './stream-framing.ts';
import { transactionTimeout } from './timers.ts';

/** Bytes that may wait for a peer that does not read, before the connection is given up. */
const maxUnsentBytes = 4 * 1024 * 1024;

export interface ConnectionEvents {
  message(bytes: Buffer, connection: TcpConnection): void;
  closed(connection: TcpConnection): void;
  /** The connection is being closed for this fault of the peer. */
  fault(why: string): void;
}

export class TcpConnection {
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #framing: StreamFraming;
  readonly #events: ConnectionEvents;
  #partialTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, peer: { address: string; port: number }, limits: StreamLimits, events: ConnectionEvents) {
    this.#socket = socket;
    this.address = peer.address;
    this.port = peer.port;
    this.#framing = new StreamFraming(limits);
    this.#events = events;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // A peer that connects has something to say; else idle connections would use up all that may exist.
    if (!socket.connecting) this.#startWatch();
    // A failed connection is told to each pending `send`; here it only must not throw.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(this.#partialTimer);
      events.closed(this);
    });
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Sends one message; `onError` is called when it could not be handed to the network. */
  send(bytes: Buffer, onError?: (error: Error) => void): void {
    if (this.#socket.writableLength + bytes.length > maxUnsentBytes) {
      this.#giveUp('peer does not read');
      onError?.(new Error('peer does not read'));
      return;
    }
    this.#socket.write(bytes, (error) => {
      if (error) onError?.(error);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const { messages, fault } = this.#framing.push(chunk);
    for (const message of messages) this.#events.message(message, this);
    if (fault !== undefined) {
      this.#giveUp(fault);
      return;
    }
    this.#watchPartial(messages.length > 0);
  }

  /** A peer that begins a message must finish it in reasonable time. */
  #watchPartial(progress: boolean): void {
    if (!this.#framing.partial || progress) {
      clearTimeout(this.#partialTimer);
      this.#partialTimer = undefined;
    }
    if (this.#framing.partial && !this.#partialTimer) this.#startWatch();
  }

  #startWatch(): void {
    this.#partialTimer = setTimeout(() => this.#giveUp('message not completed in time'), transactionTimeout);
    this.#partialTimer.unref();
  }

  #giveUp(why: string): void {
    this.#events.fault(why);
    this.#socket.destroy();
  }
}
