/** What the operator may decide about people and calls. The defaults are the documented ones. */

export interface PolicySettings {
  /** What happens to callers without a JID in a members-only room. */
  readonly phonesInMembersOnly: 'refuse' | 'allow';
  /** In a moderated room, callers without a JID enter muted. */
  readonly phonesStartMuted: boolean;
  /** A visitor of an unmoderated room is muted although nobody took their voice. */
  readonly visitorsMutedInUnmoderated: boolean;
  /** Callers who prove no AOR may come in. */
  readonly anonymousCallers: 'allow' | 'refuse';
  /** Most calls of one proved person in one conference at once; 0: as many as they like. */
  readonly callsPerPerson: number;
}

export const defaultPolicy: PolicySettings = {
  phonesInMembersOnly: 'refuse',
  phonesStartMuted: true,
  visitorsMutedInUnmoderated: false,
  anonymousCallers: 'allow',
  callsPerPerson: 4,
};
