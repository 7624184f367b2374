/** RFC 4028: the session timer that a caller and we agree on. Pure. */
import type { IncomingRequest } from './incoming-request.ts';

/** Seconds. `preferred` is asked for when the caller names none. */
export interface SessionTimerSettings {
  readonly preferred: number;
  readonly minimum: number;
}

export const defaultSessionTimer: SessionTimerSettings = { preferred: 1800, minimum: 90 };

export type SessionTimer =
  | { readonly act: 'refuse'; readonly minimum: number }
  | { readonly act: 'agree'; readonly headers: Readonly<Record<string, string>> };

const lists = (value: string | null, option: string): boolean =>
  (value ?? '').split(',').some((tag) => tag.trim().toLowerCase() === option);

/** Reads what the request wants (section 9): 422 below the minimum, else the headers of the answer. */
export function agreeTimer(request: Pick<IncomingRequest, 'header'>, settings: SessionTimerSettings): SessionTimer {
  const value = request.header('Session-Expires') ?? request.header('x');
  const asked = /^\s*(\d{1,9})/.exec(value ?? '')?.[1];
  const theirs =
    lists(request.header('Supported') ?? request.header('k'), 'timer') || lists(request.header('Require'), 'timer');
  const leastOfPath = Number(/^\s*(\d{1,9})/.exec(request.header('Min-SE') ?? '')?.[1] ?? 0);
  if (asked !== undefined && theirs && Number(asked) < settings.minimum)
    return { act: 'refuse', minimum: settings.minimum };
  const interval = asked === undefined ? settings.preferred : Math.min(Number(asked), settings.preferred);
  const seconds = Math.max(interval, settings.minimum, leastOfPath);
  if (!theirs) return { act: 'agree', headers: { 'Session-Expires': `${seconds};refresher=uas` } };
  const refresher = /;\s*refresher\s*=\s*(uac|uas)/i.exec(value ?? '')?.[1]?.toLowerCase() ?? 'uac';
  return { act: 'agree', headers: { 'Session-Expires': `${seconds};refresher=${refresher}`, Require: 'timer' } };
}
