/** RFC 3261 section 25: header values that the agent itself must understand (lists, parameters, Via, name-addr, CSeq, URIs). */
import { isIP } from 'node:net';
import type { HeaderList } from './sip-message.ts';

const token = "[A-Za-z0-9\\-.!%*_+`'~]+";
const tokenPattern = new RegExp(`^${token}$`);

/** Whether a text is a `token`. */
export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

/** Parameters by lower-case name; a parameter without value has `undefined`. */
export type Params = ReadonlyMap<string, string | undefined>;

export interface Via {
  /** `UDP`, `TCP`, ... in upper case. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

export interface NameAddr {
  /** The display name as written, with its quotes; empty when there is none. */
  readonly display: string;
  readonly uri: string;
  readonly params: Params;
}

export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  readonly user: string | undefined;
  /** Without the brackets of an IPv6 reference. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  /** Text after `?`, undefined when there is none. */
  readonly headers: string | undefined;
}

/** Place after a quoted string that starts at `start`; the end of the text when it is not closed. */
function endOfQuotes(value: string, start: number): number {
  let i = start + 1;
  while (i < value.length && value[i] !== '"') i += value[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** Splits a header value at the commas that are outside quotes and angle brackets. */
export function splitList(value: string): string[] {
  const parts: string[] = [];
  let angle = false;
  let start = 0;
  let i = 0;
  while (i < value.length) {
    const char = value[i];
    if (char === ',' && !angle) {
      parts.push(value.slice(start, i).trim());
      start = i + 1;
    }
    if (char === '<' || char === '>') angle = char === '<';
    i = char === '"' ? endOfQuotes(value, i) : i + 1;
  }
  parts.push(value.slice(start).trim());
  return parts;
}

/** Every element of a list header, over all its lines. Empty elements are kept: they are faults that a check must see. */
export function listOf(headers: HeaderList, key: string): string[] {
  return headers.all(key).flatMap(splitList);
}

const paramPattern = new RegExp(`\\s*;\\s*(${token})(?:\\s*=\\s*("(?:[^"\\\\]|\\\\.)*"|[^;,"\\s<>]+))?\\s*`, 'y');

/** Reads `;name=value` parameters to the end of the text; undefined when anything else is found. */
export function parseParams(text: string): Params | undefined {
  const params = new Map<string, string | undefined>();
  let index = 0;
  while (index < text.length) {
    paramPattern.lastIndex = index;
    const match = paramPattern.exec(text);
    if (!match?.[1]) return text.slice(index).trim() === '' ? params : undefined;
    params.set(match[1].toLowerCase(), match[2]);
    index = paramPattern.lastIndex;
  }
  return params;
}

const viaPattern = new RegExp(
  `^SIP\\s*/\\s*2\\.0\\s*/\\s*(${token})\\s+(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9\\-._]+)\\s*(?::\\s*(\\d{1,5}))?\\s*(;[\\s\\S]*)?$`,
  'i',
);

/** RFC 3261 20.42. */
export function parseVia(value: string): Via | undefined {
  const match = viaPattern.exec(value.trim());
  if (!match?.[1] || !match[2]) return undefined;
  const params = parseParams(match[4] ?? '');
  const port = match[3] === undefined ? undefined : Number(match[3]);
  if (!params || (port !== undefined && port > 65535)) return undefined;
  return { transport: match[1].toUpperCase(), host: match[2], port, params };
}

const bracketedPattern = /^(?:"(?:[^"\\]|\\.)*"\s*|[^"<>]*)<([^<>\s"]*)>([\s\S]*)$/;
const absoluteUri = /^[A-Za-z][A-Za-z0-9+\-.]*:[^\s<>"]+$/;
const bareUri = /^[A-Za-z][A-Za-z0-9+\-.]*:[^\s<>",?;]+$/;

/** A display name is quoted, or tokens. */
const isDisplay = (text: string): boolean => text.startsWith('"') || text === '' || text.split(/\s+/).every(isToken);

function bracketed(display: string, uri: string, after: string): NameAddr | undefined {
  const params = parseParams(after);
  return params && absoluteUri.test(uri) && isDisplay(display) ? { display, uri, params } : undefined;
}

/** RFC 3261 20.10: `name-addr` or `addr-spec` with parameters, as in From, To, Contact, Route. */
export function parseNameAddr(value: string): NameAddr | undefined {
  const text = value.trim();
  const match = bracketedPattern.exec(text);
  if (match?.[1] !== undefined) {
    const after = match[2] ?? '';
    return bracketed(text.slice(0, text.length - match[1].length - after.length - 2).trim(), match[1], after);
  }
  const semicolon = text.indexOf(';');
  const uri = semicolon < 0 ? text : text.slice(0, semicolon).trimEnd();
  const params = parseParams(semicolon < 0 ? '' : text.slice(semicolon));
  return params && bareUri.test(uri) ? { display: '', uri, params } : undefined;
}

/** The tag of a From or To value; undefined when it has none. */
export function tagOf(value: string | undefined): string | undefined {
  return value === undefined ? undefined : parseNameAddr(value)?.params.get('tag');
}

/** The URI of the first Contact, undefined when there is none or it is `*`. */
export function contactUri(headers: HeaderList): string | undefined {
  return parseNameAddr(listOf(headers, 'contact')[0] ?? '')?.uri;
}

/** RFC 3261 20.16: sequence number (below 2^31) and method. */
export function parseCSeq(value: string | undefined): { seq: number; method: string } | undefined {
  const match = /^(\d{1,10})\s+(\S+)$/.exec((value ?? '').trim());
  if (!match?.[2] || Number(match[1]) >= 2 ** 31) return undefined;
  return { seq: Number(match[1]), method: match[2] };
}

const sipUriPattern =
  /^(sips?):(?:([^@\s<>"]+)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._]+)(?::(\d{1,5}))?((?:;[^\s?;<>"]+)*)(?:\?([^\s<>"]*))?$/i;

function uriParams(text: string): Params {
  const params = new Map<string, string | undefined>();
  for (const part of text.split(';').filter((each) => each !== '')) {
    const equals = part.indexOf('=');
    if (equals < 0) params.set(part.toLowerCase(), undefined);
    else params.set(part.slice(0, equals).toLowerCase(), part.slice(equals + 1));
  }
  return params;
}

/** RFC 3261 19.1: a SIP or SIPS URI; undefined for anything else. */
export function parseSipUri(text: string): SipUri | undefined {
  const match = sipUriPattern.exec(text);
  if (!match?.[1] || !match[3]) return undefined;
  const port = match[4] === undefined ? undefined : Number(match[4]);
  if (port !== undefined && port > 65535) return undefined;
  const host = match[3].replace(/^\[|\]$/g, '');
  if (match[3].startsWith('[') && isIP(host) !== 6) return undefined;
  const scheme = match[1].toLowerCase() === 'sips' ? 'sips' : 'sip';
  return { scheme, user: match[2], host, port, params: uriParams(match[5] ?? ''), headers: match[6] };
}

/** A host as it stands in a URI or Via: IPv6 addresses get brackets. */
export function hostText(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** Whether an option tag is listed in any of these headers (Supported, Require, ...). */
export function hasOption(headers: HeaderList, keys: readonly string[], option: string): boolean {
  return keys.some((key) => listOf(headers, key).some((entry) => entry.toLowerCase() === option));
}
