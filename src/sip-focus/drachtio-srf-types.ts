/** What this service uses of drachtio-srf, typed by what it really does; its own declarations lack most of it. */

/** A request as srf hands it to a middleware; also an outgoing one once it is sent. */
export interface SrfRequest {
  readonly method: string;
  readonly uri: string;
  readonly body?: string;
  /** `application`: made by the SIP server itself (an unsolicited BYE). */
  readonly source: 'network' | 'application';
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly receivedOn?: string;
  readonly stackDialogId?: string;
  get(header: string): string | undefined;
  on(event: 'cancel', listener: () => void): this;
  on(event: 'response', listener: (response: SrfMessage, ack: (options?: { body?: string }) => void) => void): this;
  cancel(callback: (error: unknown) => void): void;
}

/** A SIP message that srf has parsed. */
export interface SrfMessage {
  readonly status: number;
  readonly reason: string;
  readonly body?: string;
  readonly stackDialogId?: string;
  get(header: string): string | undefined;
}

/** Headers to send. srf joins repeated headers with commas; a value may carry CRLF and a second header line. */
type SrfHeaders = Record<string, string>;

export interface SrfResponse extends SrfMessage {
  readonly finalResponseSent: boolean;
  send(
    status: number,
    reason: string | undefined,
    options: { headers?: SrfHeaders; body?: string },
    callback: (error: unknown, sent?: SrfMessage) => void,
  ): void;
}

interface SrfRequestOptions {
  method: string;
  stackDialogId?: string;
  headers?: SrfHeaders;
  body?: string;
}

/** A dialog that srf keeps; only calls that we make have one. */
export interface SrfDialog {
  readonly id: string;
  readonly connected: boolean;
  readonly remote: { readonly sdp: string };
  on(event: 'destroy', listener: (request: SrfRequest | undefined, reason?: string) => void): this;
  on(event: 'modify', listener: (request: SrfRequest, response: SrfResponse) => void): this;
  modify(sdp: string): Promise<string>;
  destroy(options?: { headers?: SrfHeaders }): Promise<unknown>;
}

/** A call of ours without an offer that was answered and not yet acknowledged. */
export interface SrfUnacknowledged {
  readonly sdp: string;
  readonly res: SrfMessage;
  ack(sdp: string): Promise<SrfDialog>;
  destroy(): Promise<void>;
}

/** The wire below srf; the flow gate sits in its `send`. */
export interface SrfWire {
  send(socket: SrfSocket, message: string): string;
  on(event: 'connect' | 'close', listener: (socket: SrfSocket) => void): this;
  prependListener(event: 'connect', listener: (socket: SrfSocket) => void): this;
  prependListener(event: 'msg', listener: (socket: SrfSocket, message: string) => void): this;
  emit(event: 'msg', socket: SrfSocket, message: string): boolean;
}

export interface SrfSocket {
  readonly destroyed: boolean;
  write(text: string): boolean;
  destroy(): void;
  setNoDelay(on: boolean): void;
  on(event: 'data', listener: (data: Buffer) => void): this;
  removeAllListeners(event: 'data'): this;
}

type SrfHandler = (request: SrfRequest, response: SrfResponse, next: () => void) => void;

export interface SrfInstance {
  readonly app: { readonly client?: { readonly wp: SrfWire } };
  connect(options: {
    host: string;
    port: number;
    secret: string;
    enablePing: boolean;
    pingInterval: number;
    reconnect: { retryMaxDelay: number };
  }): void;
  disconnect(): void;
  on(event: 'connect', listener: (error: Error | null, hostPorts?: string, version?: string) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'close' | 'reconnecting', listener: () => void): this;
  use(method: string, handler: SrfHandler): void;
  request(uri: string, options: SrfRequestOptions, callback: (error: unknown, request?: SrfRequest) => void): void;
  createUAC(
    uri: string,
    options: { headers: SrfHeaders; localSdp?: string; noAck?: boolean },
    progress: { cbRequest: (error: unknown, request?: SrfRequest) => void },
  ): Promise<SrfDialog | SrfUnacknowledged>;
  removeDialog(dialog: SrfDialog): void;
}
