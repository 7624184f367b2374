/** XEP-0317: shows in the room who is in the call: people there by hats where the server lets us, everybody else by short notices; and whether it is locked. */
import type { Bus } from '../bus/bus.ts';
import type { LegFact } from '../conference-info/leg.ts';
import type { LinkLock } from '../conference-info/link.ts';
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import type { Bindings } from '../identity/binding.ts';
import type { Logger } from '../log.ts';
import type { RoomEvent } from './presence.ts';
import type { Room } from './room.ts';
import type { Hat, RoomService } from './room-service.ts';
import type { Rooms } from './rooms.ts';

export type DisplayMode = 'hats' | 'notices' | 'off';

/** The hat of people who are in the call. */
const inCallHat: Hat = { uri: 'urn:cusax:hat:in-call', title: 'In call' };

/** Who a leg may be known to belong to: nobody where its caller wants privacy (RFC 3323). */
function callerOf(leg: LegFact, bindings: Bindings): { readonly jid: string | null; readonly key: string } {
  if (leg.withheld === true) return { jid: null, key: leg.pseudonym };
  const jid = jidOfLeg(leg, bindings);
  return { jid, key: jid ?? leg.aor ?? leg.pseudonym };
}

/** Bare JIDs of people in the room who have a leg that may be known to be theirs. */
export function peopleWithBoth(meeting: Meeting, bindings: Bindings): ReadonlySet<string> {
  const calling = new Set([...meeting.legs.values()].map((leg) => callerOf(leg, bindings).jid));
  const both = [...meeting.occupants.values()].flatMap(({ jid }) => (jid !== null && calling.has(jid) ? [jid] : []));
  return new Set(both);
}

/** A number is nobody's name, and not for everybody's eyes. */
const looksLikeNumber = (label: string): boolean => /^\+?[\d\s().-]{3,}$/.test(label);

/** Somebody in the call, as the room may know them. */
export interface Caller {
  readonly name: string;
  /** Is in the room as well, where a hat can be seen. */
  readonly here: boolean;
}

/** Callers by person (JID, else AOR or pseudonym). */
export type Callers = ReadonlyMap<string, Caller>;

/** What the phone shows, when that may be told: in a room that hides JIDs, the phone of a person with one could tell whose nick is whose. */
function labelOf(leg: LegFact, jid: string | null, meeting: Meeting): string {
  const nameable = leg.label !== null && !looksLikeNumber(leg.label) && (jid === null || meeting.room?.nonAnonymous);
  return nameable && leg.label !== null ? leg.label : 'A caller';
}

/**
 * Who is in the call, with the name that a notice gives them: the nick of who is in the room, else what they were called before, else what
 * the phone shows. A call whose caller wants privacy (RFC 3323) is nobody's.
 */
export function callersOf(meeting: Meeting, bindings: Bindings, before: Callers = new Map()): Callers {
  const callers = new Map<string, Caller>();
  for (const leg of meeting.legs.values()) {
    const { jid, key } = callerOf(leg, bindings);
    const nick = jid === null ? undefined : [...meeting.occupants.values()].find((each) => each.jid === jid)?.nick;
    const name = nick ?? before.get(key)?.name ?? labelOf(leg, jid, meeting);
    callers.set(key, { name, here: nick !== undefined });
  }
  return callers;
}

/** What the room is told of a change; with `hats`, nothing of people whose hat says it. */
export function noticesOf(before: Callers, now: Callers, hats: boolean): readonly string[] {
  const announced = (caller: Caller): boolean => !(hats && caller.here);
  const lines: string[] = [];
  for (const [key, caller] of now) {
    const was = before.get(key);
    if (!announced(caller)) continue;
    if (!was) lines.push(`${caller.name} joined the call`);
    else if (!announced(was)) lines.push(`${caller.name} is still in the call`);
  }
  for (const [key, was] of before) if (!now.has(key) && announced(was)) lines.push(`${was.name} left the call`);
  return lines;
}

/** What the room is told when callers are shut out, and when they no longer are; a lock for another reason is not news. */
export function lockNotices(before: LinkLock | null, now: LinkLock | null): readonly string[] {
  if ((before === null) === (now === null)) return [];
  if (now === null) return ['The call takes new callers again'];
  return [`The call is locked to new callers${now.reason === null ? '' : `: ${now.reason}`}`];
}

interface Shown {
  /** Whether a person in the room has the hat, as first seen in their presence or as ordered since. */
  readonly hats: Map<string, boolean>;
  callers: Callers;
  locked: LinkLock | null;
  hatsRefused: boolean;
  busy: boolean;
  again: boolean;
}

