/** Who watches a conference, as far as a later process must know it. Owner: the sip-focus instance that sends the NOTIFYs. */

/** Fact, key = a digest of dialog and event. Withdrawn when the subscription has ended. */
export interface WatcherFact {
  /** Configured name of the focus instance, and its start. */
  readonly instance: string;
  readonly generation: string;
  /** Dialog id of the SIP server, good for requests of a later process. */
  readonly dialogId: string;
  /** Value of Event, with its id. */
  readonly event: string;
  /** Our Contact in this subscription. */
  readonly contact: string;
}
