/** XEP-0045: one linked room as the focus lives in it. Everything that concerns it goes through one queue. */
import { randomUUID } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { LinkLock, LinkSettings } from '../conference-info/link.ts';
import type { Meeting } from '../conference-info/meeting.ts';
import type { RoomFact } from '../conference-info/occupant.ts';
import { clipped } from '../conference-info/xml-text.ts';
import type { BridgeError } from '../errors.ts';
import { bareJid } from '../identity/jid.ts';
import type { Logger } from '../log.ts';
import { Askers } from './askers.ts';
import type { XmlElement } from './element.ts';
import { ListReadings } from './list-readings.ts';
import { pause } from './pause.ts';
import { type RoomEvent, readRoomStanza } from './presence.ts';
import { prepareRoom, RoomEntry, restoreOwners } from './room-entry.ts';
import { RoomFacts, roomPatch } from './room-facts.ts';
import { advertise } from './room-info.ts';
import { carryOut } from './room-orders.ts';
import type { RoomInfo, RoomService } from './room-service.ts';
import { affiliationsChanged, missingFromLists, missingFromSnapshot, nextFacts, type RoomOrder } from './room-state.ts';

/** What a room needs. */
export interface RoomContext {
  readonly link: LinkSettings;
  readonly service: RoomService;
  readonly bus: Bus;
  readonly log: Logger;
  readonly nick: string;
  /** Quiet time after a change of configuration before the room is read again. */
  readonly resyncAfterMs: number;
  /** First delay before a room that put us out, or would not let us in, is entered again. */
  readonly healAfterMs: number;
  /** Hears of every event after its facts are published. */
  readonly onEvent: (event: RoomEvent) => void;
}

const longestHealMs = 300_000;

/** A linked room. */
export class Room {
  readonly #context: RoomContext;
  readonly #entry: RoomEntry;
  readonly #facts: RoomFacts;
  #queue: Promise<void> = Promise.resolve();
  #visit = new AbortController();
  #present = false;
  #seen: Set<string> | null = null;
  readonly #readings = new ListReadings();
  #resyncTimer: NodeJS.Timeout | null = null;
  readonly #askers = new Askers();

  constructor(context: RoomContext) {
    this.#context = context;
    this.#facts = new RoomFacts(context.bus, context.link);
    this.#entry = new RoomEntry(context.service, context.link.room, context.nick);
  }

  get link(): LinkSettings {
    return this.#context.link;
  }

  /** True while the focus is in the room and what is known is current. */
  get joined(): boolean {
    return this.#present;
  }

  get meeting(): Meeting {
    return this.#facts.meeting;
  }

  /** Says for whom the next change to a nick is made by the focus; the function takes it back. */
  actFor(nick: string, by: string): () => void {
    return this.#askers.note(nick, by);
  }

