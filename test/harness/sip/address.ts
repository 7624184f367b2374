/** Addresses in SIP headers (RFC 3261 20.10, 19.1): name-addr with its parameters, and where a URI leads. */
import { isIPv4 } from 'node:net';

/** A place that datagrams or connections go to. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The URI of a name-addr or addr-spec, without the header's own parameters. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? (value.split(';')[0] ?? '').trim();
}

/** A parameter of a header, not of the URI within it; undefined when absent, empty when it has no value. */
export function parameterOf(value: string, name: string): string | undefined {
  const closing = value.lastIndexOf('>');
  const tail = closing < 0 ? value.slice(value.indexOf(';')) : value.slice(closing + 1);
  const found = new RegExp(`;\\s*${name}\\s*(?:=\\s*("(?:[^"\\\\]|\\\\.)*"|[^;,\\s]+))?\\s*(?=[;,]|$)`, 'i').exec(tail);
  return found === null || !tail.startsWith(';') ? undefined : (found[1] ?? '');
}

/** The host and port a SIP URI names; null when it names no IPv4 address. */
export function hostPortOf(uri: string): HostPort | null {
  const found = /^sips?:(?:[^@]*@)?([^:;?>]+)(?::(\d+))?/i.exec(uri);
  const host = found?.[1];
  return host !== undefined && isIPv4(host) ? { host, port: Number(found?.[2] ?? 5060) } : null;
}

/** A name-addr; the display name is quoted. */
export function nameAddress(uri: string, displayName?: string, tag?: string): string {
  const display = displayName === undefined ? '' : `"${displayName.replace(/["\\]/g, '\\$&')}" `;
  return `${display}<${uri}>${tag === undefined ? '' : `;tag=${tag}`}`;
}
