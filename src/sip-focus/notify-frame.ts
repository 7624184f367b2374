/** drachtio's client protocol, the part that NOTIFYs need: frames out, frames in, as text. Pure. */

/** A NOTIFY ready to be framed. */
export interface Notification {
  readonly dialogId: string;
  /** Header lines, each ending in CRLF, the body's Content-Type included. */
  readonly headers: string;
  readonly body: string;
}

/** The text of a frame that sends a NOTIFY inside a dialog. */
export const notifyText = (id: string, { dialogId, headers, body }: Notification): string =>
  `${id}|sip||${dialogId}\r\nNOTIFY sip:placeholder SIP/2.0\r\n${headers}\r\n${body}`;

/** A final answer to a NOTIFY, or what stands for one. */
export interface NotifyAnswer {
  readonly status: number;
  /** Value of Event, in a 2xx that wishes NOTIFYs more or less often (RFC 6446 4.1); else null. */
  readonly event: string | null;
  /** Seconds of Retry-After in a refusal, or null. */
  readonly retryAfter: number | null;
}

/** What came from the SIP server: the fate of a frame of ours, the answer to a NOTIFY, or something that is not for us. */
export type InboundFrame =
  | { readonly kind: 'sent'; readonly id: string; readonly transaction: string }
  | { readonly kind: 'refused'; readonly id: string; readonly text: string }
  | ({ readonly kind: 'answer'; readonly transaction: string } & NotifyAnswer)
  | { readonly kind: 'other' };

const other: InboundFrame = { kind: 'other' };

/** A field of the first line, counted from 0; empty when there are fewer. Two of these cost less than splitting a line of twelve. */
function fieldOf(text: string, place: number, end: number): string {
  let from = 0;
  for (let index = 0; index < place; index += 1) {
    from = text.indexOf('|', from) + 1;
    if (from === 0 || from > end) return '';
  }
  const to = text.indexOf('|', from);
  return text.slice(from, to < 0 || to > end ? end : to);
}

/** A header of a message that is known to begin at `from`; null when it has none. */
function headerOf(text: string, names: string, from: number): string | null {
  return new RegExp(`^(?:${names})[ \\t]*:[ \\t]*([^\\r\\n]*)`, 'im').exec(text.slice(from))?.[1]?.trim() ?? null;
}

/** Most answers have nothing to say besides their status, and are not looked at any further. */
function answerOf(text: string, status: number, from: number): NotifyAnswer {
  if (status < 300)
    return { status, event: text.includes('-rate', from) ? headerOf(text, 'Event|o', from) : null, retryAfter: null };
  const seconds = /^\d{1,9}/.exec(headerOf(text, 'Retry-After', from) ?? '')?.[0];
  return { status, event: null, retryAfter: seconds === undefined ? null : Number(seconds) };
}

/** Reads a frame; only its first two lines matter, and what an answer says besides. */
export function readFrame(text: string): InboundFrame {
  const line = text.indexOf('\r\n');
  const end = line < 0 ? text.length : line;
  const kind = fieldOf(text, 1, end);
  if (kind === 'response') {
    const id = fieldOf(text, 2, end);
    if (fieldOf(text, 3, end) !== 'OK') return { kind: 'refused', id, text: fieldOf(text, 4, end) };
    return { kind: 'sent', id, transaction: fieldOf(text, 10, end) };
  }
  if (kind !== 'sip' || line < 0) return other;
  const status = /^SIP\/2\.0 (\d{3})/.exec(text.slice(end + 2, end + 13))?.[1];
  if (status === undefined) return other;
  return { kind: 'answer', transaction: fieldOf(text, 8, end), ...answerOf(text, Number(status), end) };
}

const hash = 0x23;
const nothing = Buffer.alloc(0);

/** Cuts a byte stream into frames `<length>#<text>`. `latin1` is quicker, and enough for who reads only the ASCII parts. */
export class FrameCutter {
  readonly #encoding: 'latin1' | 'utf8';
  #rest: Buffer = nothing;

  constructor(encoding: 'latin1' | 'utf8' = 'latin1') {
    this.#encoding = encoding;
  }

  /** Texts of the frames that are now complete; `data` may be used again by the caller. Throws RangeError when the stream has no frames in it. */
  push(data: Buffer): string[] {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const frames: string[] = [];
    let at = 0;
    for (;;) {
      const mark = bytes.indexOf(hash, at);
      if (mark < 0) break;
      const digits = bytes.toString('latin1', at, mark);
      if (!/^\d{1,7}$/.test(digits)) throw new RangeError('no frame length');
      const end = mark + 1 + Number(digits);
      if (end > bytes.length) break;
      frames.push(bytes.toString(this.#encoding, mark + 1, end));
      at = end;
    }
    this.#rest = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at));
    if (this.#rest.length > 16 && this.#rest.indexOf(hash) < 0) throw new RangeError('no frame length');
    return frames;
  }
}
