/** RFC 4028: who refreshes a session, when, and when it is over. */
import { hasOption } from './sip-header.ts';
import type { SipMessage, SipRequest } from './sip-message.ts';

/** The smallest interval the RFC allows (section 4), in seconds. */
export const minSessionSeconds = 90;

export interface SessionTerms {
  readonly seconds: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

/** Reads Session-Expires (section 4). */
export function sessionTerms(message: SipMessage): SessionTerms | undefined {
  const value = message.headers.get('session-expires');
  const match = /^(\d{1,9})\s*(?:;|$)/.exec(value ?? '');
  if (!match) return undefined;
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(value ?? '')?.[1]?.toLowerCase();
  return { seconds: Number(match[1]), refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}

/** Section 9: a peer that knows session timers and asks for too short a one gets 422 with Min-SE. */
export function isSessionTooShort(request: SipRequest): boolean {
  const terms = sessionTerms(request);
  if (!terms || terms.seconds >= minSessionSeconds) return false;
  return hasOption(request.headers, ['supported', 'require'], 'timer');
}

/** Whether the answer makes us the refresher. `role` is ours in this INVITE; without a word the UAC refreshes. */
export function isOurRefresh(terms: SessionTerms, role: 'uac' | 'uas'): boolean {
  return (terms.refresher ?? 'uac') === role;
}

/** Section 10: we refresh at half time; the other side is given up the smaller of 32 s and a third before the end. */
export function sessionDelays(terms: SessionTerms): { refreshMs: number; endMs: number } {
  const seconds = Math.max(terms.seconds, minSessionSeconds);
  return { refreshMs: seconds * 500, endMs: (seconds - Math.min(32, seconds / 3)) * 1_000 };
}
