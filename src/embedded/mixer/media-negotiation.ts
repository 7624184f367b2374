/** RFC 3264 sections 5, 6 and 8: offers and answers for one G.711 audio stream over plain RTP (RTP/AVP). */
import { isIPv4, isIPv6 } from 'node:net';
import type { Law } from './g711.ts';
import { parseSdp, type SdpMedia, type SdpSession } from './session-description.ts';
import type { MediaAddress } from './source-latch.ts';
import type { Direction, LegMedia } from './worker-protocol.ts';

/** The IP family of our media address. */
export type IpFamily = 4 | 6;

/** What an offer leads to: what we do with the media, and the description that answers it. */
export interface Negotiation {
  /** Null when the offer has every audio stream removed (port 0): nothing flows until the next offer. */
  readonly media: LegMedia | null;
  /** Writes the answer's lines behind o= for our media port. */
  readonly answer: (host: string, port: number) => string[];
}

/** Our own payload type for telephone events, as most phones number it. */
const ownDtmfPayloadType = 101;
const mirrored: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};
const laws: Readonly<Record<string, Law>> = { 'pcmu/8000': 'PCMU', 'pcma/8000': 'PCMA' };
/** A trailing `/1` (channels) says what is so anyway. */
const monoSuffix = /\/1$/;
const staticEncodings: Readonly<Record<string, string>> = { '0': 'pcmu/8000', '8': 'pcma/8000' };

/** Reads an offer; undefined when it holds no audio stream that we can take (answer 488). */
export function negotiate(offer: string, family: IpFamily): Negotiation | undefined {
  const session = parseSdp(offer);
  if (session === undefined) return undefined;
  for (const [index, line] of session.media.entries()) {
    const media = acceptable(line, family);
    if (media !== undefined) return { media, answer: (host, port) => answerLines(session, index, media, host, port) };
  }
  const audio = session.media.filter(({ kind }) => kind === 'audio');
  if (audio.length === 0 || audio.some(({ port }) => port !== 0)) return undefined;
  return { media: null, answer: (host) => answerLines(session, -1, null, host, 0) };
}

/** Reads the answer to `ownOffer`; undefined when the peer refused the stream or answered something else. */
export function readAnswer(answer: string, family: IpFamily): LegMedia | undefined {
  const line = parseSdp(answer)?.media[0];
  return line && acceptable(line, family);
}

/** The lines behind o= of an offer of our own: both laws and telephone events. */
export function ownOffer(host: string, port: number): string[] {
  return [
    ...sessionLines(host, '0 0'),
    `m=audio ${port} RTP/AVP 0 8 ${ownDtmfPayloadType}`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    ...dtmfLines(ownDtmfPayloadType),
    'a=ptime:20',
    'a=sendrecv',
  ];
}

function acceptable(line: SdpMedia, family: IpFamily): LegMedia | undefined {
  if (line.kind !== 'audio' || line.protocol !== 'RTP/AVP' || line.port === 0) return undefined;
  const place = placeOf(line, family);
  if (place === 'unusable') return undefined;
  const payloadType = line.formats.find((format) => lawOf(line, format) !== undefined);
  const law = payloadType === undefined ? undefined : lawOf(line, payloadType);
  if (law === undefined) return undefined;
  const dtmf = line.formats.find((format) => encodingOf(line, format) === 'telephone-event/8000');
  return {
    law,
    payloadType: Number(payloadType),
    dtmfPayloadType: dtmf === undefined ? null : Number(dtmf),
    direction: mirrored[place === 'on-hold' ? withoutListening(line.direction) : line.direction],
    remote: typeof place === 'string' ? null : place,
  };
}

function encodingOf(line: SdpMedia, format: string): string | undefined {
  if (!/^\d{1,3}$/.test(format) || Number(format) > 127) return undefined;
  return (line.encodings.get(format) ?? staticEncodings[format])?.replace(monoSuffix, '');
}

function lawOf(line: SdpMedia, format: string): Law | undefined {
  return laws[encodingOf(line, format) ?? ''];
}

/** Where to send. A host name is not looked up: symmetric RTP finds its address. The unspecified address is the old way to put on hold (RFC 3264 8.4). */
function placeOf(line: SdpMedia, family: IpFamily): MediaAddress | 'on-hold' | 'unknown' | 'unusable' {
  const host = line.host;
  if (host === null) return 'unknown';
  if (host === '0.0.0.0' || host === '::') return 'on-hold';
  const hostFamily = isIPv4(host) ? 4 : isIPv6(host) ? 6 : undefined;
  if (hostFamily === undefined) return 'unknown';
  if (hostFamily !== family || multicast(host)) return 'unusable';
  return { address: host.toLowerCase(), port: line.port };
}

/** Also the limited broadcast and the reserved addresses above it: a conference must not be made to amplify. */
function multicast(host: string): boolean {
  return isIPv4(host) ? Number(host.split('.')[0]) >= 224 : /^ff/i.test(host);
}

function withoutListening(direction: Direction): Direction {
  return direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive';
}

function sessionLines(host: string, timing: string): string[] {
  return ['s=-', `c=IN ${host.includes(':') ? 'IP6' : 'IP4'} ${host}`, `t=${timing}`];
}

function dtmfLines(payloadType: number): string[] {
  return [`a=rtpmap:${payloadType} telephone-event/8000`, `a=fmtp:${payloadType} 0-15`];
}

/** As many m= lines as the offer, in its order; all but the accepted one are refused with port 0 (RFC 3264 6). */
function answerLines(
  session: SdpSession,
  accepted: number,
  media: LegMedia | null,
  host: string,
  port: number,
): string[] {
  const lines = session.media.flatMap((line, index) =>
    index === accepted && media !== null
      ? acceptedLines(media, port)
      : [`m=${line.kind} 0 ${line.protocol} ${line.formats.join(' ')}`],
  );
  return [...sessionLines(host, session.timing), ...lines];
}

function acceptedLines(media: LegMedia, port: number): string[] {
  const { law, payloadType, dtmfPayloadType, direction } = media;
  const formats = dtmfPayloadType === null ? `${payloadType}` : `${payloadType} ${dtmfPayloadType}`;
  return [
    `m=audio ${port} RTP/AVP ${formats}`,
    `a=rtpmap:${payloadType} ${law}/8000`,
    ...(dtmfPayloadType === null ? [] : dtmfLines(dtmfPayloadType)),
    'a=ptime:20',
    `a=${direction}`,
  ];
}

/** Our side of one session: keeps its o= line as RFC 3264 8 asks, the version rising by one with every change. */
export class LocalDescription {
  readonly #origin: string;
  readonly #host: string;
  #version = 0;
  #lines = '';

  /** `sessionId`: a decimal number that no other session of ours has. */
  constructor(sessionId: string, host: string) {
    this.#origin = `- ${sessionId}`;
    this.#host = host;
  }

  /** The whole description for the lines behind o=. */
  write(lines: readonly string[]): string {
    const text = lines.join('\r\n');
    if (text !== this.#lines) this.#version += 1;
    this.#lines = text;
    const origin = `o=${this.#origin} ${this.#version} IN ${this.#host.includes(':') ? 'IP6' : 'IP4'} ${this.#host}`;
    return `v=0\r\n${origin}\r\n${text}\r\n`;
  }
}
