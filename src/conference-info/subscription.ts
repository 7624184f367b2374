/** RFC 6665 4.2, RFC 4575 3.9, RFC 5839, RFC 6446: what the notifier keeps of one subscription, and its rules. */
import type { Document } from './document.ts';
import { longestSilence, nextCount, type Pace } from './pace.ts';
import type { Moment, Source } from './source.ts';
import type { Sleeper } from './wake-queue.ts';

/** RFC 6665 4.1.3: why a subscription ended. */
export type EndReason = 'deactivated' | 'probation' | 'rejected' | 'timeout' | 'giveup' | 'noresource';

/** Kept flat and small: there are thousands. Changed by the notifier, and by the functions here that say so. */
export interface Subscription extends Sleeper {
  readonly id: string;
  source: Source;
  readonly maxBytes: number;
  /** Ours; the subscriber's wishes are in `pace`. */
  readonly minimumGap: number;
  pace: Pace;
  /** Last version sent; 0 = none. */
  version: number;
  expiresAt: number;
  /** What the watcher knows when everything sent has arrived; null = nothing for sure. */
  seen: Moment | null;
  /** The next document must be a full one although `seen` is known: an earlier subscription's, or one whose version was missed. */
  whole: boolean;
  /** Documents that follow the one in flight, one after another. */
  rest: readonly Document[];
  /** NOTIFYs without an answer yet. */
  inFlight: number;
  /** A NOTIFY must go at once: a SUBSCRIBE was answered. `bare`: without a body, because the watcher has it. */
  urgent: 'no' | 'whole' | 'bare';
  /** Time of the last NOTIFY, -Infinity before the first. */
  notifiedAt: number;
  /** NOTIFYs of late, see `nextCount`. */
  count: number;
  /** NOTIFYs in a row that failed without ending the subscription. */
  failures: number;
  /** The watcher's answer asked for this much patience. */
  notBefore: number;
}

/** RFC 6665 4.2.2, RFC 5057 5.1: answers after which the subscription, or its dialog, is gone; 408 stands for Timer F as well. */
const fatal = new Set([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604]);

/** What an answer to a NOTIFY means. */
export function meaningOf(status: number): 'received' | 'missed' | 'gone' {
  if (status >= 200 && status < 300) return 'received';
  return fatal.has(status) ? 'gone' : 'missed';
}

const longestBackOff = 4;
/** Least gap after a failure, also for who takes NOTIFYs without any. */
const failureGapMs = 500;

/** Gap after so many failures in a row: it doubles, up to sixteen times. */
export const gapAfter = (failures: number, gap: number): number =>
  failures === 0 ? gap : Math.max(gap, failureGapMs) * 2 ** Math.min(failures, longestBackOff);

/** Earliest time of a NOTIFY that nothing demands at once. */
const earliest = ({ notifiedAt, pace, failures, notBefore }: Subscription): number =>
  Math.max(notifiedAt + gapAfter(failures, pace.gap), notBefore);

/** Latest time of the next NOTIFY though nothing has changed; never when the subscriber did not ask for it. */
const silentUntil = (subscription: Subscription): number =>
  Math.max(earliest(subscription), subscription.notifiedAt + longestSilence(subscription.pace, subscription.count));

/** Whole seconds left; a notifier may shorten a subscription, never lengthen it. */
export const secondsLeft = (expiresAt: number, now: number): number => Math.floor((expiresAt - now) / 1000);

/** When a subscription next needs a look: at once, after the gap, when it has been silent too long, or when it expires. */
export function dueAt(subscription: Subscription, now: number): number {
  const { expiresAt, urgent, inFlight, rest, seen, source } = subscription;
  if (urgent !== 'no') return now;
  // Within the last second `expires` would be 0, so that it ends then.
  const end = Math.max(now, expiresAt - 999);
  if (inFlight > 0) return end;
  if (rest.length > 0) return now;
  const next = seen === source.now ? silentUntil(subscription) : earliest(subscription);
  return Math.min(end, Math.max(now, next));
}

