/** RFC 3264 5, 6: what FreeSWITCH, as we configure it, makes of an SDP offer. Pure. */

/** Static payload types of RFC 3551 that our profile takes; it takes opus as well, which has none. */
const staticTypes: ReadonlyMap<string, string> = new Map([
  ['0', 'pcmu'],
  ['8', 'pcma'],
]);
const codecs = new Set(['pcmu', 'pcma', 'opus']);
const protocols = new Set(['RTP/AVP', 'RTP/AVPF']);

/** The description cut at its m= lines; the first part is that of the session. */
function parts(sdp: string): string[][] {
  const all: string[][] = [[]];
  for (const line of sdp.split(/\r?\n/)) {
    if (line.startsWith('m=')) all.push([]);
    all.at(-1)?.push(line.trim());
  }
  return all;
}

/** The codec that a payload type stands for in this part, lower case. */
function codecOf(payload: string, lines: readonly string[]): string {
  const map = lines.find((line) => line.startsWith(`a=rtpmap:${payload} `));
  return map?.split(' ')[1]?.split('/')[0]?.toLowerCase() ?? staticTypes.get(payload) ?? '';
}

function takes(lines: readonly string[]): boolean {
  const [kind, port, protocol = '', ...payloads] = lines[0]?.split(/ +/) ?? [];
  if (kind !== 'm=audio' || port === undefined || !/^[1-9]/.test(port) || !protocols.has(protocol)) return false;
  return payloads.some((payload) => codecs.has(codecOf(payload, lines)));
}

/** True when the offer has an audio stream, in the clear, with a codec that we mix. */
export function mixable(offer: string): boolean {
  return parts(offer).slice(1).some(takes);
}

/** True when nothing may come from the caller for as long as this offer stands, so that silence is no sign of death. */
export function onlyListens(offer: string): boolean {
  const [session, ...media] = parts(offer);
  const audio = media.find(takes);
  const direction = (lines: readonly string[] = []) =>
    lines.findLast((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line));
  return (direction(audio) ?? direction(session)) === 'a=recvonly';
}
