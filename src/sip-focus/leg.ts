/** One call leg that this process holds: what its fact says, what was ordered for it, and how it ends. */
import type { LegFact, MuteReason } from '../conference-info/leg.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { JoinedLeg } from './mixer.ts';

/** Everything known of a leg. Changed by `Legs` and `Mirror` only. */
export interface Leg {
  readonly id: string;
  readonly link: LinkSettings;
  /** Connection to the SIP server that owns the dialog; -1 = of an earlier process (adopted). */
  readonly connection: number;
  readonly dialogId: string;
  /** As published last, or to be published. */
  fact: LegFact;
  state: 'up' | 'ended';
  /** Reasons that must stand now; the fact follows when the mixer has done it. */
  wanted: readonly MuteReason[];
  /** The mute order under way, or null. */
  ordered: boolean | null;
  /** Trace of what it was given for. */
  cause: string | undefined;
  /** Failed mute orders in a row. */
  failures: number;
  retry: NodeJS.Timeout | null;
  /** Our last SDP: the offer in an answer to an INVITE without one. */
  sdp: string;
  /** An offer of ours is unanswered; the ACK brings the answer. */
  awaitsAnswer: ((sdp: string) => Promise<void>) | null;
  /** A re-INVITE or UPDATE is being worked on. */
  negotiating: boolean;
  /** Called after every change of the fact, and when the leg has ended. */
  readonly onChange: Set<() => void>;
}

/** What a new leg starts from. */
export function newLeg(link: LinkSettings, fact: LegFact, connection: number, joined: Pick<JoinedLeg, 'sdp'>): Leg {
  return {
    id: fact.leg,
    link,
    connection,
    dialogId: fact.dialogId,
    fact,
    state: 'up',
    wanted: fact.mutes,
    ordered: null,
    cause: undefined,
    failures: 0,
    retry: null,
    sdp: joined.sdp,
    awaitsAnswer: null,
    negotiating: false,
    onChange: new Set(),
  };
}
