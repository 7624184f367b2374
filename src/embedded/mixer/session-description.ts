/** RFC 8866: reading the parts of a session description that a plain RTP answerer needs. */
import type { Direction } from './worker-protocol.ts';

/** One m= line with what belongs to it. */
export interface SdpMedia {
  readonly kind: string;
  /** 0 when the stream is refused or removed. */
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  /** The host of its c= line, or of the session's; null when there is none. */
  readonly host: string | null;
  /** The direction from the author's point of view. */
  readonly direction: Direction;
  /** `rtpmap` values by format, in lower case: `pcmu/8000`. */
  readonly encodings: ReadonlyMap<string, string>;
}

/** A session description. */
export interface SdpSession {
  /** The value of the t= line. */
  readonly timing: string;
  readonly media: readonly SdpMedia[];
}

interface Section {
  host: string | null;
  direction: Direction | null;
  readonly encodings: Map<string, string>;
}

const directions: readonly string[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] satisfies Direction[];
const mediaLine = /^([a-z]+) (\d{1,5})(?:\/\d+)? ([A-Za-z0-9/]+)((?: [^ ]+)+)$/;
const connectionLine = /^IN IP[46] ([^ /]+)(?:\/[\d/]+)?$/;
const mappingLine = /^rtpmap:(\d{1,3}) ([^ ]+)/;
/** More m= lines than any phone sends; a description beyond it is not read. */
const mostMedia = 32;

/** Reads a description; undefined when it is not one. Unknown lines are passed over, as RFC 8866 5 asks. */
export function parseSdp(text: string): SdpSession | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines[0] !== 'v=0' || !lines.every((line) => line[1] === '=')) return undefined;
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  if (starts.length > mostMedia) return undefined;
  const session = readSection(lines.slice(0, starts[0] ?? lines.length));
  const media: SdpMedia[] = [];
  for (const [index, start] of starts.entries()) {
    const section = readMedia(lines.slice(start, starts[index + 1]), session);
    if (section === undefined) return undefined;
    media.push(section);
  }
  const timing = lines.find((line) => line.startsWith('t='))?.slice(2) ?? '0 0';
  return { timing, media };
}

function readMedia(lines: readonly string[], session: Section): SdpMedia | undefined {
  const found = mediaLine.exec(lines[0]?.slice(2) ?? '');
  const [, kind, port, protocol, formats] = found ?? [];
  if (kind === undefined || protocol === undefined || formats === undefined || Number(port) > 65_535) return undefined;
  const own = readSection(lines.slice(1));
  return {
    kind,
    port: Number(port),
    protocol,
    formats: formats.trim().split(' '),
    host: own.host ?? session.host,
    direction: own.direction ?? session.direction ?? 'sendrecv',
    encodings: own.encodings,
  };
}

function readSection(lines: readonly string[]): Section {
  const section: Section = { host: null, direction: null, encodings: new Map() };
  for (const line of lines) {
    const value = line.slice(2).trimEnd();
    if (line.startsWith('c=')) section.host = connectionLine.exec(value)?.[1] ?? section.host;
    if (line.startsWith('a=')) readAttribute(value, section);
  }
  return section;
}

function readAttribute(value: string, section: Section): void {
  if (directions.includes(value)) section.direction = value as Direction;
  const [, format, encoding] = mappingLine.exec(value) ?? [];
  if (format !== undefined && encoding !== undefined) section.encodings.set(format, encoding.toLowerCase());
}
