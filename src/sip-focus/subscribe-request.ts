/** RFC 6665 4.2.1, RFC 4575 3.3, 3.4: what a SUBSCRIBE asks for, or how it must be refused. Pure. */
import { conferenceInfoType } from './capabilities.ts';
import type { Headers, IncomingRequest } from './incoming-request.ts';

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
      /** Seconds granted; 0 = fetch once, or end. */
      readonly expires: number;
      /** RFC 6446: least seconds between NOTIFYs that the subscriber wants, or null. */
      readonly gapSeconds: number | null;
    }
  | { readonly act: 'refuse'; readonly status: number; readonly headers: Headers };

const refuse = (status: number, headers: Headers = {}): SubscribeWish => ({ act: 'refuse', status, headers });

function acceptsConferenceInfo(accept: string | null): boolean {
  if (accept === null) return true;
  const types = accept.split(',').map((entry) => entry.split(';')[0]?.trim().toLowerCase());
  return types.some((type) => type === conferenceInfoType || type === 'application/*' || type === '*/*');
}

const parameterOf = (value: string, name: string): string | null =>
  new RegExp(`;\\s*${name}\\s*=\\s*([A-Za-z0-9.!%*_+\`'~-]{1,64})`, 'i').exec(value)?.[1] ?? null;

/** RFC 6446 3.1: `max-rate` is NOTIFYs per second, at most one digit or more around a point. */
function gapOf(event: string): number | null {
  const rate = Number(parameterOf(event, 'max-rate') ?? Number.NaN);
  return rate > 0 && Number.isFinite(rate) ? 1 / rate : null;
}

const eventHeader = (request: Pick<IncomingRequest, 'header'>): string | null =>
  request.header('Event') ?? request.header('o');

/** Value of Event, with its id, as it must be repeated: with the dialog it names a subscription. Null for another package. */
export function eventOf(request: Pick<IncomingRequest, 'header'>): string | null {
  const event = eventHeader(request);
  if (event?.split(';')[0]?.trim().toLowerCase() !== 'conference') return null;
  const id = parameterOf(event, 'id');
  return id === null ? 'conference' : `conference;id=${id}`;
}

/** Reads a SUBSCRIBE. */
export function readSubscribe(request: Pick<IncomingRequest, 'header'>, limits: ExpiryLimits): SubscribeWish {
  const event = eventOf(request);
  if (event === null) return refuse(489, { 'Allow-Events': 'conference' });
  if (!acceptsConferenceInfo(request.header('Accept'))) return refuse(406, { Accept: conferenceInfoType });
  const { shortest, longest } = limits;
  const expires = request.header('Expires') ?? String(Math.max(shortest, usualExpiry));
  if (!/^\s*\d{1,10}\s*$/.test(expires)) return refuse(400);
  const seconds = Number(expires);
  // RFC 6665 4.2.1.1: a fetch, or the end of a subscription, is never too brief.
  if (seconds > 0 && seconds < shortest) return refuse(423, { 'Min-Expires': String(shortest) });
  const gapSeconds = gapOf(eventHeader(request) ?? '');
  return { act: 'serve', event, expires: Math.min(seconds, longest), gapSeconds };
}
