/** Session descriptions of a phone with one G.711 stream (RFC 4566, RFC 3264, RFC 4733 2.4.1). */
import type { HostPort } from './address.ts';
import type { Codec } from './g711.ts';

/** Media direction from the writer's point of view. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What a peer says of its audio. */
export interface RemoteAudio extends HostPort {
  readonly direction: Direction;
  /** The codecs it accepts, in its order. */
  readonly codecs: readonly { readonly codec: Codec; readonly payloadType: number }[];
  /** Payload type of telephone-event, when it takes keys. */
  readonly eventType?: number;
}

/** What a phone says of its audio. */
export interface OwnAudio {
  readonly port: number;
  readonly codec: Codec;
  readonly payloadType: number;
  readonly eventType: number;
  readonly direction: Direction;
  /** Counts up with each description that differs (RFC 3264 8). */
  readonly version: number;
}

/** The payload type of telephone-event in a phone's own offers. */
export const ownEventType = 101;
/** The static payload types (RFC 3551 6). */
export const staticType: Readonly<Record<Codec, number>> = { PCMU: 0, PCMA: 8 };

/** Writes an offer or an answer. */
export function writeDescription(audio: OwnAudio): string {
  return [
    'v=0',
    `o=- 4711 ${audio.version} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${audio.port} RTP/AVP ${audio.payloadType} ${audio.eventType}`,
    `a=rtpmap:${audio.payloadType} ${audio.codec}/8000`,
    `a=rtpmap:${audio.eventType} telephone-event/8000`,
    `a=fmtp:${audio.eventType} 0-15`,
    'a=ptime:20',
    `a=${audio.direction}`,
    '',
  ].join('\r\n');
}

/** Reads the first audio stream. Throws when there is none, or none in G.711. */
export function readDescription(sdp: string): RemoteAudio {
  const lines = sdp.split(/\r?\n/);
  const start = lines.findIndex((line) => line.startsWith('m=audio '));
  const [, port, , ...types] = lines[start]?.split(' ') ?? [];
  if (port === undefined) throw new Error('no audio in the session description');
  const next = lines.findIndex((line, index) => index > start && line.startsWith('m='));
  const media = lines.slice(start, next < 0 ? undefined : next);
  const session = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith('m=')),
  );
  const find = (pattern: RegExp): string | undefined =>
    [...media, ...session].map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
  const host = find(/^c=IN IP4 (\S+)/);
  if (host === undefined) throw new Error('no IPv4 address in the session description');
  const names = new Map<number, string>([
    [0, 'PCMU'],
    [8, 'PCMA'],
  ]);
  for (const line of media) {
    const map = /^a=rtpmap:(\d+) ([^/]+)\/8000/i.exec(line);
    if (map?.[1] !== undefined && map[2] !== undefined) names.set(Number(map[1]), map[2].toUpperCase());
  }
  const codecs = types.map(Number).flatMap((payloadType) => {
    const codec = names.get(payloadType);
    return codec === 'PCMU' || codec === 'PCMA' ? [{ codec, payloadType } as const] : [];
  });
  if (codecs.length === 0) throw new Error('no G.711 in the session description');
  const eventType = types.map(Number).find((type) => names.get(type) === 'TELEPHONE-EVENT');
  return {
    host,
    port: Number(port),
    direction: (find(/^a=(sendrecv|sendonly|recvonly|inactive)\s*$/) ?? 'sendrecv') as Direction,
    codecs,
    ...(eventType === undefined ? {} : { eventType }),
  };
}

/** The direction that answers an offered one, for a side that would like to `wish`. */
export function answeringDirection(offered: Direction, wish: Direction): Direction {
  const sends = offered !== 'sendonly' && offered !== 'inactive' && (wish === 'sendrecv' || wish === 'sendonly');
  const receives = offered !== 'recvonly' && offered !== 'inactive' && (wish === 'sendrecv' || wish === 'recvonly');
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}
