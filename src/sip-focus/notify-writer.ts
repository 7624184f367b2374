/** A connection of its own to the SIP server that writes NOTIFYs from prepared text, so that a fan-out costs little and delays no call. */
import { connect, type Socket } from 'node:net';
import type { Logger } from '../log.ts';
import { FlowGate, type FlowLimits, type Frame } from './flow-gate.ts';
import { FrameCutter, type Notification, type NotifyAnswer, notifyText, readFrame } from './notify-frame.ts';

export interface NotifyWriterSettings {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly limits: FlowLimits;
}

interface NotifyFrame extends Frame {
  readonly text: string;
  readonly answered: (answer: NotifyAnswer) => void;
}

/** Timer F (RFC 3261 17.1.2.2), and some time for the server to say so itself. */
const answerLimitMs = 36_000;
const sweepMs = 1000;
const readBytes = 64 * 1024;
const longestRetryMs = 2000;
const firstRetryMs = 100;
const authenticationId = '00000000-0000-4000-8000-000000000000';
const pingId = '00000000-0000-4000-8000-ffffffffffff';
/** After this long without a word from the server it is asked for one, and given up when none comes. */
const pingAfterMs = 5000;
const deadAfterMs = 15_000; // the question included
/** Statuses of our own: no answer came, no connection, too large for the server, the server does not know the dialog. */
const noAnswer = 408;
const notConnected = 503;
const tooLarge = 513;
const noDialog = 481;

/** What became of a NOTIFY when no answer says it. */
const fate = (status: number): NotifyAnswer => ({ status, event: null, retryAfter: null });

/** NOTIFYs so far. */
export interface NotifyCounts {
  readonly sent: number;
  /** Without a 2xx. */
  readonly failed: number;
  /** Never sent, because they were larger than the SIP server can take. */
  readonly tooLarge: number;
}

/** One NOTIFY on its way. */
interface Journey {
  readonly answered: (answer: NotifyAnswer) => void;
  readonly deadline: number;
  transaction: string;
}

export class NotifyWriter {
  readonly #settings: NotifyWriterSettings;
  readonly #log: Logger;
  readonly #gate: FlowGate<NotifyFrame>;
  /** By frame id, in the order of sending, so that the oldest comes first. */
  readonly #journeys = new Map<string, Journey>();
  readonly #frameOf = new Map<string, string>();
  #socket: Socket | null = null;
  #ready = false;
  #stopping = false;
  #heardAt = 0;
  #pingedAt = 0;
  #onReady: () => void = () => undefined;
  #count = 0;
  #failed = 0;
  #tooLarge = 0;
  #retryMs = firstRetryMs;
  #corked = false;
  #retry: NodeJS.Timeout | null = null;
  #sweep: NodeJS.Timeout | null = null;

