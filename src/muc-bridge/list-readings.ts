/** Readings of a room's lists that are under way: of whom the room tells meanwhile, the lists are older than the telling. */
import type { Meeting } from '../conference-info/meeting.ts';
import type { RoomEvent } from './presence.ts';

/** For each reading: nicks and bare JIDs told of since it began. */
export class ListReadings {
  readonly #open = new Set<Set<string>>();

  /** Begins a reading; the set grows until `end`. */
  begin(): Set<string> {
    const touched = new Set<string>();
    this.#open.add(touched);
    return touched;
  }

  end(touched: Set<string>): void {
    this.#open.delete(touched);
  }

  /** Notes of whom an event tells; `meeting` is as it stands before it. */
  note(event: RoomEvent, meeting: Meeting): void {
    for (const touched of this.#open) {
      if ('nick' in event) touched.add(event.nick);
      // Somebody who merely enters has the affiliation that the lists say.
      const entry = event.event === 'present' && !meeting.occupants.has(event.nick);
      if ('jid' in event && event.jid !== null && !entry) touched.add(event.jid);
    }
  }
}
