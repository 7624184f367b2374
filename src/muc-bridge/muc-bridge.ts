/** The XMPP half: rooms seen and moderated through one component connection, everything known of them said on the bus. */
import type { Asks } from '../bus/asks.ts';
import type { Bus } from '../bus/bus.ts';
import type { Lease, Leases } from '../bus/leases.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { RoomFact } from '../conference-info/occupant.ts';
import type { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { CallSummaries } from './call-summaries.ts';
import { CommandDesk } from './command-desk.ts';
import { ComponentLink, type ComponentSettings } from './component.ts';
import { ConferenceMemory } from './conference-memory.ts';
import { type DiscoFacts, replyTo } from './disco.ts';
import { Display, type DisplayMode } from './display.ts';
import type { XmlElement } from './element.ts';
import { type ModerationContext, moderate } from './moderation.ts';
import { pause } from './pause.ts';
import { Rooms } from './rooms.ts';
import { XmppRoomService } from './xmpp-room-service.ts';

/** Settings of the XMPP half; times in milliseconds. */
export interface MucBridgeSettings extends ComponentSettings {
  /** Local part of the focus JID. */
  readonly focus: string;
  /** Nick of the focus. */
  readonly nick: string;
  readonly display: DisplayMode;
  /** Least time between two presences of the focus that tell of the call in one room; null: none does. */
  readonly summaryGapMs: number | null;
  /** Without any leg for so long a conference has ended: voice taken is forgotten, and a lock is lifted. 5 minutes when absent. */
  readonly conferenceEndsAfterMs?: number;
  /** Namespace of a second, Clark-named copy of the advertisement where the focus answers for it; none when absent. */
  readonly clarkNamespace?: string;
  readonly resyncAfterMs?: number;
  readonly healAfterMs?: number;
  readonly selfPingEveryMs?: number;
  readonly entriesAtOnce?: number;
}

const defaults = {
  conferenceEndsAfterMs: 300_000,
  resyncAfterMs: 250,
  healAfterMs: 1_000,
  selfPingEveryMs: 300_000,
  entriesAtOnce: 16,
};

/** What the XMPP half is made of. `leases` null: nobody else connects with this domain. */
export interface MucBridgeOptions {
  readonly settings: MucBridgeSettings;
  readonly links: readonly LinkSettings[];
  readonly bus: Bus;
  readonly asks: Asks;
  readonly leases: Leases | null;
  readonly log: Logger;
  /** Configured name of this process. */
  readonly instance: string;
}

/** What a person who looks for a fault wants to know. */
export interface MucBridgeState {
  readonly online: boolean;
  /** Another process speaks for the component domain. */
  readonly standby: boolean;
  readonly rooms: readonly {
    readonly link: string;
    readonly joined: boolean;
    readonly state: 'open' | 'closed' | 'unknown';
    readonly occupants: number;
    readonly advertised: RoomFact['advertised'];
  }[];
}

/** A running or stopped XMPP half. */
export interface MucBridge {
  /** Publishes the links and begins to connect; resolves at once after that. The bus must be started. */
  start(): Promise<void>;
  /** Leaves the rooms, closes the connection, gives the lease back. Facts stay. */
  stop(): Promise<void>;
  /** True when connected and in every open room. A process that stands by for the lease is not ready to act, but healthy: see `debug`. */
  ready(): boolean;
  debug(): MucBridgeState;
}

/** One fixed resource: after a crash the new process takes the place of the old one's occupant instead of standing beside it. */
const resource = 'focus';

class Half implements MucBridge {
  readonly #options: MucBridgeOptions;
  readonly #link: ComponentLink;
  readonly #service: XmppRoomService;
  readonly #rooms: Rooms;
  readonly #display: Display;
  readonly #summaries: CallSummaries | null;
  readonly #memory: ConferenceMemory;
  readonly #disco: DiscoFacts;
  readonly #moderation: ModerationContext;
  readonly #desk: CommandDesk;
  #ending = new AbortController();
  #lease: Lease | null = null;
  #standby = true;
  #unserve: (() => void) | null = null;
  #life: Promise<void> | null = null;

  constructor(options: MucBridgeOptions) {
    this.#options = options;
    const { bus, links, log } = options;
    const settings = { ...defaults, ...options.settings };
    const focus = `${settings.focus}@${settings.domain}`;
    const service = links[0]?.room.split('@')[1];
    const listener = {
      online: (generation: number) => this.#online(generation),
      offline: () => this.#offline(),
      stanza: (stanza: XmlElement) => this.#receive(stanza),
    };
    const pingTarget = settings.pingTarget ?? service;
    this.#link = new ComponentLink({ ...settings, ...(pingTarget === undefined ? {} : { pingTarget }) }, listener, log);
    this.#service = new XmppRoomService(this.#link, `${focus}/${resource}`);
    this.#rooms = new Rooms({
      ...settings,
      links,
      service: this.#service,
      bus,
      log,
      onEvent: (room, event) => {
        this.#display.see(room, event);
        this.#summaries?.see(room, event);
      },
    });
    this.#display = new Display(settings.display, this.#rooms, this.#service, bus, log);
    const { summaryGapMs } = settings;
    this.#summaries =
      summaryGapMs === null ? null : new CallSummaries(summaryGapMs, this.#rooms, this.#service, bus, log);
    this.#memory = new ConferenceMemory(bus, this.#rooms, settings.conferenceEndsAfterMs, log);
    this.#moderation = { rooms: this.#rooms, service: this.#service, log };
    this.#desk = new CommandDesk(this.#moderation, settings.domain, focus);
    this.#disco = {
      focus,
      desk: this.#desk,
      clarkNamespace: settings.clarkNamespace ?? null,
      conferenceOf: (room) => {
        const linked = this.#rooms.ofJid(room);
        return linked && linked.meeting.link?.state !== 'closed' ? linked.link.conference : null;
      },
    };
  }

  async start(): Promise<void> {
    this.#ending = new AbortController();
    this.#life = this.#live(this.#ending.signal);
    if (this.#options.leases === null) await this.#rooms.publishLinks();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#life;
  }

  ready(): boolean {
    if (!this.#link.online) return false;
    return [...this.#rooms.all()].every((room) => room.joined || room.meeting.link?.state === 'closed');
  }

  debug(): MucBridgeState {
    const rooms = [...this.#rooms.all()].map((room) => ({
      link: room.link.id,
      joined: room.joined,
      state: room.meeting.link?.state ?? ('unknown' as const),
      occupants: room.meeting.occupants.size,
      advertised: room.meeting.room?.advertised ?? 'none',
    }));
    return { online: this.#link.online, standby: this.#standby, rooms };
  }

  /** Acts while it holds the lease; waits for it again when it was lost. */
  async #live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const term = new AbortController();
      const end = (): void => term.abort();
      signal.addEventListener('abort', end);
      try {
        await this.#takeLease(signal, end);
        if (!signal.aborted) await this.#act(term.signal);
      } catch (error) {
        if (!signal.aborted) this.#options.log.error({ err: error }, 'the XMPP half had to stop; it begins again');
        await pause(1_000, signal);
      }
      signal.removeEventListener('abort', end);
      await this.#lease?.release().catch(() => undefined);
      this.#lease = null;
    }
  }

  async #takeLease(signal: AbortSignal, lost: () => void): Promise<void> {
    const { leases, instance, settings, log } = this.#options;
    if (leases === null) return;
    this.#lease = await leases.wait(`xmpp.${settings.domain}`, instance, signal);
    this.#lease.onLost(() => {
      log.warn('the lease of the component domain was lost; standing by');
      lost();
    });
  }

  async #act(term: AbortSignal): Promise<void> {
    const { asks } = this.#options;
    await this.#rooms.publishLinks();
    this.#standby = false;
    this.#unserve = asks.serve({ owner: 'room' }, (ask) => moderate(ask, this.#moderation));
    this.#memory.start();
    this.#display.start();
    this.#summaries?.start();
    this.#link.start();
    await new Promise<void>((resolve) => {
      if (term.aborted) resolve();
      else term.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#standby = true;
    this.#unserve();
    this.#display.stop();
    this.#summaries?.stop();
    this.#memory.stop();
    await this.#rooms.leave();
    await this.#link.stop();
  }

  #online(generation: number): void {
    this.#service.forget();
    this.#rooms.online(generation).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the rooms could not be entered');
    });
  }

  #offline(): void {
    this.#display.offline();
    this.#summaries?.offline();
    void this.#rooms.offline();
  }

  #receive(stanza: XmlElement): void {
    if (stanza.name !== 'iq' && this.#rooms.receive(stanza)) return;
    this.#answer(stanza).catch((error: unknown) => {
      // A link that breaks meanwhile needs no answer any more.
      if ((error as Partial<BridgeError>).code === 'XMPP_UNAVAILABLE') return;
      this.#options.log.error({ err: error, kind: stanza.name }, 'a stanza could not be answered');
    });
  }

  async #answer(stanza: XmlElement): Promise<void> {
    const answer = await this.#desk.answer(stanza);
    if (answer !== null) await this.#link.send(answer);
    else if (stanza.name === 'iq') await this.#link.send(replyTo(stanza, this.#disco));
  }
}

/** Makes the XMPP half; it does nothing until `start`. */
export const createMucBridge = (options: MucBridgeOptions): MucBridge => new Half(options);
