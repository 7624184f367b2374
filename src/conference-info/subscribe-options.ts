/** What the notifier is told of a SUBSCRIBE and of the answer to a NOTIFY. */
import type { Rates } from './pace.ts';
import type { View } from './user.ts';

/** What a SUBSCRIBE says that may be said anew in each refresh; what is not there is no longer wanted. */
export interface SubscribeWishes {
  /** Value of Suppress-If-Match (RFC 5839), as sent. */
  readonly suppressIfMatch?: string | null;
  /** RFC 6446, of Event. */
  readonly rates?: Rates | null;
}

/** What a subscriber asked for. */
export interface SubscribeOptions extends SubscribeWishes {
  /** Milliseconds, as `now`; not later than `now` = a one-shot fetch. */
  readonly expiresAt: number;
  readonly view: View;
  /** Key of the person (see `personOfLeg`) whose own users are shown as only they themselves may see them; null: nobody's. */
  readonly self?: string | null;
  readonly maxBytes?: number;
  /** Instead of the setting; `rates` may only make it longer. */
  readonly minimumGapMs?: number;
}

/** What comes with the answer to a NOTIFY, besides its status. */
export interface AnswerDetails {
  /** Seconds in Retry-After of a refusal. */
  readonly retryAfter?: number | null;
  /** RFC 6446 4.1: of Event in a 2xx that has one; null or absent changes nothing. */
  readonly rates?: Rates | null;
}

/**
 * How to answer a refresh: 200, and a NOTIFY is due at once; 204 (RFC 5839) and none follows, after Expires: 0 the subscription is gone;
 * 481: there is no such subscription.
 */
export type RefreshAnswer = 200 | 204 | 481;
