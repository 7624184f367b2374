/** The connection to the SIP server (drachtio's client protocol): the one file that knows drachtio-srf. Guards every call, since srf throws when the server is away. */
import Srf from 'drachtio-srf';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { withTrace } from '../trace.ts';
import type { SrfInstance, SrfMessage, SrfRequest, SrfResponse } from './drachtio-srf-types.ts';
import type { FlowLimits } from './flow-gate.ts';
import { gateWire } from './gated-wire.ts';
import { type Headers, headerLines, IncomingRequest } from './incoming-request.ts';
import { PendingWork } from './pending-work.ts';

/** Where the SIP server takes applications. */
export interface SignalingSettings {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly limits: FlowLimits;
}

/** A final answer to a request of ours. */
export interface SipAnswer {
  readonly status: number;
  readonly reason: string;
}

/** A request inside a dialog that the SIP server knows by this id. */
export interface DialogRequest {
  readonly method: string;
  readonly dialogId: string;
  readonly headers?: Headers;
  readonly body?: string;
}

/** Methods that come to us outside of dialogs; requests inside dialogs of ours come whatever they are. */
const methods = [
  'invite',
  'subscribe',
  'options',
  'refer',
  'message',
  'publish',
  'register',
  'info',
  'notify',
] as const;

/** No non-INVITE transaction lasts longer (RFC 3261 17.1.2.2, timer F, 32 s). */
const answerLimitMs = 36_000;
const longestRetryMs = 2000;
const pingMs = 5000;

const constructSrf = Srf as unknown as new () => SrfInstance;

export class Signaling {
  readonly #settings: SignalingSettings;
  readonly #log: Logger;
  readonly #srf = new constructSrf();
  readonly #pending = new PendingWork();
  #connection = 0;
  #connected = false;
  #stopping = false;
  #hosts: readonly string[] = [];
  #onRequest: (request: IncomingRequest) => void = (request) => void request.respond(503);
  #onConnected: (connection: number) => void = () => undefined;

  constructor(settings: SignalingSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.#srf.on('connect', (error, hostPorts) => this.#up(error, hostPorts ?? ''));
    this.#srf.on('close', () => this.#down());
    this.#srf.on('error', (error) => this.#log.warn({ err: error }, 'the SIP server cannot be reached'));
    for (const method of methods) this.#srf.use(method, (request, response) => this.#hear(request, response));
    // Everything inside dialogs: ACK, BYE, UPDATE and whatever else the server passes on.
    this.#srf.use('*', (request, response) => this.#hear(request, response));
  }

  /** Takes over the listeners; call before `start`. `onConnected` hears each (re)connection with its number, from 1. */
  listen(onRequest: (request: IncomingRequest) => void, onConnected: (connection: number) => void): void {
    this.#onRequest = onRequest;
    this.#onConnected = onConnected;
  }

  /** Starts connecting, for ever, with at most 2 s between attempts. */
  start(): void {
    const { host, port, secret, limits } = this.#settings;
    const reconnect = { retryMaxDelay: longestRetryMs };
    this.#srf.connect({ host, port, secret, enablePing: true, pingInterval: pingMs, reconnect });
    const wire = this.#srf.app.client?.wp;
    if (wire) gateWire(wire, limits, this.#log.child({ part: 'flow-gate' }));
  }

  /** Closes the connection; dialogs that are still up die with it. */
  stop(): void {
    this.#stopping = true;
    try {
      this.#srf.disconnect();
    } catch {
      // There was no connection to close.
    }
    this.#down();
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Number of the connection that is up, or was last: dialogs of an earlier one are dead (the server ties them to it). */
  get connection(): number {
    return this.#connection;
  }

  /** Host names and addresses of the SIP server itself, lower case. */
  get hosts(): readonly string[] {
    return this.#hosts;
  }

  /** Sends a request inside a dialog; resolves with whatever final answer comes. Rejects with SIP_SERVER_UNAVAILABLE, SIP_REQUEST_FAILED or SIP_TOO_LARGE. */
  request(request: DialogRequest): Promise<SipAnswer> {
    return this.within<SipAnswer>(answerLimitMs, (resolve, reject) => {
      const options = {
        method: request.method,
        stackDialogId: request.dialogId,
        headers: headerLines(request.headers ?? {}),
        ...(request.body === undefined ? {} : { body: request.body }),
      };
      this.#srf.request('sip:placeholder', options, (error, sent) => {
        if (error || !sent) return reject(notSent(error));
        sent.on('response', (answer: SrfMessage) => {
          if (answer.status >= 200) resolve({ status: answer.status, reason: answer.reason });
        });
      });
    });
  }

