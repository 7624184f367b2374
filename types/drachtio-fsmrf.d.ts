/** Types of drachtio-fsmrf 4.1.2 and the drachtio-modesl 1.3.1 below it, which ship none: what this project uses of them, written from their behaviour. */
declare module 'drachtio-fsmrf' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  /** An event, or an answer to a command. */
  export interface EslEvent {
    getHeader(name: string): string | null;
    getBody(): string;
  }

  /** The connection to the event socket. It reconnects by itself, but loses count of the answers when it does. */
  export interface EslConnection {
    /** Null between a loss and the next attempt. */
    readonly socket: Socket | null;
    /** The commands that wait for an answer, oldest first: answers carry no number. */
    readonly apiCallbackQueue: unknown[];
    /** Events join those of earlier calls; custom subclasses come last. `done` gets the answer, an error included. */
    subscribe(events: readonly string[], done: (answer: EslEvent) => void): void;
    /** `esl::event::NAME::*`, `esl::end`, `error`. */
    on(event: string, listener: (event: EslEvent) => void): this;
    removeAllListeners(event?: string): this;
  }

  /** One FreeSWITCH. */
  export interface MediaServer extends EventEmitter {
    readonly conn: EslConnection;
    /** Listens for event sockets that FreeSWITCH opens for single calls. */
    readonly _server: { close(): void };
    /** Never settles when the connection is lost before the answer. */
    api(command: string): Promise<string>;
    /** Ends the connection for good. */
    disconnect(): void;
  }

  export interface ConnectOptions {
    readonly address: string;
    readonly port: number;
    readonly secret: string;
    /** Where to listen for event sockets of single calls. */
    readonly listenAddress: string;
    readonly listenPort?: number;
    /** Throws out of a socket's handler when FreeSWITCH has no SIP profile of this name with an IPv4 address. */
    readonly profile: string;
  }

  export default class Mrf {
    constructor(srf: object);
    /** `done` is called for every attempt: it goes on trying after a failure. It is not called when the password is wrong. */
    connect(options: ConnectOptions, done: (error: Error | null, server?: MediaServer) => void): void;
  }
}
