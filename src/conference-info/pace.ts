/** RFC 6446: how often a subscriber wants NOTIFYs at most and at least, and what of it is granted. */

/** What a subscriber asks for in Event, in NOTIFYs per second, above 0; null where it does not ask. */
export interface Rates {
  readonly maxRate: number | null;
  readonly minRate: number | null;
  readonly adaptiveMinRate: number | null;
}

/** Granted. Times in milliseconds; Infinity where there is no such rule. */
export interface Pace {
  /** From one NOTIFY to the next, at least (5.2). */
  readonly gap: number;
  /** At most, though nothing has changed (6.2). */
  readonly longest: number;
  /** At most, on the average (7.2). */
  readonly adaptive: number;
  /** For Subscription-State: what was asked for, as granted; empty or with a semicolon first. */
  readonly parameters: string;
}

/** NOTIFYs without news are not sent more often than this, whatever is asked for (6.3). */
const leastLongestMs = 1000;
/** 7.4: the period that the average is taken of is so many times the wanted interval. */
const periods = 10;

/** A rate as the grammar has it (9.2): up to two digits before the point and ten behind it, and not 0. */
function decimal(intervalMs: number): string {
  const rate = Math.min(99.9999999999, Math.max(1e-10, 1000 / intervalMs));
  return rate.toFixed(10).replace(/\.?0+$/, '');
}

/** `minimumGap`: ours, which no rate makes shorter; `lifetime`: until the subscription ends, before which there must be one more NOTIFY (5.3). */
export function paceOf(rates: Rates | null, minimumGap: number, lifetime: number): Pace {
  const { maxRate = null, minRate = null, adaptiveMinRate = null } = rates ?? {};
  const interval = (rate: number | null): number => Math.ceil(rate === null ? Number.POSITIVE_INFINITY : 1000 / rate);
  const wanted = maxRate === null ? 0 : Math.min(interval(maxRate), Math.max(1, lifetime));
  const gap = Math.max(minimumGap, wanted);
  const longest = Math.max(gap, leastLongestMs, interval(minRate));
  const adaptive = Math.max(gap, leastLongestMs, interval(adaptiveMinRate));
  const parameters = [
    maxRate === null ? '' : `;max-rate=${decimal(gap)}`,
    minRate === null ? '' : `;min-rate=${decimal(longest)}`,
    adaptiveMinRate === null ? '' : `;adaptive-min-rate=${decimal(adaptive)}`,
  ];
  return { gap, longest, adaptive, parameters: parameters.join('') };
}

/** 7.2 step 1: as if NOTIFYs had been sent at the wanted rate all the time. */
export const firstCount = periods;

/** 7.2 step 4: NOTIFYs within the period, the one just sent included. Older ones fade instead of being kept in a list. */
export const nextCount = ({ adaptive }: Pace, count: number, sinceLast: number): number =>
  count * Math.exp(-sinceLast / (periods * adaptive)) + 1;

/** Longest time from the last NOTIFY to the next, though nothing has changed (6.2, equation 2 of 7.4). */
export const longestSilence = ({ gap, longest, adaptive }: Pace, count: number): number =>
  Math.min(longest, Math.max(gap, (count * adaptive) / periods));
