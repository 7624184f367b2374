/** RFC 6665 8.2.1, RFC 6446 9.2: the Event header, of SUBSCRIBE and of answers to NOTIFY. Pure. */
import type { Rates } from '../conference-info/pace.ts';

/** The only package that there is here (RFC 4575 3.1). */
export const eventPackage = 'conference';

/** What an Event header says. */
export interface EventValue {
  /** As it was sent: a subscriber knows its NOTIFYs by it, byte for byte. */
  readonly type: string;
  /** Null without one. */
  readonly id: string | null;
  readonly rates: Rates | null;
}

const longestId = 64;
const token = /^[A-Za-z0-9.!%*_+`'~-]+$/;
const decimal = /^\d{1,2}(?:\.\d{1,10})?$/;

/** Values of the parameters by name in lower case, as often as they are given. */
function parametersOf(parts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : part.slice(equals + 1).trim();
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return found;
}

/** NOTIFYs per second; null when it does not say, or nothing that makes sense. */
function rateOf(values: readonly string[] | undefined): number | null {
  const [value = ''] = values ?? [];
  return decimal.test(value) && Number(value) > 0 ? Number(value) : null;
}

function ratesOf(parameters: ReadonlyMap<string, readonly string[]>): Rates | null {
  const [maxRate, minRate, adaptiveMinRate] = ['max-rate', 'min-rate', 'adaptive-min-rate'].map((name) =>
    rateOf(parameters.get(name)),
  );
  if (maxRate == null && minRate == null && adaptiveMinRate == null) return null;
  return { maxRate: maxRate ?? null, minRate: minRate ?? null, adaptiveMinRate: adaptiveMinRate ?? null };
}

/** Reads the value of Event; null for one that is not well formed: several events, no token, an id that cannot be repeated. */
export function parseEvent(value: string): EventValue | null {
  const [first = '', ...rest] = value.split(';');
  const type = first.trim();
  // Several header lines arrive as one, with commas.
  if (!token.test(type) || value.includes(',')) return null;
  const parameters = parametersOf(rest);
  const ids = parameters.get('id') ?? [];
  const [id] = ids;
  if (ids.length > 1 || (id !== undefined && (!token.test(id) || id.length > longestId))) return null;
  return { type, id: id ?? null, rates: ratesOf(parameters) };
}

/** The value of Event in the NOTIFYs of a subscription. */
export const eventText = ({ type, id }: Pick<EventValue, 'type' | 'id'>): string =>
  id === null ? type : `${type};id=${id}`;
