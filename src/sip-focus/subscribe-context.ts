/** What the focus as notifier works with, and the figures that it gives. */
import type { Bus } from '../bus/bus.ts';
import type { NotifierSettings } from '../conference-info/notifier.ts';
import type { Aor } from '../identity/aor.ts';
import type { Logger } from '../log.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { NotifyWriter } from './notify-writer.ts';
import type { ExpiryLimits } from './subscribe-request.ts';
import type { SubscriptionLimits } from './subscription-quota.ts';
import type { WatchRules } from './watch-rights.ts';
import type { WatcherRecords } from './watcher-records.ts';

export interface SubscriptionsContext extends WatchRules {
  readonly bus: Bus;
  readonly writer: NotifyWriter;
  readonly records: WatcherRecords;
  readonly notifier: NotifierSettings;
  readonly expiry: ExpiryLimits;
  readonly limits: SubscriptionLimits;
  /** See `WatchGuard`. */
  readonly graceMs: number;
  /** See `LeftoverDialogs`. */
  readonly keepsDialogs: boolean;
  /** Who sends it: an AOR or null when known; undefined when the request has been answered (challenged, refused). */
  readonly identify: (request: IncomingRequest, always: boolean) => Promise<Aor | null | undefined>;
  /** The dialog of a leg is dead, as the answer with this status to a NOTIFY in it says. */
  readonly dialogLost: (leg: string, status: number) => void;
  readonly log: Logger;
}

/** How things stand with the documents of all conferences, see `NotifierCounts`. */
export interface DocumentCounts {
  readonly builds: number;
  readonly cut: number;
  readonly omitted: number;
}
