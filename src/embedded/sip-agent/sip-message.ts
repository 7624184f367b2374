/** RFC 3261 section 7: a SIP message as data (ordered header lines, body as bytes) and as the bytes of the wire. */

/** RFC 3261 7.3.3 and the registry of compact forms. */
const compactForms: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Names that are not simply capitalised after each dash. */
const unusualNames: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'mime-version': 'MIME-Version',
  'min-se': 'Min-SE',
  rack: 'RAck',
  rseq: 'RSeq',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
  'www-authenticate': 'WWW-Authenticate',
};

/** The key under which a header is found: lower case, compact forms written out. */
export function headerKey(name: string): string {
  const key = name.toLowerCase();
  return compactForms[key] ?? key;
}

/** How a header name is written on the wire. `X-` names keep their spelling, compact forms are written out. */
export function headerName(name: string): string {
  if (/^x-/i.test(name)) return name;
  const key = headerKey(name);
  return (
    unusualNames[key] ??
    key.replace(/(^|-)([a-z])/g, (_match, dash: string, letter: string) => dash + letter.toUpperCase())
  );
}

interface HeaderLine {
  readonly key: string;
  readonly name: string;
  value: string;
}

/** The header lines of one message, in their order; keys as `headerKey` makes them. */
export class HeaderList {
  #lines: HeaderLine[] = [];

  /** The value of the first line with this key. */
  get(key: string): string | undefined {
    return this.#lines.find((line) => line.key === key)?.value;
  }

  /** The values of all lines with this key, in order; one value may hold a comma-separated list. */
  all(key: string): string[] {
    return this.#lines.filter((line) => line.key === key).map((line) => line.value);
  }

  /** Appends a line. */
  add(name: string, value: string): void {
    this.#lines.push({ key: headerKey(name), name: headerName(name), value });
  }

  /** Puts a line before all others, as a new Via needs it. */
  prepend(name: string, value: string): void {
    this.#lines.unshift({ key: headerKey(name), name: headerName(name), value });
  }

  /** Replaces the first line of this name, or appends one. */
  set(name: string, value: string): void {
    const key = headerKey(name);
    const line = this.#lines.find((candidate) => candidate.key === key);
    if (line) line.value = value;
    else this.add(name, value);
  }

  /** Removes every line with this key. */
  remove(key: string): void {
    this.#lines = this.#lines.filter((line) => line.key !== key);
  }

  /** Name (as on the wire), key and value of each line. */
  entries(): readonly Readonly<HeaderLine>[] {
    return this.#lines;
  }
}

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  uri: string;
  readonly headers: HeaderList;
  body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

const noBody = Buffer.alloc(0);

/** A request without headers. */
export function createRequest(method: string, uri: string): SipRequest {
  return { kind: 'request', method, uri, headers: new HeaderList(), body: noBody };
}

/** A response with the headers that RFC 3261 8.2.6.2 has copied from the request; a To without tag gets `toTag`. */
export function createResponse(request: SipRequest, status: number, reason: string, toTag?: string): SipResponse {
  const headers = new HeaderList();
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    for (const value of request.headers.all(headerKey(name))) headers.add(name, value);
  }
  const to = headers.get('to');
  if (toTag !== undefined && to !== undefined && !/;\s*tag\s*=/i.test(to.slice(to.lastIndexOf('>') + 1))) {
    headers.set('To', `${to};tag=${toTag}`);
  }
  return { kind: 'response', status, reason: reason || reasonPhrase(status), headers, body: noBody };
}

/** The bytes of a message; Content-Length is always made from the body. */
export function serialise(message: SipMessage): Buffer {
  const first =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  let head = `${first}\r\n`;
  for (const line of message.headers.entries()) {
    if (line.key !== 'content-length') head += `${line.name}: ${line.value}\r\n`;
  }
  head += `Content-Length: ${message.body.length}\r\n\r\n`;
  return message.body.length === 0 ? Buffer.from(head) : Buffer.concat([Buffer.from(head), message.body]);
}

const reasonPhrases: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

/** The phrase that goes with a status code; RFC 3261 lets it be empty for an unknown one. */
export function reasonPhrase(status: number): string {
  return reasonPhrases[status] ?? '';
}
