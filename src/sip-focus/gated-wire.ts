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

/** Unanswered frames in a row after which the connection is taken for dead. */
const deadAfter = 3;
/** srf asks for a pong every 5 s, so an idle dead connection is found as well. */
const patienceMs = 5000;

/** Gates one connection; `close` ends its timer. */
class GatedSocket {
  readonly #gate: FlowGate<WireFrame>;
  readonly #socket: SrfSocket;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #unanswered = 0;
  /** The server has answered at least once; before that there are no pings that would tell. */
  #alive = false;

  constructor(socket: SrfSocket, limits: FlowLimits, log: Logger) {
    this.#gate = new FlowGate({ ...limits, patienceMs });
    this.#socket = socket;
    this.#log = log;
  }

  send(message: string): string {
    const id = randomUUID();
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
    this.#unanswered = 0;
    this.#alive = true;
    this.#write(this.#gate.settle(id, performance.now()));
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#gate.clear();
  }

  #write(frames: readonly WireFrame[]): void {
    for (const frame of frames) this.#socket.write(`${frame.bytes}#${frame.text}`);
    const due = this.#gate.nextDue();
    if (due === null || this.#timer) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, due - performance.now()));
    this.#timer.unref();
  }

  #expire(): void {
    this.#timer = null;
    const { lost, release } = this.#gate.expire(performance.now());
    this.#unanswered += lost.length;
    if (this.#unanswered >= (this.#alive ? deadAfter : 1)) {
      this.#log.error({ unanswered: this.#unanswered }, 'the SIP server does not answer: closing the connection to it');
      this.#socket.destroy();
      return;
    }
    this.#write(release);
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
