/** How the SIP half works, as its owner configures it. */
import { randomBytes } from 'node:crypto';
import { defaultNotifierSettings, type NotifierSettings } from '../conference-info/notifier.ts';
import type { AuthenticationSettings } from './authentication.ts';
import type { CallRateLimits } from './call-rate.ts';
import type { FlowLimits } from './flow-gate.ts';
import type { SessionTimerSettings } from './session-timer.ts';
import type { ExpiryLimits } from './subscribe-request.ts';
import type { SubscriptionLimits } from './subscription-quota.ts';
import type { Watching } from './watch-rights.ts';

/** How a focus instance works; what has a default may be left out. */
export interface SipFocusSettings extends AuthenticationSettings {
  /** Application port of the SIP server, and its secret. */
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** `drachtioLimits` for drachtio-server, `unboundedLimits` for the embedded agent. */
  readonly limits: FlowLimits;
  /** True for drachtio-server, see `LeftoverDialogs`; default false. */
  readonly keepsDialogs?: boolean;
  readonly watching?: Watching;
  readonly notifier?: Partial<NotifierSettings>;
  readonly expiry?: ExpiryLimits;
  readonly subscriptionLimits?: SubscriptionLimits;
  /** How long a watcher who is not seen among those who may watch goes on, ms; default 3 s. */
  readonly watchGraceMs?: number;
  readonly sessionTimer?: SessionTimerSettings;
  /** Most calls on their way in at once; default 64. */
  readonly maximumPending?: number;
  /** How often one address and one account may call; default: as often as they like. */
  readonly callRate?: CallRateLimits;
  /** How long calls stay up in silence when the mixer cannot be reached, ms; default 30 s. */
  readonly mixerGraceMs?: number;
  /** How long who has left is shown, ms; default 10 s, 0: not at all. */
  readonly showDepartedMs?: number;
  /** Key of what stands for telephone numbers; default: a random one. */
  readonly maskingKey?: string;
}

/** What is left of a frame for a document, and what a UDP datagram takes with its head. */
const documentLimit = ({ maximumBytes }: FlowLimits): number => Math.min(48_000, maximumBytes - 936);

/** The notifier of each conference: by default its documents fit the SIP server, and its entity-tags are of this process alone. */
export const notifierSettings = ({ limits, notifier }: SipFocusSettings): NotifierSettings => ({
  ...defaultNotifierSettings,
  ...{ maxBytes: documentLimit(limits), tags: randomBytes(9).toString('hex') },
  ...notifier,
});
