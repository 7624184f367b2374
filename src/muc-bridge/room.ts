/** XEP-0045: one linked room as the focus lives in it. Everything that concerns it goes through one queue. */
import { randomUUID } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { type Meeting, onlyKey } from '../conference-info/meeting.ts';
import type { RoomFact } from '../conference-info/occupant.ts';
import type { BridgeError } from '../errors.ts';
import { bareJid } from '../identity/jid.ts';
import type { Logger } from '../log.ts';
import { pause } from './component.ts';
import type { XmlElement } from './element.ts';
import { type RoomEvent, readRoomStanza } from './presence.ts';
import { type EntryOutcome, prepareRoom, RoomEntry } from './room-entry.ts';
import { advertise } from './room-info.ts';
import type { RoomInfo, RoomService } from './room-service.ts';
import {
  affiliationsChanged,
  type FactChange,
  missingFromLists,
  missingFromSnapshot,
  nextFacts,
  type RoomOrder,
} from './room-state.ts';

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
  #queue: Promise<void> = Promise.resolve();
  #visit = new AbortController();
  #present = false;
  #seen: Set<string> | null = null;
  readonly #touched = new Set<string>();
  #resyncTimer: NodeJS.Timeout | null = null;
  /** Who asked for what is done to a nick, for the facts that come back. */
  readonly #askers = new Map<string, string>();

  constructor(context: RoomContext) {
    this.#context = context;
    this.#entry = new RoomEntry(context.service, context.link.room, context.nick);
  }

  get link(): LinkSettings {
    return this.#context.link;
  }

  /** Nick under which the focus is in the room. */
  get nick(): string {
    return this.#entry.nick;
  }

  /** True while the focus is in the room and what is known is current. */
  get joined(): boolean {
    return this.#present;
  }

  get meeting(): Meeting {
    return this.#context.bus.facts.meeting(this.link.id);
  }

  /** Says for whom the next change to a nick is made by the focus; the function takes it back. */
  actFor(nick: string, by: string): () => void {
    this.#askers.set(nick, by);
    return () => this.#askers.delete(nick);
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
    return this.#enqueue(() => this.#publishRoom({ joined: false }));
  }

  /** Leaves the room for good. */
  async leave(): Promise<void> {
    const wasIn = this.#present;
    this.#end();
    if (wasIn) await this.#context.service.leave(this.link.room, this.nick).catch(() => undefined);
    await this.#enqueue(() => this.#publishRoom({ joined: false }));
  }

  /** Takes in a stanza from the room. */
  receive(stanza: XmlElement): void {
    for (const event of readRoomStanza(stanza, this.nick)) {
      void this.#enqueue(() => this.#handle(event));
    }
  }

  /** Resolves when all that has come in so far is done. */
  settled(): Promise<void> {
    return this.#enqueue(async () => undefined);
  }

  /** Closes the link: nobody is in the room any more as far as the facts go. */
  close(reason: string): Promise<void> {
    this.#end();
    return this.#enqueue(() => this.#closed(reason));
  }

  /** Asks whether we are still in and enters again when not (XEP-0410). */
  async check(): Promise<void> {
    if (!this.#present || (await this.#context.service.stillIn(this.link.room, this.nick)) !== false) return;
    this.#context.log.warn({ room: this.link.room }, 'the room has forgotten the focus; entering again');
    await this.enter();
  }

  /** Reads configuration, lists and occupants again and publishes what differs. */
  async resync(): Promise<void> {
    const { service } = this.#context;
    const { signal } = this.#visit;
    this.#touched.clear();
    const info = await service.info(this.link.room);
    const lists = await service.affiliations(this.link.room);
    const present = await service.occupants(this.link.room);
    if (signal.aborted || !this.#present) return;
    await this.#enqueue(async () => {
      if (info.ok) await this.#publishRoom(await this.#restored(info.value));
      if (lists.ok) await this.#publish(affiliationsChanged(lists.value, this.#focusBare, this.meeting));
      if (!present.ok) return;
      await this.#publish(missingFromLists(present.value, this.#touched, this.meeting, { newId: randomUUID }));
    });
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
      this.#present = false;
      this.#seen = new Set();
      if (before.ok) await this.#publishRoom(infoPatch(before.value));
    });
    const outcome: EntryOutcome = await this.#entry.enter(before.ok ? before.value : null);
    if (signal.aborted) return true;
    if (outcome.outcome === 'refused') {
      const { condition, text } = outcome;
      log.warn(
        { room: this.link.room, condition, text },
        'the room does not let the focus in; make its JID an owner of the rooms (see deploy/)',
      );
      return false;
    }
    if (outcome.created || !before.ok) await prepareRoom(service, this.link, log);
    await this.#afterEntry(signal);
    return true;
  }

  async #afterEntry(signal: AbortSignal): Promise<void> {
    const { service, log } = this.#context;
    const lists = await service.affiliations(this.link.room);
    const info = await service.info(this.link.room);
    if (signal.aborted) return;
    const advertised = await advertise(service, this.link.room, this.link.conference, info.ok ? info.value : null, log);
    if (signal.aborted) return;
    await this.#enqueue(async () => {
      if (lists.ok) await this.#publish(affiliationsChanged(lists.value, this.#focusBare, this.meeting));
      await this.#publishRoom({ ...(info.ok ? infoPatch(info.value) : {}), advertised, joined: this.#present });
    });
  }

  /** Facts from a new reading; an advertisement that somebody took away is put back. */
  async #restored(info: RoomInfo): Promise<Partial<RoomFact>> {
    const { service, log } = this.#context;
    const stood = this.meeting.room?.advertised;
    if (stood !== 'room' || info.audioVideoUri === this.link.conference) return infoPatch(info);
    const advertised = await advertise(service, this.link.room, this.link.conference, info, log);
    return { ...infoPatch(info), advertised };
  }

  async #handle(event: RoomEvent): Promise<void> {
    if (event.event === 'refused') {
      this.#entry.refused(event);
      return;
    }
    if (event.event === 'destroyed') {
      this.#end();
      await this.#closed(event.reason ?? 'The room was destroyed');
    } else {
      await this.#follow(event);
    }
    this.#context.onEvent(event);
  }

  async #follow(event: Exclude<RoomEvent, { event: 'destroyed' | 'refused' }>): Promise<void> {
    if (event.event === 'configured') this.#scheduleResync();
    if (event.event === 'subject') await this.#publishRoom({ subject: event.subject.slice(0, 65_536) });
    if ('nick' in event) {
      this.#touched.add(event.nick);
      if (event.event === 'present') this.#seen?.add(event.nick);
      if (event.self) await this.#ownPresence(event);
    }
    if (this.#seen === null && !this.#present) return; // neither in nor entering: a late stanza of a visit that is over
    const phase = this.#seen === null ? 'live' : 'snapshot';
    const { changes, orders } = nextFacts(this.#attributed(event), this.meeting, { phase, newId: randomUUID });
    await this.#publish(changes);
    for (const order of orders) void this.#carryOut(order);
  }

  /** Puts the real asker in place of the focus, who only carried it out. */
  #attributed<T extends RoomEvent>(event: T): T {
    if (!('by' in event) || (event.by !== this.nick && event.by !== this.#focusBare && event.by !== null)) return event;
    const asker = this.#askers.get(event.nick);
    if (asker === undefined) return event;
    this.#askers.delete(event.nick);
    return { ...event, by: asker };
  }

  async #ownPresence(event: Extract<RoomEvent, { event: 'present' | 'gone' | 'renamed' }>): Promise<void> {
    if (event.event === 'renamed') {
      this.#entry.nick = event.to;
    } else if (event.event === 'gone') {
      if (!this.#present) return;
      this.#context.log.warn(
        { room: this.link.room, cause: event.departure },
        'the focus was put out of the room; entering again',
      );
      this.#end();
      await this.#publishRoom({ joined: false });
      void this.#healLater();
    } else {
      await this.#ownPresent(event);
    }
  }

  async #ownPresent(event: Extract<RoomEvent, { event: 'present' }>): Promise<void> {
    if (this.#seen !== null) {
      await this.#publish(missingFromSnapshot(this.#seen, this.meeting));
      this.#seen = null;
      this.#present = true;
      this.#entry.accepted(event.nick, event.created);
      await this.#publishRoom({ joined: true });
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
    this.#resyncTimer = setTimeout(() => void this.#quietly(() => this.resync()), this.#context.resyncAfterMs);
  }

  async #carryOut(order: RoomOrder): Promise<void> {
    const { service, log } = this.#context;
    await this.#quietly(async () => {
      if (order.order === 'kick-outcast') {
        await service.setRole(this.link.room, order.nick, 'none', null);
        return;
      }
      const answer = await service.setRole(this.link.room, order.nick, 'visitor', null);
      if (answer.ok || answer.condition === 'item-not-found') return;
      // The room does not let us (an owner of an ejabberd room): then it rules, and the call follows it.
      log.warn(
        { room: this.link.room, jid: order.jid, condition: answer.condition },
        'the room does not let voice be taken again',
      );
      await this.#enqueue(() => this.#publish([{ kind: 'voice-taken', key: order.jid, value: null }]));
    });
  }

  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#context.log.warn({ err: error, room: this.link.room }, 'an order to a room was not carried out');
    }
  }

  async #closed(reason: string): Promise<void> {
    const { room, conference } = this.link;
    await this.#context.bus.publish(this.link.id, 'link', onlyKey, { room, conference, state: 'closed', reason });
    await this.#publish(missingFromSnapshot(new Set(), this.meeting));
    for (const jid of [...this.meeting.voicesTaken.keys()])
      await this.#context.bus.withdraw(this.link.id, 'voice-taken', jid);
    for (const jid of [...this.meeting.affiliations.keys()])
      await this.#context.bus.withdraw(this.link.id, 'affiliation', jid);
    await this.#publishRoom({ joined: false, advertised: 'none' });
  }

  async #publish(changes: readonly FactChange[]): Promise<void> {
    for (const { kind, key, value } of changes) {
      if (value === null) await this.#context.bus.withdraw(this.link.id, kind, key);
      else await this.#context.bus.publish(this.link.id, kind, key, value);
    }
  }

  async #publishRoom(patch: Partial<RoomFact>): Promise<void> {
    const unknown: RoomFact = {
      joined: false,
      name: null,
      subject: null,
      moderated: false,
      membersOnly: false,
      passwordProtected: false,
      nonAnonymous: false,
      advertised: 'none',
    };
    await this.#context.bus.publish(this.link.id, 'room', onlyKey, { ...unknown, ...this.meeting.room, ...patch });
  }
}

const infoPatch = ({ name, moderated, membersOnly, passwordProtected, nonAnonymous }: RoomInfo): Partial<RoomFact> => ({
  name,
  moderated,
  membersOnly,
  passwordProtected,
  nonAnonymous,
});
