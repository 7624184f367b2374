/** drachtio's client protocol, inner layer: the fields of frames, and the SIP text an application hands over. */
import { randomUUID } from 'node:crypto';
import { isToken } from './sip-header.ts';
import { createRequest, HeaderList, type SipMessage, serialise } from './sip-message.ts';
import type { Flow } from './transport.ts';

export interface AppFrame {
  /** The id that the answer names. */
  readonly id: string;
  readonly kind: string;
  readonly fields: readonly string[];
  /** What follows the first CRLF. */
  readonly content: Buffer;
}

/** Splits a frame into its fields; undefined when it has no kind. */
export function parseAppFrame(frame: Buffer): AppFrame | undefined {
  const end = frame.indexOf('\r\n');
  const [id, kind, ...fields] = frame.toString('utf8', 0, end < 0 ? frame.length : end).split('|');
  if (!id || !kind) return undefined;
  return { id, kind, fields, content: end < 0 ? Buffer.alloc(0) : frame.subarray(end + 2) };
}

/** Reads the SIP text of an application. Its headers are incomplete on purpose, so only the form is looked at. */
export function parseAppMessage(content: Buffer): SipMessage | undefined {
  const end = content.indexOf('\r\n\r\n');
  const head = content.toString('utf8', 0, end < 0 ? content.length : end).split(/\r\n(?![ \t])/);
  const message = parseFirstLine(head[0] ?? '');
  if (!message) return undefined;
  if (end >= 0) message.body = content.subarray(end + 4);
  for (const line of head.slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    const value = line.slice(colon + 1).replace(/\s*\r\n\s*/g, ' ');
    if (isToken(name) && !/[\r\n\0]/.test(value)) message.headers.add(name, value.trim());
  }
  return message;
}

function parseFirstLine(line: string): SipMessage | undefined {
  const status = /^SIP\/2\.0 ([1-6]\d\d) ?(.*)$/.exec(line);
  if (status) {
    return {
      kind: 'response',
      status: Number(status[1]),
      reason: status[2] ?? '',
      headers: new HeaderList(),
      body: Buffer.alloc(0),
    };
  }
  const [method = '', uri = ''] = line.split(' ');
  return isToken(method) && uri !== '' && !/[<>"\r\n]/.test(uri) ? createRequest(method, uri) : undefined;
}

/** `source|bytes|protocol|address|port|time`; the address is the peer's, or ours for a request that we sent. */
function meta(source: 'network' | 'application', bytes: number, flow: Flow | undefined, side: 'peer' | 'own'): string {
  const time = `${new Date().toISOString().slice(11, 23)}000`;
  const address = side === 'own' ? flow?.local.host : flow?.address;
  const port = side === 'own' ? flow?.local.port : flow?.port;
  return [source, bytes, flow?.local.protocol ?? 'unknown', address ?? '', port ?? 0, time].join('|');
}

export interface ToApp {
  readonly message: SipMessage;
  readonly source: 'network' | 'application';
  readonly flow: Flow | undefined;
  readonly transactionId: string;
  /** Empty for a request outside of dialogs. */
  readonly dialogId: string;
  /** Only a new request says on which of our addresses it came. */
  readonly receivedOn?: { readonly host: string; readonly port: number };
}

/** A `sip` frame that hands a message to the application. */
export function encodeToApp(frame: ToApp): Buffer {
  const bytes = serialise(frame.message);
  const where = frame.receivedOn ? `${frame.receivedOn.host}|${frame.receivedOn.port}|` : '';
  const fields = `${meta(frame.source, bytes.length, frame.flow, 'peer')}|${frame.transactionId}|${frame.dialogId}|${where}`;
  return Buffer.concat([Buffer.from(`${randomUUID()}|sip|${fields}\r\n`), bytes]);
}

/** A `response` frame; `detail` is what follows OK, NO or NOK. */
export function encodeResponse(id: string, verdict: 'OK' | 'NO' | 'NOK', detail?: string): Buffer {
  return Buffer.from(`${randomUUID()}|response|${id}|${verdict}${detail === undefined ? '' : `|${detail}`}`);
}

/** The OK to a request that was sent. */
export function encodeRequestSent(
  id: string,
  message: SipMessage,
  flow: Flow | undefined,
  transactionId: string,
): Buffer {
  const bytes = serialise(message);
  const fields = `${meta('application', bytes.length, flow, 'own')}|${transactionId}|Msg sent:|`;
  return Buffer.concat([Buffer.from(`${randomUUID()}|response|${id}|OK|${fields}\r\n`), bytes]);
}

/** The OK to a response that was sent: a dialog id and an empty field more than for a request. */
export function encodeResponseSent(
  id: string,
  message: SipMessage,
  flow: Flow,
  ids: { transactionId: string; dialogId: string },
): Buffer {
  const bytes = serialise(message);
  const fields = `${meta('application', bytes.length, flow, 'peer')}|${ids.transactionId}|${ids.dialogId}||Msg sent:|`;
  return Buffer.concat([Buffer.from(`${randomUUID()}|response|${id}|OK|${fields}\r\n`), bytes]);
}
