/** Keeps the summary of the call in the focus's presence in each room: late joiners get the last one from the room itself. */
import type { Bus, FactEvent } from '../bus/bus.ts';
import { globalLink } from '../conference-info/meeting.ts';
import type { Logger } from '../log.ts';
import { callSummary, summaryElement } from './call-summary.ts';
import type { RoomEvent } from './presence.ts';
import type { Room } from './room.ts';
import type { RoomService } from './room-service.ts';
import type { Rooms } from './rooms.ts';

interface Shown {
  nick: string | null;
  /** What stands in our presence as far as we know. */
  text: string | null;
  sentAt: number;
  version: number;
  /** Echoes of our presence in a row that lacked what we had put into it. */
  missed: number;
}

const told: ReadonlySet<FactEvent['kind']> = new Set(['leg', 'occupant', 'room', 'link', 'binding', 'affiliation']);

/** Changes come in bursts. */
const settleMs = 200;
const mostMissed = 3;

/** Compares what stands in our presences with what should; at most one presence per room and gap. */
export class CallSummaries {
  readonly #rooms: Rooms;
  readonly #service: RoomService;
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #gapMs: number;
  readonly #shown = new Map<string, Shown>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #unlisten: (() => void) | null = null;

  /** `gapMs`: least time between two presences in one room. */
  constructor(gapMs: number, rooms: Rooms, service: RoomService, bus: Bus, log: Logger) {
    this.#gapMs = gapMs;
    this.#rooms = rooms;
    this.#service = service;
    this.#bus = bus;
    this.#log = log;
  }

  start(): void {
    this.#unlisten = this.#bus.listen(({ kind, link }) => {
      if (told.has(kind)) for (const room of this.#concerned(link)) this.#later(room);
    });
  }

  #concerned(link: string): Iterable<Room> {
    if (link === globalLink) return this.#rooms.all();
    const room = this.#rooms.ofLink(link);
    return room ? [room] : [];
  }

  stop(): void {
    this.#unlisten?.();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#shown.clear();
  }

  /** The server may be another one when it is back. */
  offline(): void {
    this.#shown.clear();
  }

  /** Our own presence as the room shows it tells our nick, and whether the summary is in it. */
  see(room: Room, event: RoomEvent): void {
    if (!('self' in event) || !event.self) return;
    const shown = this.#of(room);
    if (event.event === 'renamed') shown.nick = event.to;
    if (event.event === 'gone') this.#shown.delete(room.link.id);
    if (event.event !== 'present') return;
    shown.nick = event.nick;
    if (event.summary) {
      shown.missed = 0;
      return;
    }
    // Joining anew takes it away; so does a server that lets no such thing through.
    if (shown.text !== null) shown.missed += 1;
    shown.text = null;
    if (shown.missed < mostMissed) this.#later(room);
    else if (shown.missed === mostMissed)
      this.#log.warn(
        { link: room.link.id },
        'the room takes the summary of the call out of our presence; it is not shown',
      );
  }

  #of(room: Room): Shown {
    const { id } = room.link;
    const shown = this.#shown.get(id) ?? {
      nick: null,
      text: null,
      sentAt: Number.NEGATIVE_INFINITY,
      version: 0,
      missed: 0,
    };
    this.#shown.set(id, shown);
    return shown;
  }

  #later(room: Room): void {
    const { id } = room.link;
    if (this.#timers.has(id)) return;
    const wait = Math.max(settleMs, this.#of(room).sentAt + this.#gapMs - performance.now());
    const run = (): void => {
      this.#timers.delete(id);
      void this.#show(room);
    };
    this.#timers.set(id, setTimeout(run, wait));
  }

  async #show(room: Room): Promise<void> {
    const shown = this.#of(room);
    if (!room.joined || shown.nick === null || shown.missed >= mostMissed) return;
    const text = callSummary(room.link, room.meeting, this.#bus.facts.bindings);
    if (text === null || text === shown.text) return;
    // Readers drop what is not newer; seconds go on over a restart.
    shown.version = Math.max(shown.version + 1, Math.floor(Date.now() / 1000));
    shown.text = text;
    shown.sentAt = performance.now();
    try {
      await this.#service.show(room.link.room, shown.nick, summaryElement(text, shown.version));
    } catch (error) {
      shown.text = null;
      this.#log.debug({ err: error, link: room.link.id }, 'the summary of the call could not be shown');
    }
  }
}
