/** One application connection (drachtio-srf): authentication first, then routes and SIP frames. */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Logger } from '../../log.ts';
import { encodeFrame, FrameReader } from './wire-framing.ts';
import { type AppFrame, encodeResponse, parseAppFrame } from './wire-messages.ts';

/** A frame with SIP inside, and the way to say that it failed. */
export type SipFrameHandler = (client: WireClient, frame: AppFrame) => void;

export interface WireClientOptions {
  readonly secret: string;
  /** What an authenticated application is told: our `tcp/host:port,udp/...`. */
  readonly hostports: () => string;
  readonly onSip: SipFrameHandler;
  readonly onClosed: (client: WireClient) => void;
  readonly log: Logger;
}

const version = 'v0.9.5-embedded';
const maxFrameBytes = 9_999_999;
const maxFrameBytesBeforeSecret = 4_096;
const authenticationTime = 10_000;
/** Bytes that may wait for an application that does not read. */
const maxUnsentBytes = 64 * 1024 * 1024;

export class WireClient {
  /** For the log only. */
  readonly id = randomUUID();
  /** Methods in lower case for which this application wants new requests. */
  readonly routes = new Set<string>();
  readonly #socket: Socket;
  readonly #options: WireClientOptions;
  readonly #reader = new FrameReader(maxFrameBytesBeforeSecret);
  #authenticated = false;
  #closed = false;

  constructor(socket: Socket, options: WireClientOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    const patience = setTimeout(() => this.close(), authenticationTime);
    patience.unref();
    socket.on('data', (chunk: Buffer) => {
      this.#read(chunk);
      if (this.#authenticated) clearTimeout(patience);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(patience);
      this.#closed = true;
      options.onClosed(this);
    });
  }

  get gone(): boolean {
    return this.#closed || this.#socket.destroyed;
  }

  /** Sends one frame; nothing happens when the application is gone. */
  send(content: Buffer): void {
    if (this.gone || !this.#socket.writable) return;
    if (this.#socket.writableLength > maxUnsentBytes) {
      this.#options.log.error({ client: this.id }, 'application does not read; closing its connection');
      this.close();
      return;
    }
    this.#socket.write(encodeFrame(content));
  }

  ok(id: string, detail?: string): void {
    this.send(encodeResponse(id, 'OK', detail));
  }

  /** This command failed; the connection goes on. */
  refuse(id: string, why: string): void {
    this.send(encodeResponse(id, 'NOK', why));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const { frames, fault } = this.#reader.push(chunk);
    for (const frame of frames) this.#handle(frame);
    if (fault !== undefined) {
      this.#options.log.warn({ client: this.id, why: fault }, 'application connection closed');
      this.close();
    }
  }

  #handle(bytes: Buffer): void {
    if (this.gone || !this.#socket.writable) return;
    const frame = parseAppFrame(bytes);
    try {
      if (!frame) this.#end('', 'malformed message');
      else this.#dispatch(frame);
    } catch (error) {
      this.#options.log.error({ err: error, client: this.id }, 'handling an application frame failed');
      this.refuse(frame?.id ?? '', 'Server error: internal failure');
    }
  }

  #dispatch(frame: AppFrame): void {
    if (frame.kind === 'ping') {
      this.ok(frame.id, 'pong');
      return;
    }
    if (frame.kind === 'authenticate') {
      this.#authenticate(frame);
      return;
    }
    if (!this.#authenticated) {
      this.#end(frame.id, 'not authenticated');
      return;
    }
    const route = (frame.fields[0] ?? '').toLowerCase();
    switch (frame.kind) {
      case 'route':
        if (this.routes.size < 100) this.routes.add(route);
        this.ok(frame.id);
        return;
      case 'remove_route':
        this.routes.delete(route);
        this.ok(frame.id);
        return;
      case 'sip':
        this.#options.onSip(this, frame);
        return;
      case 'proxy':
        this.refuse(frame.id, 'proxy is not supported by the embedded SIP agent; use drachtio-server');
        return;
      default:
        this.#end(frame.id, 'Unknown message type');
        return;
    }
  }

  #authenticate(frame: AppFrame): void {
    const given = Buffer.from(frame.fields[0] ?? '');
    const wanted = Buffer.from(this.#options.secret);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      this.#end(frame.id, 'incorrect secret');
      return;
    }
    this.#authenticated = true;
    this.#reader.maxFrameBytes = maxFrameBytes;
    const hostports = this.#options.hostports();
    this.ok(frame.id, `${hostports}|${version}|${hostports}`);
  }

  /** A protocol error: say so and hang up. */
  #end(id: string, why: string): void {
    this.send(encodeResponse(id, 'NO', why));
    this.#socket.end();
  }
}
