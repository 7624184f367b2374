/** SIP messages as a phone reads and writes them (RFC 3261 7, 7.3.3 compact forms, 18.3 framing). */

/** A header line: its name as written, and its value. */
export type HeaderLine = readonly [name: string, value: string];

const compact: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
};

const canonical = (name: string): string => {
  const lower = name.toLowerCase();
  return compact[lower] ?? lower;
};

/** Cuts a list at its commas, but not within quotes or angle brackets. */
export function splitList(value: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  let angle = false;
  for (let i = 0; i < value.length; i += 1) {
    const char = value[i];
    if (quoted && char === '\\') i += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === '<' || char === '>')) angle = char === '<';
    else if (!quoted && !angle && char === ',') {
      parts.push(value.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(value.slice(start).trim());
  return parts.filter((part) => part !== '');
}

/** A request or a response; never changed once made. */
export class SipMessage {
  /** The first line: a request line or a status line. */
  readonly start: string;
  readonly lines: readonly HeaderLine[];
  readonly body: string;

  constructor(start: string, lines: readonly HeaderLine[], body = '') {
    this.start = start;
    this.lines = lines;
    this.body = body;
  }

  /** The status code of a response; 0 for a request. */
  get status(): number {
    return Number(/^SIP\/2\.0 (\d{3})(?: |$)/.exec(this.start)?.[1] ?? 0);
  }

  /** The reason phrase of a response; empty for a request. */
  get reason(): string {
    return /^SIP\/2\.0 \d{3} (.*)$/.exec(this.start)?.[1] ?? '';
  }

  /** The method of a request, or of the request that a response answers. */
  get method(): string {
    return this.status === 0 ? (this.start.split(' ')[0] ?? '') : (this.header('cseq')?.split(/\s+/)[1] ?? '');
  }

  /** The Request-URI; empty for a response. */
  get uri(): string {
    return this.status === 0 ? (this.start.split(' ')[1] ?? '') : '';
  }

  /** The number in CSeq. */
  get sequence(): number {
    return Number.parseInt(this.header('cseq') ?? '', 10);
  }

  /** The first value of a header, whatever its case and whether written in its compact form. */
  header(name: string): string | undefined {
    return this.all(name)[0];
  }

  /** The values of all lines of a header, in order. */
  all(name: string): string[] {
    const wanted = canonical(name);
    return this.lines.filter(([line]) => canonical(line) === wanted).map(([, value]) => value);
  }

  /** The members of a header that is a list, whether on one line or on many. */
  list(name: string): string[] {
    return this.all(name).flatMap(splitList);
  }

  /** All headers, their names in lower case, several lines of one joined by a comma. */
  get headers(): Readonly<Record<string, string>> {
    const joined: Record<string, string> = {};
    for (const [name, value] of this.lines) {
      const key = canonical(name);
      joined[key] = joined[key] === undefined ? value : `${joined[key]}, ${value}`;
    }
    return joined;
  }

  /** The bytes on the wire; Content-Length is added. */
  encode(): Buffer {
    const body = Buffer.from(this.body);
    const head = this.lines
      .filter(([name]) => canonical(name) !== 'content-length')
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    return Buffer.concat([Buffer.from(`${this.start}\r\n${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  }
}

/** Reads one whole message; null when it is none. A body longer than Content-Length is cut. */
export function parseMessage(bytes: Buffer): SipMessage | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [start = '', ...rows] = bytes
    .subarray(0, end)
    .toString()
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  if (!/^(SIP\/2\.0 \d{3}(?: .*)?|[A-Za-z0-9\-.!%*_+`'~]+ \S+ SIP\/2\.0)$/.test(start)) return null;
  const lines: HeaderLine[] = [];
  for (const row of rows) {
    const colon = row.indexOf(':');
    if (colon < 1) return null;
    lines.push([row.slice(0, colon).trim(), row.slice(colon + 1).trim()]);
  }
  const head = new SipMessage(start, lines);
  const length = head.header('content-length');
  const body = bytes.subarray(end + 4);
  if (length !== undefined && Number(length) > body.length) return null;
  return new SipMessage(start, lines, body.subarray(0, length === undefined ? body.length : Number(length)).toString());
}

/** Cuts a byte stream into messages by Content-Length (RFC 3261 18.3). */
export class MessageFramer {
  #pending: Buffer = Buffer.alloc(0);

  /** The messages that these bytes complete. Throws when the stream is not SIP. */
  push(bytes: Buffer): SipMessage[] {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const messages: SipMessage[] = [];
    for (;;) {
      let skip = 0;
      while (this.#pending[skip] === 13 || this.#pending[skip] === 10) skip += 1; // keep-alive (RFC 5626 3.5.1)
      this.#pending = this.#pending.subarray(skip);
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end < 0) return messages;
      const head = this.#pending.subarray(0, end).toString();
      const length = /(?:^|\r\n)(?:content-length|l)[ \t]*:[ \t]*(\d+)/i.exec(head)?.[1];
      if (length === undefined) throw new Error('a message on a stream without Content-Length');
      const total = end + 4 + Number(length);
      if (this.#pending.length < total) return messages;
      const message = parseMessage(this.#pending.subarray(0, total));
      if (message === null) throw new Error('not a SIP message on the stream');
      messages.push(message);
      this.#pending = this.#pending.subarray(total);
    }
  }
}
