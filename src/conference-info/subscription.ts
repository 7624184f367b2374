/** RFC 6665 4.2, RFC 4575 3.9: what the notifier keeps of one subscription, and its rules. */
import type { Document } from './document.ts';
import type { View } from './user.ts';

/** RFC 6665 4.1.3: why a subscription ended. */
export type EndReason = 'deactivated' | 'probation' | 'rejected' | 'timeout' | 'giveup' | 'noresource';

/** Kept flat and small: there are thousands. Changed by the notifier only. */
export interface Subscription {
  readonly id: string;
  readonly view: View;
  readonly maxBytes: number;
  readonly gap: number;
  /** Last version sent; 0 = none. */
  version: number;
  expiresAt: number;
  /** Revision that the watcher knows when everything sent has arrived; null = it must be told everything. */
  seen: number | null;
  /** Documents that follow the one in flight, one after another. */
  rest: readonly Document[];
  /** NOTIFYs without an answer yet. */
  inFlight: number;
  /** A NOTIFY must go at once: SUBSCRIBE or refresh was answered. */
  urgent: boolean;
  /** Time of the last NOTIFY, -Infinity before the first. */
  notifiedAt: number;
  /** NOTIFYs in a row that failed without ending the subscription. */
  failures: number;
  /** The one time in the queue that counts. */
  wakeAt: number;
}

/** RFC 6665 4.2.2: answers after which the subscription is gone; 408 stands for Timer F as well. */
const fatal = new Set([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);

/** What an answer to a NOTIFY means. */
export function meaningOf(status: number): 'received' | 'missed' | 'gone' {
  if (status >= 200 && status < 300) return 'received';
  return fatal.has(status) ? 'gone' : 'missed';
}

const longestBackOff = 4;
/** Least gap after a failure, also for who takes NOTIFYs without any. */
const failureGapMs = 500;

/** Earliest time of a NOTIFY that nothing demands at once; after failures it waits longer, up to sixteen gaps. */
export const earliest = ({ notifiedAt, gap, failures }: Subscription): number =>
  failures === 0
    ? notifiedAt + gap
    : notifiedAt + Math.max(gap, failureGapMs) * 2 ** Math.min(failures, longestBackOff);

/** Version of the next document: unsigned, 32 bit. */
export const nextVersion = (version: number): number => (version + 1) >>> 0;

/** Whole seconds left; a notifier may shorten a subscription, never lengthen it. */
export const secondsLeft = (expiresAt: number, now: number): number => Math.floor((expiresAt - now) / 1000);
