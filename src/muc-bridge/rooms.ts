/** All linked rooms: who gets which stanza, paced entry after each connection, and self-pings (XEP-0410) spread over time. */
import type { Bus } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { onlyKey } from '../conference-info/meeting.ts';
import { bareJid } from '../identity/jid.ts';
import type { Logger } from '../log.ts';
import type { XmlElement } from './element.ts';
import type { RoomEvent } from './presence.ts';
import { Room } from './room.ts';
import type { RoomService } from './room-service.ts';

/** What all rooms share; times in milliseconds. */
export interface RoomsContext {
  readonly links: readonly LinkSettings[];
  readonly service: RoomService;
  readonly bus: Bus;
  readonly log: Logger;
  readonly nick: string;
  readonly resyncAfterMs: number;
  readonly healAfterMs: number;
  /** Each room is asked once in this time. */
  readonly selfPingEveryMs: number;
  /** How many rooms are entered at once. */
  readonly entriesAtOnce: number;
  readonly onEvent: (room: Room, event: RoomEvent) => void;
}

/** The rooms of one component. */
export class Rooms {
  readonly #context: RoomsContext;
  readonly #byJid = new Map<string, Room>();
  readonly #byLink = new Map<string, Room>();
  #pings: NodeJS.Timeout | null = null;
  #nextPing = 0;
  #generation = 0;

  constructor(context: RoomsContext) {
    this.#context = context;
    for (const link of context.links) {
      const room: Room = new Room({
        link,
        service: context.service,
        bus: context.bus,
        log: context.log.child({ link: link.id }),
        nick: context.nick,
        resyncAfterMs: context.resyncAfterMs,
        healAfterMs: context.healAfterMs,
        onEvent: (event) => context.onEvent(room, event),
      });
      this.#byJid.set(link.room, room);
      this.#byLink.set(link.id, room);
    }
  }

  /** Says of each link that it is open, unless it stands closed. */
  async publishLinks(): Promise<void> {
    for (const { id, room, conference } of this.#context.links) {
      const stood = this.#context.bus.facts.meeting(id).link;
      const known = stood?.room === room ? stood : null;
      if (known?.state === 'closed') continue;
      const { owners, locked } = known ?? {};
      await this.#context.bus.publish(id, 'link', onlyKey, {
        room,
        conference,
        state: 'open',
        reason: null,
        ...(owners ? { owners } : {}),
        ...(locked ? { locked } : {}),
      });
    }
  }

  all(): Iterable<Room> {
    return this.#byLink.values();
  }

  ofLink(id: string): Room | null {
    return this.#byLink.get(id) ?? null;
  }

  ofJid(room: string): Room | null {
    return this.#byJid.get(room) ?? null;
  }

  /** Connected: enters every open room, a few at a time. */
  async online(generation: number): Promise<void> {
    this.#generation = generation;
    const waiting = [...this.#byLink.values()].filter((room) => room.meeting.link?.state !== 'closed');
    this.#startPings();
    const work = async (): Promise<void> => {
      for (let room = waiting.shift(); room && this.#generation === generation; room = waiting.shift()) {
        // A room that is slow to let us in must not hold up the others for long.
        await Promise.race([room.enter(), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
      }
    };
    await Promise.all(Array.from({ length: this.#context.entriesAtOnce }, work));
  }

  /** The link is down. */
  async offline(): Promise<void> {
    this.#generation = -1;
    this.#stopPings();
    await Promise.all([...this.#byLink.values()].map((room) => room.offline()));
  }

  /** Leaves all rooms. */
  async leave(): Promise<void> {
    this.#generation = -1;
    this.#stopPings();
    await Promise.all([...this.#byLink.values()].map((room) => room.leave()));
  }

  /** Takes in a presence or message; false when it is from no room of ours. */
  receive(stanza: XmlElement): boolean {
    const room = this.#byJid.get(bareJid(stanza.attrs.from ?? '') ?? '');
    room?.receive(stanza);
    return room !== undefined;
  }

  #startPings(): void {
    this.#stopPings();
    const rooms = [...this.#byLink.values()];
    if (rooms.length === 0) return;
    this.#pings = setInterval(
      () => {
        this.#nextPing = (this.#nextPing + 1) % rooms.length;
        // A link that breaks meanwhile is heard of in `offline`.
        void rooms[this.#nextPing]?.check().catch(() => undefined);
      },
      Math.max(50, this.#context.selfPingEveryMs / rooms.length),
    );
  }

  #stopPings(): void {
    if (this.#pings) clearInterval(this.#pings);
    this.#pings = null;
  }
}
