/** RFC 3261 21: which status a failure of ours is for the caller. */
import { BridgeError } from '../errors.ts';
import type { AnswerOptions } from './incoming-request.ts';

/** A status and what goes with it. */
export interface SipFailure {
  readonly status: number;
  readonly options: AnswerOptions;
}

/** How long a caller should wait before the next attempt, in seconds; spread so that not everybody comes at once. */
export const retryAfter = (): string => String(2 + Math.floor(Math.random() * 4));

/** 488 when the caller may do better with another offer, 503 when we may do better later, 500 for what should not happen. */
export function failureOf(error: unknown): SipFailure {
  if (!(error instanceof BridgeError)) return { status: 500, options: {} };
  switch (error.code) {
    case 'MEDIA_UNSUPPORTED':
      // 304: media type not available (RFC 3261 20.43).
      return { status: 488, options: { headers: { Warning: '304 focus "No media that can be mixed"' } } };
    case 'MIXER_UNAVAILABLE':
    case 'MIXER_REFUSED':
    case 'BUS_UNAVAILABLE':
    case 'SIP_SERVER_UNAVAILABLE':
      return { status: 503, options: { headers: { 'Retry-After': retryAfter() } } };
    case 'SIP_TOO_LARGE':
      return { status: 513, options: {} };
    default:
      return { status: 500, options: {} };
  }
}
