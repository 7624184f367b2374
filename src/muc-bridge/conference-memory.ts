/** What is remembered for as long as a conference lasts, over visits to the room and calls: voice taken, and the lock. */
import type { Bus } from '../bus/bus.ts';
import type { Logger } from '../log.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

const remembered: ReadonlySet<string> = new Set(['leg', 'voice-taken', 'link']);

/** Withdraws the voice-taken facts of a link, and lifts its lock, when it has had no call leg for `conferenceEndsAfterMs`. */
export class ConferenceMemory {
  readonly #bus: Bus;
  readonly #rooms: Rooms;
  readonly #log: Logger;
  readonly #endsAfterMs: number;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #unlisten: (() => void) | null = null;

  constructor(bus: Bus, rooms: Rooms, conferenceEndsAfterMs: number, log: Logger) {
    this.#bus = bus;
    this.#rooms = rooms;
    this.#endsAfterMs = conferenceEndsAfterMs;
    this.#log = log;
  }

  /** Begins to watch. What stands now counts as of now: how long a call has been over is not known after a restart. */
  start(): void {
    this.#unlisten = this.#bus.listen(({ kind, link }) => {
      const room = remembered.has(kind) ? this.#rooms.ofLink(link) : null;
      if (room) this.#look(room);
    });
    for (const room of this.#rooms.all()) this.#look(room);
  }

  stop(): void {
    this.#unlisten?.();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #look(room: Room): void {
    const { id, legs, voicesTaken, link } = room.meeting;
    const timer = this.#timers.get(id);
    if (legs.size > 0 || (voicesTaken.size === 0 && !link?.locked)) {
      clearTimeout(timer);
      this.#timers.delete(id);
    } else if (!timer) {
      this.#timers.set(id, setTimeout(() => void this.#forget(room), this.#endsAfterMs).unref());
    }
  }

  async #forget(room: Room): Promise<void> {
    const { id } = room.link;
    this.#timers.delete(id);
    try {
      await room.lock(null);
      for (const jid of [...room.meeting.voicesTaken.keys()]) await this.#bus.withdraw(id, 'voice-taken', jid);
    } catch (error) {
      this.#log.warn({ err: error, link: id }, 'the end of a conference could not be noted');
    }
  }
}
