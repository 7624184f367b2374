/** RFC 3264 8.4 and 5.1, RFC 5576 4.1: what an SDP says of the audio of who sends it. Pure. */
import { type Direction, directions } from '../conference-info/user.ts';

/** Seen from the sender of the SDP. */
export interface CallerAudio {
  readonly direction: Direction;
  /** Does not want to hear us: `sendonly`, `inactive`, or the address 0.0.0.0 of RFC 2543. */
  readonly held: boolean;
  /** The RTP source (SSRC, decimal) of the audio, when it is named. */
  readonly sourceId: string | null;
}

interface Part {
  readonly direction: Direction | null;
  readonly address: string | null;
  readonly sourceId: string | null;
}

/** What a part of an SDP names; null what it does not. */
function readPart(lines: readonly string[]): Part {
  const attributes = lines.filter((line) => line.startsWith('a=')).map((line) => line.slice(2).trim());
  const connection = lines.find((line) => line.startsWith('c='));
  const sources = attributes.map((attribute) => /^ssrc:(\d{1,10})\b/.exec(attribute)?.[1]);
  return {
    direction: attributes.findLast(isDirection) ?? null,
    address: connection?.trim().split(' ')[2] ?? null,
    sourceId: sources.find((source) => source !== undefined) ?? null,
  };
}

const isDirection = (attribute: string): attribute is Direction => directions.some((each) => each === attribute);

/** Before RFC 3264, who did not want to hear gave an address where nothing is. */
const deaf: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendonly',
  sendonly: 'sendonly',
  recvonly: 'inactive',
  inactive: 'inactive',
};

/** Reads the first audio stream of an SDP; without one, what holds for the whole session. */
export function audioOf(sdp: string): CallerAudio {
  const lines = sdp.split(/\r?\n/);
  const media = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  const start = media.find((index) => lines[index]?.startsWith('m=audio'));
  const session = readPart(lines.slice(0, media[0] ?? lines.length));
  const end = media.find((index) => index > (start ?? lines.length));
  const audio = start === undefined ? session : readPart(lines.slice(start, end));
  const wanted = audio.direction ?? session.direction ?? 'sendrecv';
  const direction = (audio.address ?? session.address) === '0.0.0.0' ? deaf[wanted] : wanted;
  const held = direction === 'sendonly' || direction === 'inactive';
  return { direction, held, sourceId: start === undefined ? null : audio.sourceId };
}
