/** RFC 4575 5.7.7, 5.7.8: a call that has ended, how, and through whom. Shown for a short time, counted nowhere. */
import type { LegFact } from './leg.ts';
import { bareJidUri, occupantUri } from './occupant-uri.ts';
import type { DisconnectionMethod } from './user.ts';

/** Fact, key = leg id. Owner: the sip-focus instance that held the dialog. Said before the leg's fact is withdrawn, which goes before it. */
export interface DepartureFact {
  /** As it was last; its `generation` is that of the process that says this. */
  readonly leg: LegFact;
  readonly method: DisconnectionMethod;
  /** ISO 8601 UTC. */
  readonly when: string;
  /** For people; in the words of who did it, when they gave any. */
  readonly reason: string | null;
  /** URI. */
  readonly by: string | null;
}

/**
 * URI of somebody whom facts and asks name by bare JID, URI, or nick. Null for a name that is nobody's in the room: that of an operator
 * is no address. `occupants` by nick.
 */
export function doerUri(by: string | null, room: string, occupants: ReadonlyMap<string, unknown>): string | null {
  if (by === null) return null;
  if (occupants.has(by)) return occupantUri(room, by);
  if (/^(?:sips?|tel|xmpp):/i.test(by)) return by;
  return /^[^@/\s]+@[^@/\s]+$/.test(by) ? bareJidUri(by) : null;
}
