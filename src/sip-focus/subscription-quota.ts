/** Nobody takes all the memory there is: how many subscriptions a conference and an account may have at once. */

/** Most subscriptions at once; an account's in all conferences of this instance. */
export interface SubscriptionLimits {
  readonly perConference: number;
  readonly perAccount: number;
}

export const defaultSubscriptionLimits: SubscriptionLimits = { perConference: 10_000, perAccount: 50 };

/** Counts what is in use. An account is whatever the operator can tell apart, null for who cannot be told from others. */
export class SubscriptionQuota {
  readonly #limits: SubscriptionLimits;
  readonly #conferences = new Map<string, number>();
  readonly #accounts = new Map<string, number>();

  constructor(limits: SubscriptionLimits) {
    this.#limits = limits;
  }

  /** Takes a place, to be given back with `release`; or says what is full. */
  claim(conference: string, account: string | null): 'granted' | 'conference-full' | 'account-full' {
    const ofConference = this.#conferences.get(conference) ?? 0;
    if (ofConference >= this.#limits.perConference) return 'conference-full';
    const ofAccount = account === null ? 0 : (this.#accounts.get(account) ?? 0);
    if (ofAccount >= this.#limits.perAccount) return 'account-full';
    this.#conferences.set(conference, ofConference + 1);
    if (account !== null) this.#accounts.set(account, ofAccount + 1);
    return 'granted';
  }

  release(conference: string, account: string | null): void {
    lower(this.#conferences, conference);
    if (account !== null) lower(this.#accounts, account);
  }
}

function lower(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
