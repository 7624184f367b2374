/** RFC 3264 8.4 and 5.1: whether an SDP puts its sender's call on hold. Pure. */

const directions = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

/** The direction and the address that a part of an SDP names, null where it names none. */
function readPart(lines: readonly string[]): { direction: string | null; address: string | null } {
  const attributes = lines.filter((line) => line.startsWith('a=')).map((line) => line.slice(2).trim());
  const connection = lines.find((line) => line.startsWith('c='));
  return {
    direction: attributes.findLast((attribute) => directions.has(attribute)) ?? null,
    address: connection?.trim().split(' ')[2] ?? null,
  };
}

/** True when the first audio stream of this offer does not want to hear us: sendonly, inactive, or the address 0.0.0.0 of RFC 2543. */
export function onHold(sdp: string): boolean {
  const lines = sdp.split(/\r?\n/);
  const media = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  const start = media.find((index) => lines[index]?.startsWith('m=audio'));
  const session = readPart(lines.slice(0, media[0] ?? lines.length));
  const end = media.find((index) => index > (start ?? lines.length));
  const audio = start === undefined ? session : readPart(lines.slice(start, end));
  const direction = audio.direction ?? session.direction;
  return direction === 'sendonly' || direction === 'inactive' || (audio.address ?? session.address) === '0.0.0.0';
}