  /** Enters, and keeps trying until the visit is ended; resolves after the first success or when ended. */
  async enter(): Promise<void> {
    this.#visit.abort();
    this.#visit = new AbortController();
    const { signal } = this.#visit;
    for (let delay = this.#context.healAfterMs; !signal.aborted; delay = Math.min(delay * 2, longestHealMs)) {
      try {
        if (await this.#tryToEnter(signal)) return;
      } catch (error) {
        if (signal.aborted || (error as BridgeError).code === 'XMPP_UNAVAILABLE') return;
        this.#context.log.warn({ err: error, room: this.link.room }, 'the room could not be entered');
      }
      await pause(delay * (0.8 + Math.random() * 0.4), signal);
    }
  }

  /** The link is down: what is known stands until the room is seen again. */
  offline(): Promise<void> {
    this.#end();
    return this.#enqueue(() => this.#facts.publishRoom({ joined: false }));
  }

  /** Leaves the room for good. */
  async leave(): Promise<void> {
    const wasIn = this.#present;
    this.#end();
    if (wasIn) await this.#context.service.leave(this.link.room, this.#entry.nick).catch(() => undefined);
    await this.#enqueue(() => this.#facts.publishRoom({ joined: false }));
  }

  /** Takes in a stanza from the room. */
  receive(stanza: XmlElement): void {
    for (const event of readRoomStanza(stanza, this.#entry.nick)) {
      void this.#enqueue(() => this.#handle(event));
    }
  }

  /** Closes the link for an operator: nobody is in the room any more as far as the facts go. */
  close(reason: string): Promise<void> {
    this.#end();
    return this.#enqueue(() => this.#facts.close(reason, 'operator', this.#focusBare));
  }

  /** Opens a closed link; false when that cannot be said on the bus. Entering goes on by itself: nobody waits for a slow room. */
  async reopen(): Promise<boolean> {
    await this.#enqueue(() => this.#facts.open());
    const open = this.meeting.link?.state === 'open';
    if (open) void this.enter();
    return open;
  }

  /** Locks the conference while its link is open, or with null lifts the lock. */
  lock(locked: LinkLock | null): Promise<void> {
    return this.#enqueue(() => this.#facts.lock(locked));
  }

  /** Asks whether we are still in and enters again when not (XEP-0410). */
  async check(): Promise<void> {
    if (!this.#present || (await this.#context.service.stillIn(this.link.room, this.#entry.nick)) !== false) return;
    this.#context.log.warn({ room: this.link.room }, 'the room has forgotten the focus; entering again');
    await this.enter();
  }

  get #focusBare(): string {
    return bareJid(this.#context.service.focus) ?? '';
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      this.#context.log.error({ err: error, room: this.link.room }, 'an event of a room could not be handled');
    });
    return this.#queue;
  }

  #end(): void {
    this.#visit.abort();
    this.#entry.cancel();
    this.#present = false;
    this.#seen = null;
    if (this.#resyncTimer) clearTimeout(this.#resyncTimer);
    this.#resyncTimer = null;
  }

  async #tryToEnter(signal: AbortSignal): Promise<boolean> {
    const { service, log } = this.#context;
    const before = await service.info(this.link.room);
    if (signal.aborted) return true;
    await this.#enqueue(async () => {
      if (signal.aborted) return;
      this.#present = false;
      this.#seen = new Set();
      if (before.ok) await this.#facts.publishRoom(roomPatch(before.value));
    });
    const outcome = await this.#entry.enter(before.ok ? before.value : null);
    if (signal.aborted) return true;
    if (outcome.outcome === 'refused') {
      log.warn(
        { room: this.link.room, ...outcome },
        'the room does not let the focus in: make its JID owner of the rooms',
      );
      return false;
    }
    if (outcome.created || !before.ok) await prepareRoom(service, this.link, log);
    await restoreOwners(service, this.meeting.link, log);
    await this.#enqueue(() => this.#facts.forgetOwners());
    await this.#read(signal, false);
    return true;
  }

  /**
   * Reads configuration and lists, sees to the advertisement, and publishes what differs. `again`: not the first time in this
   * visit, so the occupants are read too (some servers remove people without a word), and only a lost advertisement is set.
   */
  async #read(signal: AbortSignal, again: boolean): Promise<void> {
    const { service } = this.#context;
    const { room } = this.link;
    const touched = this.#readings.begin();
    try {
      const info = await service.info(room);
      const lists = await service.affiliations(room);
      const present = again ? await service.occupants(room) : null;
      const advertised = signal.aborted ? null : await this.#advertised(info.ok ? info.value : null, again);
      if (signal.aborted || advertised === null) return;
      await this.#enqueue(async () => {
        if (signal.aborted) return;
        await this.#facts.publishRoom({ ...(info.ok ? roomPatch(info.value) : {}), advertised });
        if (lists.ok)
          await this.#facts.publish(affiliationsChanged(lists.value, touched, this.#focusBare, this.meeting));
        if (!present?.ok) return;
        await this.#facts.publish(missingFromLists(present.value, touched, this.meeting, { newId: randomUUID }));
      });
    } finally {
      this.#readings.end(touched);
    }
  }

  /** Where the conference is advertised, after setting it where it is missing. What the room would not take is not tried again. */
  async #advertised(info: RoomInfo | null, again: boolean): Promise<RoomFact['advertised']> {
    const stood = this.meeting.room?.advertised ?? 'none';
    if (again && stood === 'focus') return info?.audioVideoUri === this.link.conference ? 'room' : stood;
    return advertise(this.#context.service, this.link.room, this.link.conference, info, this.#context.log);
  }

  async #handle(event: RoomEvent): Promise<void> {
    if (event.event === 'refused') return this.#entry.refused(event);
    if (event.event === 'destroyed') {
      this.#end();
      await this.#facts.close(event.reason ?? 'The room was destroyed', 'room', this.#focusBare);
    } else {
      await this.#follow(event);
    }
    this.#context.onEvent(event);
  }

  async #follow(event: Exclude<RoomEvent, { event: 'destroyed' | 'refused' }>): Promise<void> {
    if (event.event === 'configured') this.#scheduleResync();
    if (event.event === 'subject') await this.#facts.publishRoom({ subject: clipped(event.subject, 65_536) });
    this.#readings.note(event, this.meeting);
    if ('nick' in event) {
      if (event.event === 'present') this.#seen?.add(event.nick);
      if (event.self) await this.#ownPresence(event);
    }
    if (this.#seen === null && !this.#present) return; // neither in nor entering: a late stanza of a visit that is over
    const phase = this.#seen === null ? 'live' : 'snapshot';
    const named = this.#askers.named(event, [this.#entry.nick, this.#focusBare]);
    const { changes, orders } = nextFacts(named, this.meeting, { phase, newId: randomUUID });
    await this.#facts.publish(changes);
    for (const order of orders) void this.#carryOut(order);
  }

  async #ownPresence(event: Extract<RoomEvent, { event: 'present' | 'gone' | 'renamed' }>): Promise<void> {
    if (event.event === 'renamed') {
      this.#entry.nick = event.to;
    } else if (event.event === 'gone') {
      if (!this.#present) return;
      this.#context.log.warn({ cause: event.departure }, 'the focus was put out of the room; entering again');
      this.#end();
      await this.#facts.publishRoom({ joined: false });
      void this.#healLater();
    } else {
      await this.#ownPresent(event);
    }
  }

  async #ownPresent(event: Extract<RoomEvent, { event: 'present' }>): Promise<void> {
    if (this.#seen !== null) {
      await this.#facts.publish(missingFromSnapshot(this.#seen, this.meeting));
      this.#seen = null;
      this.#present = true;
      this.#entry.accepted(event.nick, event.created);
      await this.#facts.publishRoom({ joined: true });
    }
    if (event.role === 'moderator' || !this.#present) return;
    this.#context.log.warn({ room: this.link.room }, 'the focus is no moderator of the room; taking the right back');
    void this.#quietly(() => this.#context.service.setAffiliation(this.link.room, this.#focusBare, 'owner', null));
  }

  async #healLater(): Promise<void> {
    const visit = this.#visit;
    await pause(this.#context.healAfterMs, new AbortController().signal);
    if (this.#visit === visit && this.meeting.link?.state !== 'closed') await this.enter();
  }

  #scheduleResync(): void {
    if (this.#resyncTimer) clearTimeout(this.#resyncTimer);
    const read = (): void => void this.#quietly(() => this.#read(this.#visit.signal, true));
    this.#resyncTimer = setTimeout(read, this.#context.resyncAfterMs);
  }

  #carryOut(order: RoomOrder): Promise<void> {
    const { service, log } = this.#context;
    const giveVoiceBack = (jid: string): Promise<void> =>
      this.#enqueue(() => this.#facts.publish([{ kind: 'voice-taken', key: jid, value: null }]));
    return this.#quietly(() => carryOut(order, this.link.room, service, log, giveVoiceBack));
  }

  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#context.log.warn({ err: error, room: this.link.room }, 'an order to a room was not carried out');
    }
  }
}
