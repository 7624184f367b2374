/** Who is behind what the focus does in a room: the facts that come back name the asker, not the focus. */
import type { RoomEvent } from './presence.ts';

/** Names of those for whom the focus acts, by the nick acted on, until the room has told of the deed. */
export class Askers {
  readonly #byNick = new Map<string, string>();

  /** Notes that the next deed on a nick is done for somebody; the function takes it back. */
  note(nick: string, by: string): () => void {
    this.#byNick.set(nick, by);
    return () => this.#byNick.delete(nick);
  }

  /** The event with the asker in place of the focus (`own`: its names) or of an actor that the server does not name. */
  named<T extends RoomEvent>(event: T, own: readonly string[]): T {
    if (!('by' in event) || (event.by !== null && !own.includes(event.by))) return event;
    const asker = this.#byNick.get(event.nick);
    if (asker === undefined) return event;
    this.#byNick.delete(event.nick);
    return { ...event, by: asker };
  }
}