const settleMs = 200;
/** What the display depends on, beside bindings. */
const shownKinds: ReadonlySet<string> = new Set(['leg', 'occupant', 'link']);
const lockOf = ({ link }: Meeting): LinkLock | null => link?.locked ?? null;

/** Compares what is shown with what should be, after every change that could matter. */
export class Display {
  readonly #mode: DisplayMode;
  readonly #rooms: Rooms;
  readonly #service: RoomService;
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #shown = new Map<string, Shown>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #unlisten: (() => void) | null = null;

  constructor(mode: DisplayMode, rooms: Rooms, service: RoomService, bus: Bus, log: Logger) {
    this.#mode = mode;
    this.#rooms = rooms;
    this.#service = service;
    this.#bus = bus;
    this.#log = log;
  }

  /** Begins to show. Who is in the call already is not announced again. */
  start(): void {
    if (this.#mode === 'off') return;
    for (const room of this.#rooms.all()) {
      const callers = callersOf(room.meeting, this.#bus.facts.bindings);
      const locked = lockOf(room.meeting);
      this.#shown.set(room.link.id, {
        hats: new Map(),
        callers,
        locked,
        hatsRefused: false,
        busy: false,
        again: false,
      });
    }
    this.#unlisten = this.#bus.listen((event) => {
      if (event.kind === 'binding') for (const room of this.#rooms.all()) this.#later(room);
      const room = shownKinds.has(event.kind) ? this.#rooms.ofLink(event.link) : null;
      if (room) this.#later(room);
    });
  }

  stop(): void {
    this.#unlisten?.();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The server may be another one when it is back. */
  offline(): void {
    for (const shown of this.#shown.values()) {
      shown.hats.clear();
      shown.hatsRefused = false;
    }
  }

  /** Learns from presence who wears the hat. Only the first sight counts: afterwards our own orders are newer. */
  see(room: Room, event: RoomEvent): void {
    const hats = this.#shown.get(room.link.id)?.hats;
    if (!hats) return;
    if (event.event === 'present' && event.jid !== null && !event.self && !hats.has(event.jid)) {
      hats.set(event.jid, event.hats.includes(inCallHat.uri));
      this.#later(room);
    }
    if (event.event !== 'gone') return;
    const jid = event.jid;
    const still = [...room.meeting.occupants.values()].some((occupant) => occupant.jid === jid);
    if (jid !== null && !still) hats.delete(jid);
  }

  #later(room: Room): void {
    const { id } = room.link;
    if (this.#timers.has(id)) return;
    const run = (): void => {
      this.#timers.delete(id);
      void this.#show(room);
    };
    this.#timers.set(id, setTimeout(run, settleMs));
  }

  async #show(room: Room): Promise<void> {
    const shown = this.#shown.get(room.link.id);
    if (!shown || !room.joined) return;
    if (shown.busy) {
      shown.again = true;
      return;
    }
    shown.busy = true;
    try {
      if (this.#mode === 'hats' && !shown.hatsRefused) await this.#showHats(room, shown);
      await this.#showNotices(room, shown, this.#mode === 'hats' && !shown.hatsRefused);
    } catch (error) {
      this.#log.debug({ err: error, link: room.link.id }, 'the room could not be told who is in the call');
    }
    shown.busy = false;
    if (shown.again) this.#later(room);
    shown.again = false;
  }

  async #showHats(room: Room, shown: Shown): Promise<void> {
    const wanted = peopleWithBoth(room.meeting, this.#bus.facts.bindings);
    for (const jid of new Set([...wanted, ...shown.hats.keys()])) {
      const on = wanted.has(jid);
      if ((shown.hats.get(jid) ?? false) === on) continue;
      const answer = await this.#service.setHat(room.link.room, jid, inCallHat, on);
      if (!answer.ok) {
        shown.hatsRefused = true;
        const { condition, text } = answer;
        this.#log.warn(
          { link: room.link.id, condition, text },
          'the room takes no hats, so notices are sent instead: load mod_muc_call_hats (Prosody) or set enable_hats (ejabberd)',
        );
        return;
      }
      shown.hats.set(jid, on);
    }
  }

  async #showNotices(room: Room, shown: Shown, hats: boolean): Promise<void> {
    const before = shown.callers;
    shown.callers = callersOf(room.meeting, this.#bus.facts.bindings, before);
    const wasLocked = shown.locked;
    shown.locked = lockOf(room.meeting);
    const lines = [...lockNotices(wasLocked, shown.locked), ...noticesOf(before, shown.callers, hats)];
    // Many at once are one message, so that the room is not flooded.
    if (lines.length > 0) await this.#service.say(room.link.room, lines.join('\n'));
  }
}
