/** Port: what combines the media of a conference (RFC 4353 section 2, "mixer"). Implemented by FreeSWITCH and by the embedded G.711 mixer. */

/** What a later process needs to find the same member again; plain strings, kept in the leg's fact. Empty when it cannot be found again. */
export type MixerRef = Readonly<Record<string, string>>;

/** Order to bring one call leg into a conference. */
export interface JoinOrder {
  /** Mixer-wide name of the conference: the opaque link id, `[a-z0-9-]{1,64}`. */
  readonly conference: string;
  /** Id of the leg, `[a-z0-9-]{1,64}`, unique for the life of the service; every report names it. */
  readonly leg: string;
  /** The caller's SDP offer, or null when the INVITE had none and the mixer shall make the offer (RFC 3261 13.2.1). */
  readonly offer: string | null;
  /** Enter muted: not one packet of this leg may be mixed before it is unmuted. */
  readonly muted: boolean;
}

/** A leg that the mixer has taken in. */
export interface JoinedLeg {
  /** Our SDP: the answer to the offer, or our offer when there was none. */
  readonly sdp: string;
  readonly ref: MixerRef;
  /** Late offer only: gives the caller's answer (from the ACK) to the mixer. */
  answer(sdp: string): Promise<void>;
}

/** One member as the mixer lists it: for repair after a loss of link or a restart. */
export interface MixerMember {
  readonly conference: string;
  readonly leg: string;
  readonly muted: boolean;
  readonly talking: boolean;
  readonly ref: MixerRef;
}

/** What the mixer says of itself and its legs. `left` comes exactly once per joined leg, also when we ordered it. */
export type MixerReport =
  | { readonly kind: 'muted'; readonly leg: string; readonly muted: boolean }
  | { readonly kind: 'talking'; readonly leg: string; readonly talking: boolean }
  | { readonly kind: 'dtmf'; readonly leg: string; readonly digit: string; readonly ms: number }
  | { readonly kind: 'left'; readonly leg: string; readonly cause: 'ordered' | 'hung-up' | 'media-timeout' | 'failed' }
  /** `up`: orders are possible (again) and `list` should be compared; `down`: they are not. */
  | { readonly kind: 'up' }
  | { readonly kind: 'down' };

/** The orders are idempotent: muting a muted leg or removing an absent one is no error. Each has its own time limit and rejects with BridgeError MIXER_UNAVAILABLE or MIXER_REFUSED. */
export interface Mixer {
  readonly name: string;
  /** True when its calls go on after the death of this process, so that a restarted one may adopt them. */
  readonly outlivesProcess: boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** One listener; reports come in order. */
  onReport(listener: (report: MixerReport) => void): void;
  /** True while orders can be given. */
  ready(): boolean;
  /** Takes a leg in; rejects with MEDIA_UNSUPPORTED when the offer holds nothing it can mix (answer 488). */
  join(order: JoinOrder): Promise<JoinedLeg>;
  /** New offer for a leg (re-INVITE: hold, port or codec change); returns the answer. */
  renegotiate(leg: string, offer: string): Promise<string>;
  mute(leg: string, muted: boolean): Promise<void>;
  /** Takes a leg out and frees its media. */
  remove(leg: string): Promise<void>;
  /** Every member now in any conference of this service. */
  list(): Promise<readonly MixerMember[]>;
  /** Makes a listed member, left by an earlier process, answer to `mute` and `remove` under its leg id again; false when it is gone. */
  adopt(member: { readonly leg: string; readonly conference: string; readonly ref: MixerRef }): Promise<boolean>;
}
