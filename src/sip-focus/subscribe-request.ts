/** RFC 6665 4.2.1, RFC 4575 3.3, 3.4, RFC 5839: what a SUBSCRIBE asks for, or how it must be refused. Pure. */
import type { Rates } from '../conference-info/pace.ts';
import { accepts } from './accept-header.ts';
import { conferenceInfoType, unsupported } from './capabilities.ts';
import { type EventValue, eventPackage, eventText, parseEvent } from './event-header.ts';
import type { AnswerOptions, IncomingRequest } from './incoming-request.ts';

/** The shortest and the longest subscription that is granted, in seconds; the shortest is not above the longest. */
export interface ExpiryLimits {
  readonly shortest: number;
  readonly longest: number;
}

export const defaultExpiry: ExpiryLimits = { shortest: 60, longest: 3600 };

/** RFC 4575 3.3: an hour for who does not say how long. */
const usualExpiry = 3600;

export type SubscribeWish =
  | {
      readonly act: 'serve';
      /** Value of Event, with its id, as it must be repeated. */
      readonly event: string;
      /** With the dialog it names a subscription; the same however the package is written. */
      readonly key: string;
      /** Seconds granted; 0 = fetch once, or end. */
      readonly expires: number;
      /** RFC 6446: how often the subscriber wants NOTIFYs, or null. */
      readonly rates: Rates | null;
      /** RFC 5839: value of Suppress-If-Match, or null. */
      readonly suppressIfMatch: string | null;
    }
  | { readonly act: 'refuse'; readonly status: number; readonly options: AnswerOptions };

type Headers = Pick<IncomingRequest, 'header'>;

const refuse = (status: number, options: AnswerOptions = {}): SubscribeWish => ({ act: 'refuse', status, options });

/** The event that is subscribed to; `several` and `malformed` when it cannot be told. */
function readEvent(request: Headers): EventValue | 'none' | 'malformed' {
  const [full, compact] = [request.header('Event'), request.header('o')];
  const value = full ?? compact;
  if (value === null || value.trim() === '') return 'none';
  // The server may give one header under both names.
  if (full !== null && compact !== null && full !== compact) return 'malformed';
  return parseEvent(value) ?? 'malformed';
}

const isOurs = (event: EventValue | string): event is EventValue =>
  typeof event !== 'string' && event.type.toLowerCase() === eventPackage;

const keyOf = ({ id }: EventValue): string => eventText({ type: eventPackage, id });

/** With the dialog it names a subscription, see `SubscribeWish`; null when the request is for no subscription of ours. */
export function subscriptionKey(request: Headers): string | null {
  const event = readEvent(request);
  return isOurs(event) ? keyOf(event) : null;
}

/** Reads a SUBSCRIBE. */
export function readSubscribe(request: Headers, { shortest, longest }: ExpiryLimits): SubscribeWish {
  const event = readEvent(request);
  if (event === 'malformed') return refuse(400, { reason: 'Exactly one event, please' });
  if (!isOurs(event)) return refuse(489, { headers: { 'Allow-Events': eventPackage } });
  const missing = unsupported(request.header('Require'));
  if (missing.length > 0) return refuse(420, { headers: { Unsupported: missing.join(', ') } });
  if (!accepts(request.header('Accept'), conferenceInfoType)) {
    return refuse(406, { headers: { Accept: conferenceInfoType } });
  }
  const expires = request.header('Expires') ?? String(Math.max(shortest, usualExpiry));
  if (!/^\s*\d{1,10}\s*$/.test(expires)) return refuse(400, { reason: 'Expires is not a number of seconds' });
  const seconds = Number(expires);
  // RFC 6665 4.2.1.1: a fetch, or the end of a subscription, is never too brief.
  if (seconds > 0 && seconds < shortest) return refuse(423, { headers: { 'Min-Expires': String(shortest) } });
  return {
    act: 'serve',
    event: eventText(event),
    key: keyOf(event),
    expires: Math.min(seconds, longest),
    rates: event.rates,
    suppressIfMatch: request.header('Suppress-If-Match')?.trim() ?? null,
  };
}
