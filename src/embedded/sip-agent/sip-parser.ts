/** RFC 3261 sections 7, 8.1.1, 18.3 and 25: a strict reader; it says with which code a faulty request is answered. */
import { isToken, listOf, parseCSeq, parseNameAddr, parseSipUri, parseVia } from './sip-header.ts';
import { createRequest, HeaderList, type SipMessage, type SipRequest } from './sip-message.ts';

export type ParseResult =
  | { readonly ok: true; readonly message: SipMessage }
  | {
      readonly ok: false;
      /** 400 or 505; 0 when nothing can or may be answered. */
      readonly status: number;
      readonly why: string;
      /** What could be read of the request, enough to answer it (it has a Via); present when `status` is not 0. */
      readonly request?: SipRequest;
    };

const requestLine = /^(\S+) (\S+) SIP\/(\d+\.\d+)$/i;
const statusLine = /^SIP\/2\.0 (\d{3})(?: (.*))?$/i;
const looseRequestLine = /^\s*([A-Za-z0-9\-.!%*_+`'~]+)\s/;

interface FirstLine {
  readonly message: SipMessage;
  readonly fault?: { status: number; why: string };
}

/** Reads one datagram, or one message cut out of a stream. */
export function parseSip(bytes: Buffer): ParseResult {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return { ok: false, status: 0, why: 'no end of the header section' };
  const lines = bytes.toString('utf8', 0, end).split(/\r\n(?![ \t])/);
  const first = readFirstLine(lines[0] ?? '');
  if (!first) return { ok: false, status: 0, why: 'not a SIP message' };
  const { message } = first;
  const fault =
    first.fault?.why ??
    readHeaders(lines, message.headers) ??
    readBody(message, bytes.subarray(end + 4)) ??
    checkMandatory(message) ??
    checkAddresses(message.headers);
  if (fault === undefined) return { ok: true, message };
  if (first.fault) readHeaders(lines, message.headers);
  const answerable = message.kind === 'request' && message.method !== 'ACK' && message.headers.get('via') !== undefined;
  if (!answerable) return { ok: false, status: 0, why: fault };
  return { ok: false, status: first.fault?.status ?? 400, why: fault, request: message };
}

function readFirstLine(line: string): FirstLine | undefined {
  const response = statusLine.exec(line);
  if (response) return readStatusLine(Number(response[1]), response[2] ?? '');
  const request = requestLine.exec(line);
  if (!request?.[1] || !request[2]) {
    const method = looseRequestLine.exec(line)?.[1];
    if (method === undefined || /^SIP\//i.test(line)) return undefined;
    return faulty(createRequest(method, 'sip:invalid.invalid'), 400, 'malformed request line');
  }
  const message = createRequest(request[1], request[2]);
  if (request[3] !== '2.0') return faulty(message, 505, 'SIP version not supported');
  if (!isToken(message.method)) return faulty(message, 400, 'method is not a token');
  if (!isRequestUri(message.uri)) return faulty(message, 400, 'bad Request-URI');
  return { message };
}

function faulty(message: SipRequest, status: number, why: string): FirstLine {
  return { message, fault: { status, why } };
}

function readStatusLine(status: number, reason: string): FirstLine | undefined {
  if (status < 100 || status > 699) return undefined;
  return { message: { kind: 'response', status, reason, headers: new HeaderList(), body: Buffer.alloc(0) } };
}

/** RFC 3261 19.1.1: a Request-URI has no header part. Other schemes are left for the 416 of the agent. */
function isRequestUri(uri: string): boolean {
  if (/^sips?:/i.test(uri)) {
    const parsed = parseSipUri(uri);
    return parsed !== undefined && parsed.headers === undefined;
  }
  return /^[A-Za-z][A-Za-z0-9+\-.]*:[^\s<>"]+$/.test(uri);
}

function readHeaders(lines: readonly string[], headers: HeaderList): string | undefined {
  let fault: string | undefined;
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trimEnd();
    const value = line
      .slice(colon + 1)
      .replace(/\r\n[ \t]+/g, ' ')
      .trim();
    if (!isToken(name) || hasControl(value)) fault ??= 'malformed header line';
    else headers.add(name, value);
  }
  return fault;
}

/** Bare CR, LF or NUL in a value would be read differently by whoever gets the message next. Quoted pairs may hold NUL. */
function hasControl(value: string): boolean {
  return value.includes('\r') || value.includes('\n') || value.replaceAll('\\\0', '').includes('\0');
}

function readBody(message: SipMessage, rest: Buffer): string | undefined {
  const lengths = new Set(message.headers.all('content-length'));
  if (lengths.size > 1) return 'contradicting Content-Length';
  const [length] = lengths;
  if (length === undefined) {
    message.body = rest;
    return undefined;
  }
  if (!/^\d{1,9}$/.test(length)) return 'bad Content-Length';
  if (Number(length) > rest.length) return 'body shorter than Content-Length';
  message.body = rest.subarray(0, Number(length));
  return undefined;
}

function checkPresence(headers: HeaderList): string | undefined {
  if (headers.get('via') === undefined) return 'missing Via';
  for (const key of ['from', 'to', 'call-id', 'cseq', 'max-forwards']) {
    const count = headers.all(key).length;
    if (count > 1) return `more than one ${key}`;
    if (count === 0 && key !== 'max-forwards') return `missing ${key}`;
  }
  return undefined;
}

function checkMandatory(message: SipMessage): string | undefined {
  const { headers } = message;
  const missing = checkPresence(headers);
  if (missing !== undefined) return missing;
  if (!/^\S+$/.test(headers.get('call-id') ?? '')) return 'bad Call-ID';
  const cseq = parseCSeq(headers.get('cseq'));
  if (!cseq) return 'bad CSeq';
  if (message.kind === 'request' && cseq.method !== message.method) return 'CSeq has another method';
  const hops = headers.get('max-forwards');
  if (hops !== undefined && !(/^\d{1,10}$/.test(hops) && Number(hops) <= 255)) return 'bad Max-Forwards';
  return undefined;
}

function checkAddresses(headers: HeaderList): string | undefined {
  if (!listOf(headers, 'via').every((via) => parseVia(via) !== undefined)) return 'bad Via';
  const isBad = (value: string): boolean => parseNameAddr(value) === undefined;
  const single = ['from', 'to'].find((key) => headers.all(key).some(isBad));
  const listed = ['contact', 'route', 'record-route'].find((key) =>
    listOf(headers, key).some((value) => !(key === 'contact' && value === '*') && isBad(value)),
  );
  const bad = single ?? listed;
  return bad === undefined ? undefined : `bad ${bad}`;
}
