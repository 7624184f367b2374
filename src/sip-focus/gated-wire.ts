/** Puts the flow gate between drachtio-srf and its socket, and keeps a broken frame from bringing the process down. */
import { randomUUID } from 'node:crypto';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SrfSocket, SrfWire } from './drachtio-srf-types.ts';
import { FlowGate, type FlowLimits, type Frame } from './flow-gate.ts';
import { FrameCutter } from './notify-frame.ts';

interface WireFrame extends Frame {
  readonly text: string;
}

/** A server that owes us an answer and says nothing for this long is taken for dead. */
const deadAfterMs = 10_000;
/** After this long a frame without an answer holds nothing up any more. */
const patienceMs = 5000;
const watchMs = 1000;

/** Gates one connection; `close` ends its timer. */
class GatedSocket {
  readonly #gate: FlowGate<WireFrame>;
  readonly #socket: SrfSocket;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  /** Since when the server owes an answer, or null. */
  #owingSince: number | null = null;

  constructor(socket: SrfSocket, limits: FlowLimits, log: Logger) {
    this.#gate = new FlowGate({ ...limits, patienceMs });
    this.#socket = socket;
    this.#log = log;
    this.#timer = setInterval(() => this.#watch(performance.now()), watchMs);
    this.#timer.unref();
  }

  send(message: string): string {
    const id = randomUUID();
    // srf asks for a pong every 5 s. A server that hangs gets one question only: drachtio-server keeps a client for alive, and gives it
    // new calls for ever, when several answers to it fail at once.
    if (message === 'ping' && this.#owingSince !== null) return id;
    const text = `${id}|${message}`;
    const frame = { id, text, bytes: Buffer.byteLength(text) };
    if (!this.#gate.fits(frame)) {
      throw new BridgeError('SIP_TOO_LARGE', 'A SIP message is larger than the SIP server can take', {
        detail: { bytes: frame.bytes },
      });
    }
    this.#write(this.#gate.push(frame, performance.now()));
    return id;
  }

  acknowledge(id: string): void {
    const now = performance.now();
    const released = this.#gate.settle(id, now);
    this.#owingSince = this.#gate.underWay > 0 ? now : null;
    this.#write(released);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#gate.clear();
  }

  #write(frames: readonly WireFrame[]): void {
    if (frames.length > 0) this.#owingSince ??= performance.now();
    for (const frame of frames) this.#socket.write(`${frame.bytes}#${frame.text}`);
  }

  #watch(now: number): void {
    if (this.#owingSince !== null && now - this.#owingSince > deadAfterMs) {
      this.#log.error('the SIP server does not answer: closing the connection to it');
      this.#socket.destroy();
      return;
    }
    this.#write(this.#gate.expire(now).release);
  }
}

/** The id that a `response` frame answers, or null for any other frame. */
function acknowledged(message: string): string | null {
  const [, id] = /^[^|]*\|response\|([^|\r]*)/.exec(message.slice(0, 128)) ?? [];
  return id ?? null;
}

/** Hands a message to srf; one that it cannot handle costs nobody else their call. */
function deliver(wire: SrfWire, socket: SrfSocket, message: string, log: Logger): void {
  try {
    wire.emit('msg', socket, message);
  } catch (error) {
    log.error({ err: error }, 'a message of the SIP server could not be handled');
  }
}

/** Installs the gate on srf's wire. Call it once, right after `connect`, before the first socket is up. */
export function gateWire(wire: SrfWire, limits: FlowLimits, log: Logger): void {
  const gates = new Map<SrfSocket, GatedSocket>();
  wire.send = (socket, message) => {
    const gate = gates.get(socket);
    if (!gate) throw new BridgeError('SIP_SERVER_UNAVAILABLE', 'The connection to the SIP server is closed');
    return gate.send(message);
  };
  wire.prependListener('connect', (socket) => {
    gates.set(socket, new GatedSocket(socket, limits, log));
    // srf sets this on its first socket only.
    socket.setNoDelay(true);
    const cutter = new FrameCutter('utf8');
    // srf's own reader throws out of its data handler, and never gets past a message that srf cannot handle.
    socket.removeAllListeners('data');
    socket.on('data', (data) => {
      try {
        for (const message of cutter.push(data)) deliver(wire, socket, message, log);
      } catch (error) {
        log.error({ err: error }, 'a frame of the SIP server cannot be read: closing the connection to it');
        socket.destroy();
      }
    });
  });
  wire.prependListener('msg', (socket, message) => {
    const id = acknowledged(message);
    if (id !== null) gates.get(socket)?.acknowledge(id);
  });
  wire.on('close', (socket) => {
    gates.get(socket)?.close();
    gates.delete(socket);
  });
}