  constructor(settings: NotifyWriterSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.#gate = new FlowGate(settings.limits);
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** One listener: NOTIFYs can be sent, for the first time or again. */
  onReady(listener: () => void): void {
    this.#onReady = listener;
  }

  /** NOTIFYs that wait to be written, and that wait for their answer. */
  get load(): { readonly waiting: number; readonly unanswered: number } {
    return { waiting: this.#gate.waiting, unanswered: this.#journeys.size };
  }

  get counts(): NotifyCounts {
    return { sent: this.#count, failed: this.#failed, tooLarge: this.#tooLarge };
  }

  start(): void {
    this.#connect();
    this.#sweep = setInterval(() => {
      this.#expire();
      this.#ping(performance.now());
    }, sweepMs);
    this.#sweep.unref();
  }

  stop(): void {
    this.#stopping = true;
    if (this.#retry) clearTimeout(this.#retry);
    if (this.#sweep) clearInterval(this.#sweep);
    this.#socket?.destroy();
    this.#lost();
  }

  /**
   * Sends a NOTIFY; `answered` is called exactly once, never at once, with the final answer: 408 when none came, 503 without a
   * connection, 513 when it is larger than the server can take, 481 when the server does not know the dialog.
   */
  notify(notification: Notification, answered: (answer: NotifyAnswer) => void): void {
    this.#count += 1;
    const id = `00000000-0000-4000-8000-${this.#count.toString(16).padStart(12, '0')}`;
    const text = notifyText(id, notification);
    const frame = { id, text, bytes: Buffer.byteLength(text), answered };
    const refused = this.#ready ? (this.#gate.fits(frame) ? null : tooLarge) : notConnected;
    if (refused !== null) {
      this.#failed += 1;
      if (refused === tooLarge) {
        this.#tooLarge += 1;
        this.#log.error({ bytes: frame.bytes }, 'a NOTIFY is larger than the SIP server can take');
      }
      setImmediate(answered, fate(refused));
      return;
    }
    this.#write(this.#gate.push(frame, performance.now()));
  }

  #connect(): void {
    const { host, port, secret } = this.#settings;
    const cutter = new FrameCutter();
    // One buffer for all that comes, past the machinery of streams: a fan-out reads twice for each NOTIFY.
    const onread = {
      buffer: Buffer.alloc(readBytes),
      callback: (length: number, buffer: Uint8Array): boolean => {
        this.#read(socket, cutter, buffer.subarray(0, length));
        return true;
      },
    };
    const socket = connect({ host, port, noDelay: true, keepAlive: true, onread });
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.on('connect', () => {
      const text = `${authenticationId}|authenticate|${secret}|`;
      socket.write(`${Buffer.byteLength(text)}#${text}`);
    });
    socket.on('error', (error) => this.#log.debug({ err: error }, 'the NOTIFY connection failed'));
    socket.on('close', () => {
      this.#lost();
      if (this.#stopping) return;
      this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
    });
  }

  #read(socket: Socket, cutter: FrameCutter, data: Uint8Array): void {
    this.#heardAt = performance.now();
    try {
      for (const frame of cutter.push(data as Buffer)) this.#hear(frame);
    } catch (error) {
      this.#log.error({ err: error }, 'a frame of the SIP server cannot be read: closing the NOTIFY connection');
      socket.destroy();
    }
  }

  #hear(text: string): void {
    const frame = readFrame(text);
    if (frame.kind === 'answer') {
      // A provisional answer is none.
      if (frame.status >= 200) this.#finish(this.#frameOf.get(frame.transaction), frame);
    } else if (frame.kind === 'sent') {
      this.#sent(frame.id, frame.transaction);
    } else if (frame.kind === 'refused') this.#refused(frame.id, frame.text);
  }

  #refused(id: string, text: string): void {
    if (id === authenticationId) this.#log.error('the SIP server refuses the NOTIFY connection; is the secret right?');
    else this.#finish(id, fate(/unable to find dialog/i.test(text) ? noDialog : 500));
  }

  #sent(id: string, transaction: string): void {
    if (id === authenticationId) {
      this.#ready = true;
      this.#retryMs = firstRetryMs;
      this.#onReady();
      return;
    }
    const journey = this.#journeys.get(id);
    if (journey) {
      journey.transaction = transaction;
      this.#frameOf.set(transaction, id);
    }
    this.#write(this.#gate.acknowledge(id, performance.now()));
  }

  #finish(id: string | undefined, answer: NotifyAnswer): void {
    const journey = id === undefined ? undefined : this.#journeys.get(id);
    if (id === undefined || !journey) return;
    this.#journeys.delete(id);
    this.#frameOf.delete(journey.transaction);
    this.#write(this.#gate.settle(id, performance.now()));
    if (answer.status >= 300) this.#failed += 1;
    journey.answered(answer);
  }

  /** Writes frames; those of one turn of the event loop go in one system call. */
  #write(frames: readonly NotifyFrame[]): void {
    if (frames.length === 0 || !this.#socket) return;
    if (!this.#corked) {
      const socket = this.#socket;
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    const deadline = performance.now() + answerLimitMs;
    for (const { id, text, bytes, answered } of frames) {
      this.#journeys.set(id, { answered, deadline, transaction: '' });
      this.#socket.write(`${bytes}#${text}`);
    }
  }

  #expire(): void {
    const now = performance.now();
    this.#write(this.#gate.expire(now).release);
    for (const [id, { deadline }] of this.#journeys) {
      if (deadline > now) return;
      this.#finish(id, fate(noAnswer));
    }
  }

  /** A network that swallows everything tells nobody, and neither does a server that hangs. */
  #ping(now: number): void {
    const silentMs = now - this.#heardAt;
    if (silentMs > deadAfterMs) {
      this.#log.error('the SIP server does not answer: closing the NOTIFY connection');
      this.#socket?.destroy();
    } else if (this.#ready && silentMs > pingAfterMs && this.#pingedAt < this.#heardAt) {
      this.#pingedAt = now;
      const text = `${pingId}|ping`;
      this.#socket?.write(`${text.length}#${text}`);
    }
  }

  #lost(): void {
    this.#ready = false;
    this.#socket = null;
    const failed = [...this.#gate.clear(), ...this.#journeys.values()];
    this.#journeys.clear();
    this.#frameOf.clear();
    this.#failed += failed.length;
    for (const { answered } of failed) setImmediate(answered, fate(notConnected));
  }
}