  /** A new offer inside a dialog of ours (RFC 3261 14.1), with its ACK; resolves with the answer. Rejects as `request`; a refusal is SIP_REQUEST_FAILED with its status. */
  reinvite(dialogId: string, offer: string): Promise<string> {
    return this.within<string>(answerLimitMs, (resolve, reject) => {
      const options = { method: 'INVITE', stackDialogId: dialogId, body: offer };
      this.#srf.request('sip:placeholder', options, (error, sent) => {
        if (error || !sent) return reject(notSent(error));
        sent.on('response', (answer: SrfMessage, ack) => {
          if (answer.status < 200) return;
          if (answer.status < 300) {
            ack();
            resolve(answer.body ?? '');
            return;
          }
          const detail = { status: answer.status };
          reject(new BridgeError('SIP_REQUEST_FAILED', 'A new offer was refused', { detail }));
        });
      });
    });
  }

  /** Runs something that waits for the SIP server: fails at once when it is away, when it goes, or after the limit (ms). */
  within<T>(limitMs: number, begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    return this.#pending.run<T>(limitMs, (resolve, reject) => {
      if (!this.#connected) throw new BridgeError('SIP_SERVER_UNAVAILABLE', 'The SIP server is not connected');
      begin(resolve, reject);
    });
  }

  /** srf itself, for calls that we make. */
  get srf(): SrfInstance {
    return this.#srf;
  }

  #hear(raw: SrfRequest, response: SrfResponse): void {
    withTrace(() => {
      const request = new IncomingRequest(raw, response, this.#connection, this.#pending, this.#log);
      try {
        this.#onRequest(request);
      } catch (error) {
        this.#log.error({ err: error, method: raw.method }, 'a SIP request could not be handled');
        void request.respond(500);
      }
    });
  }

  #up(error: Error | null, hostPorts: string): void {
    if (error) {
      this.#log.error({ err: error }, 'the SIP server refuses this application; is the secret right?');
      return;
    }
    if (this.#stopping) return;
    this.#connection += 1;
    this.#connected = true;
    this.#hosts = hostsOf(hostPorts);
    this.#log.info({ connection: this.#connection }, 'connected to the SIP server');
    this.#onConnected(this.#connection);
  }

  #down(): void {
    if (this.#connected && !this.#stopping) this.#log.warn('the connection to the SIP server is lost');
    this.#connected = false;
    this.#pending.failAll(
      () => new BridgeError('SIP_SERVER_UNAVAILABLE', 'The connection to the SIP server was lost before an answer'),
    );
  }
}

/** Hosts in the list that the server gives on authentication: `tcp/127.0.0.1:5060,udp/[::1]:5060`. */
export function hostsOf(hostPorts: string): readonly string[] {
  const hosts = hostPorts.split(',').map((entry) => /^[a-z]+\/(\[[^\]]+\]|[^:]+)/i.exec(entry.trim())?.[1] ?? '');
  return [...new Set(hosts.filter((host) => host !== '').map((host) => host.toLowerCase()))];
}

function notSent(error: unknown): BridgeError {
  return new BridgeError('SIP_REQUEST_FAILED', 'The SIP server did not send a request', { cause: error });
}
