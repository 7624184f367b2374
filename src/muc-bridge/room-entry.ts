/** XEP-0045 7.2, 10.1: getting the focus into a room: password, nick conflicts, rooms that do not exist yet. */
import type { LinkFact, LinkSettings } from '../conference-info/link.ts';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RoomInfo, RoomService } from './room-service.ts';

/** How an attempt ended. */
export type EntryOutcome =
  | { readonly outcome: 'in'; readonly created: boolean }
  | { readonly outcome: 'refused'; readonly condition: string; readonly text: string };

const entryLimitMs = 30_000;
const mostNicks = 5;

/** One room's attempts to enter; told by the room of what comes back. */
export class RoomEntry {
  /** The nick in use, or tried. */
  nick: string;
  readonly #service: RoomService;
  readonly #room: string;
  readonly #wanted: string;
  #settle: ((outcome: EntryOutcome | BridgeError) => void) | null = null;

  constructor(service: RoomService, room: string, nick: string) {
    this.#service = service;
    this.#room = room;
    this.#wanted = nick;
    this.nick = nick;
  }

  /** Enters under the wanted nick or, when somebody else has it, one close to it. Rejects when the link goes down or nothing is heard. */
  async enter(info: RoomInfo | null): Promise<EntryOutcome> {
    const password = info?.passwordProtected ? await this.#password() : null;
    let outcome: EntryOutcome = { outcome: 'refused', condition: 'conflict', text: '' };
    for (let attempt = 1; attempt <= mostNicks; attempt += 1) {
      this.nick = attempt === 1 ? this.#wanted : `${this.#wanted}-${attempt}`;
      outcome = await this.#attempt(password);
      if (outcome.outcome === 'in' || outcome.condition !== 'conflict') return outcome;
    }
    return outcome;
  }

  /** Our own presence came: we are in, perhaps under a nick that the service chose (210). */
  accepted(nick: string, created: boolean): void {
    this.nick = nick;
    this.#settle?.({ outcome: 'in', created });
  }

  /** An error presence came. One for another nick is a late answer to an earlier attempt. */
  refused(refusal: { readonly nick: string; readonly condition: string; readonly text: string }): void {
    if (refusal.nick !== '' && refusal.nick !== this.nick) return;
    this.#settle?.({ outcome: 'refused', condition: refusal.condition, text: refusal.text });
  }

  /** The link is down or the visit is over. */
  cancel(): void {
    this.#settle?.(new BridgeError('XMPP_UNAVAILABLE', 'entering a room was given up'));
  }

  async #password(): Promise<string | null> {
    const form = await this.#service.ownerForm(this.#room);
    return form.ok ? (form.value['muc#roomconfig_roomsecret']?.[0] ?? null) : null;
  }

  async #attempt(password: string | null): Promise<EntryOutcome> {
    this.cancel();
    const outcome = new Promise<EntryOutcome>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle?.(new BridgeError('XMPP_TIMEOUT', 'the room did not answer our presence')),
        entryLimitMs,
      );
      this.#settle = (result) => {
        clearTimeout(timer);
        this.#settle = null;
        if (result instanceof BridgeError) reject(result);
        else resolve(result);
      };
    });
    outcome.catch(() => undefined); // it is awaited below, but sending may fail first
    try {
      await this.#service.join(this.#room, this.nick, password);
    } catch (error) {
      this.cancel();
      throw error;
    }
    return outcome;
  }
}

/** Configures a room that we have just made: it stays when everybody has left, and bears the link's name. */
export async function prepareRoom(service: RoomService, link: LinkSettings, log: Logger): Promise<void> {
  const answer = await service.configure(link.room, {
    'muc#roomconfig_persistentroom': '1',
    'muc#roomconfig_roomname': link.name,
  });
  if (answer.ok) log.info({ room: link.room }, 'the room did not exist; it was made');
  else
    log.warn(
      { room: link.room, condition: answer.condition, text: answer.text },
      'the new room could not be configured',
    );
}

/** Makes those who owned a destroyed room its owners again. Of whom the room refuses it, only the log tells. */
export async function restoreOwners(service: RoomService, link: LinkFact | null, log: Logger): Promise<void> {
  const { room, owners = [] } = link ?? { room: '' };
  for (const jid of owners) {
    const answer = await service.setAffiliation(room, jid, 'owner', null);
    if (answer.ok) continue;
    const { condition, text } = answer;
    log.warn({ room, jid, condition, text }, 'the room would not have an owner back');
  }
}
