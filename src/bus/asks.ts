/** Port: what somebody requests of the owner of a fact. Request and answer, at most once, never stored. */

/** To the room's owner (muc-bridge of the link's component), or to the focus instance that holds a leg. */
export type AskTarget = { readonly owner: 'room' } | { readonly owner: 'focus'; readonly instance: string };

/** Who asks, for the audit log and for people in the room. */
interface AskBase {
  readonly link: string;
  readonly by: string;
  readonly reason: string | null;
}

/** Asks to the room. `mute` = role visitor (stops text too), `unmute` = role participant (or what the affiliation gives). */
export type RoomAsk = AskBase &
  (
    | { readonly to: 'room'; readonly act: 'mute' | 'unmute' | 'kick'; readonly nick: string }
    | { readonly to: 'room'; readonly act: 'ban' | 'unban'; readonly jid: string }
    | { readonly to: 'room'; readonly act: 'reopen' | 'close' | 'lock' | 'unlock' }
    /** A line for the moderators of the room. */
    | { readonly to: 'room'; readonly act: 'tell-moderators'; readonly text: string }
  );

/** Asks to the focus, about one leg. `mute`/`unmute` = the operator's mute (and, to unmute a phone-only caller in a moderated room, the floor). */
export type FocusAsk = AskBase & {
  readonly to: 'focus';
  readonly act: 'mute' | 'unmute' | 'remove' | 'ban';
  readonly leg: string;
};

export type Ask = RoomAsk | FocusAsk;

/** `notes`: what the asker must know although it was done (for example "acted as a kick"). */
export type AskAnswer =
  | { readonly ok: true; readonly notes: readonly string[] }
  | { readonly ok: false; readonly condition: string; readonly text: string };

export interface Asks {
  /** Answers asks to this target from now on; the function ends it. A handler that throws is answered with condition `internal-error`. */
  serve(target: AskTarget, handler: (ask: Ask) => Promise<AskAnswer>): () => void;
  /** Rejects with ASK_UNANSWERED when nobody answers within `limitMs` (10,000 by default). */
  ask(target: AskTarget, ask: Ask, limitMs?: number): Promise<AskAnswer>;
}
