/** XEP-0317: shows in the room who is in the call too, by hats where the server lets us, else by short notices. */
import type { Bus } from '../bus/bus.ts';
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

/** Bare JIDs of people in the room who have a leg. */
export function peopleWithBoth(meeting: Meeting, bindings: Bindings): ReadonlySet<string> {
  const calling = new Set([...meeting.legs.values()].map((leg) => jidOfLeg(leg, bindings)));
  const both = [...meeting.occupants.values()].flatMap(({ jid }) => (jid !== null && calling.has(jid) ? [jid] : []));
  return new Set(both);
}

/** A number is nobody's name, and not for everybody's eyes. */
const looksLikeNumber = (label: string): boolean => /^\+?[\d\s().-]{3,}$/.test(label);

/** Callers by person (JID, else pseudonym), with the name that a notice gives them. */
export function callersOf(meeting: Meeting, bindings: Bindings): ReadonlyMap<string, string> {
  const callers = new Map<string, string>();
  for (const leg of meeting.legs.values()) {
    const jid = jidOfLeg(leg, bindings);
    const nick = jid === null ? undefined : [...meeting.occupants.values()].find((each) => each.jid === jid)?.nick;
    const label = leg.label !== null && !looksLikeNumber(leg.label) ? leg.label : 'A caller';
    callers.set(jid ?? leg.aor ?? leg.pseudonym, nick ?? label);
  }
  return callers;
}

interface Shown {
  /** Whether a person in the room has the hat, as first seen in their presence or as ordered since. */
  readonly hats: Map<string, boolean>;
  callers: ReadonlyMap<string, string>;
  hatsRefused: boolean;
  busy: boolean;
  again: boolean;
}

const settleMs = 200;

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
      this.#shown.set(room.link.id, { hats: new Map(), callers, hatsRefused: false, busy: false, again: false });
    }
    this.#unlisten = this.#bus.listen((event) => {
      if (event.kind === 'binding') for (const room of this.#rooms.all()) this.#later(room);
      const room = event.kind === 'leg' || event.kind === 'occupant' ? this.#rooms.ofLink(event.link) : null;
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
      await this.#showNotices(room, shown, this.#mode === 'notices' || shown.hatsRefused);
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

  async #showNotices(room: Room, shown: Shown, aloud: boolean): Promise<void> {
    const before = shown.callers;
    const now = callersOf(room.meeting, this.#bus.facts.bindings);
    shown.callers = now;
    if (!aloud) return;
    const lines = [
      ...[...now].filter(([key]) => !before.has(key)).map(([, name]) => `${name} joined the call`),
      ...[...before].filter(([key]) => !now.has(key)).map(([, name]) => `${name} left the call`),
    ];
    // Many at once are one message, so that the room is not flooded.
    if (lines.length > 0) await this.#service.say(room.link.room, lines.join('\n'));
  }
}