/**
 * What the NOTIFY carries that `dueAt` has asked for: a document, or null for none; undefined when none is to be sent after all. Notes it in
 * the subscription.
 */
export function nextBody(subscription: Subscription, now: number): Document | null | undefined {
  const { urgent, rest, source } = subscription;
  if (urgent === 'bare') {
    subscription.seen = source.now;
    subscription.whole = true;
    return null;
  }
  if (urgent === 'whole') return begin(subscription, null);
  if (rest.length > 0) {
    subscription.rest = rest.slice(1);
    return rest[0];
  }
  const known = subscription.whole ? null : subscription.seen;
  if (subscription.seen !== source.now) {
    return earliest(subscription) <= now ? begin(subscription, known) : undefined;
  }
  if (silentUntil(subscription) > now) return undefined;
  return known ? source.unchanged() : begin(subscription, null);
}

/** The first of the documents that lead to now. */
function begin(subscription: Subscription, known: Moment | null): Document | undefined {
  const { source, maxBytes } = subscription;
  const [first, ...rest] = known ? source.since(known, maxBytes) : source.full(maxBytes);
  subscription.seen = source.now;
  subscription.rest = rest;
  if (!known) subscription.whole = false;
  return first;
}

/**
 * The body of the last NOTIFY: after it nothing follows, so it is what leaves the reader with the most: the whole state when that fits,
 * else what is new, else as much as fits. `missing`: so many more documents
 * would have been needed.
 */
export function lastBody(subscription: Subscription): { readonly document: Document; readonly missing: number } {
  const { source, maxBytes, seen, whole, rest, inFlight } = subscription;
  const full = source.full(maxBytes);
  const [first] = full;
  if (first && full.length === 1) return { document: first, missing: 0 };
  if (seen && !whole && rest.length + inFlight === 0) {
    const news = source.since(seen, maxBytes);
    if (news.length === 0) return { document: source.unchanged(), missing: 0 };
    const [only] = news;
    if (only && news.length === 1) return { document: only, missing: 0 };
  }
  return { document: first ?? source.unchanged(), missing: full.length - 1 };
}

/** Counts a NOTIFY that goes out now. */
export function noteSent(subscription: Subscription, now: number): void {
  const { pace, count, notifiedAt } = subscription;
  if (notifiedAt !== Number.NEGATIVE_INFINITY) subscription.count = nextCount(pace, count, now - notifiedAt);
  subscription.urgent = 'no';
  subscription.inFlight += 1;
  subscription.notifiedAt = now;
}

/** Version of the next document: unsigned, 32 bit. */
export const nextVersion = (version: number): number => (version + 1) >>> 0;

/** RFC 5839: tag of a state of which so many documents are still missing: nobody may take a part for the whole. */
export function entityTag(moment: Moment | null, missing: number): string | null {
  const tag = moment?.tag ?? null;
  return tag === null || missing === 0 ? tag : `${tag}+${missing}`;
}

/** Whether a tag is of such a part. */
export const isOfPart = (tag: string | null): boolean => /\+\d+$/.test(tag ?? '');

/** RFC 5839: whether Suppress-If-Match says that the watcher has this state; `*` says so of every one. */
export const matches = (suppressIfMatch: string | null | undefined, tag: string | null): boolean =>
  tag !== null && (suppressIfMatch === '*' || suppressIfMatch === tag);

/** Takes in a refresh whose watcher has the state named by Suppress-If-Match, so that no NOTIFY need follow. */
export function noteKnown(subscription: Subscription, suppressIfMatch: string | null | undefined): void {
  const { source, seen, rest } = subscription;
  if (suppressIfMatch === '*' || (seen === source.now && rest.length === 0)) return;
  // It has the state, but not by what was sent last: the version that it counts on from may be an earlier one.
  subscription.seen = source.now;
  subscription.rest = [];
  subscription.whole = true;
}
