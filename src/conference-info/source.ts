/** What subscriptions are fed from: a conference as somebody may see it, and how it came to be so. */
import type { Document } from './document.ts';

/** A state of a conference as one source shows it. The same object as long as nothing changes there, another one after each change. */
export interface Moment {
  /** Number of the last change of what the view shows. */
  readonly shared: number;
  /** Number of the last change of what only the watcher is shown; 0 where there is no such thing. */
  readonly own: number;
  /** RFC 5839 entity-tag of this state as this source shows it; null when no tags are given. */
  readonly tag: string | null;
}

/** Documents for all subscriptions that may see the same. */
export interface Source {
  readonly now: Moment;
  /** Documents that were built for this source alone. */
  readonly builds: number;
  /** The whole state, in documents of at most `maxBytes`, to be sent one after another. */
  full(maxBytes: number): readonly Document[];
  /**
   * What leads from a moment of this source to now: no documents when nothing does, full ones when the moment is not remembered, when a
   * partial one could not say it, or would be no smaller.
   */
  since(seen: Moment, maxBytes: number): readonly Document[];
  /** A partial document that says nothing new. */
  unchanged(): Document;
  /** That the conference has ended. */
  deleted(): Document;
}
