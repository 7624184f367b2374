/** Writes what is known of one room to the bus. */
import type { Bus } from '../bus/bus.ts';
import { type LinkFact, type LinkLock, type LinkSettings, mostOwners } from '../conference-info/link.ts';
import { type Meeting, onlyKey } from '../conference-info/meeting.ts';
import type { RoomFact } from '../conference-info/occupant.ts';
import { clipped } from '../conference-info/xml-text.ts';
import type { RoomInfo } from './room-service.ts';
import { type FactChange, missingFromSnapshot } from './room-state.ts';

const nothingKnown: RoomFact = {
  joined: false,
  name: null,
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: false,
  advertised: 'none',
};

/** What a reading of disco#info changes in the room's fact. */
export const roomPatch = (info: RoomInfo): Partial<RoomFact> => ({
  name: info.name,
  moderated: info.moderated,
  guestsHaveVoice: info.guestsHaveVoice,
  membersOnly: info.membersOnly,
  passwordProtected: info.passwordProtected,
  nonAnonymous: info.nonAnonymous,
});

/** The facts of one link that this service owns. Calls must not overlap: the room's queue sees to that. */
export class RoomFacts {
  readonly #bus: Bus;
  readonly #link: LinkSettings;

  constructor(bus: Bus, link: LinkSettings) {
    this.#bus = bus;
    this.#link = link;
  }

  get meeting(): Meeting {
    return this.#bus.facts.meeting(this.#link.id);
  }

  async publish(changes: readonly FactChange[]): Promise<void> {
    for (const { kind, key, value } of changes) {
      if (value === null) await this.#bus.withdraw(this.#link.id, kind, key);
      else await this.#bus.publish(this.#link.id, kind, key, value);
    }
  }

  async publishRoom(patch: Partial<RoomFact>): Promise<void> {
    await this.#bus.publish(this.#link.id, 'room', onlyKey, { ...nothingKnown, ...this.meeting.room, ...patch });
  }

  /**
   * The room is no more, or an operator wants no calls: nothing that was known of people there holds any longer. Once is enough,
   * but an operator who closes what the room had closed keeps its owners from reopening it. `focus` is our bare JID.
   */
  async close(reason: string, closedBy: 'room' | 'operator', focus: string): Promise<void> {
    const { link } = this.meeting;
    if (link?.state === 'closed') {
      if (closedBy === 'operator' && link.closedBy === 'room') await this.#publishLink({ ...link, closedBy });
      return;
    }
    const owners = closedBy === 'room' ? ownersOf(this.meeting, focus) : link?.owners;
    await this.#publishLink({
      state: 'closed',
      reason: clipped(reason, 1000),
      closedBy,
      ...(owners ? { owners } : {}),
    });
    await this.publish(missingFromSnapshot(new Set(), this.meeting));
    for (const jid of [...this.meeting.voicesTaken.keys()]) await this.#bus.withdraw(this.#link.id, 'voice-taken', jid);
    for (const jid of [...this.meeting.affiliations.keys()])
      await this.#bus.withdraw(this.#link.id, 'affiliation', jid);
    await this.publishRoom({ joined: false, advertised: 'none' });
  }

  /** Calls are taken again. Who owned a destroyed room is remembered until they own it again. */
  async open(): Promise<void> {
    const owners = this.meeting.link?.owners;
    await this.#publishLink({ state: 'open', reason: null, ...(owners ? { owners } : {}) });
  }

  /** Locks an open conference, or with null lifts the lock. */
  async lock(locked: LinkLock | null): Promise<void> {
    const { link } = this.meeting;
    if (link?.state !== 'open' || (locked === null && !link.locked)) return;
    const { locked: before, ...rest } = link;
    await this.#publishLink(locked === null ? rest : { ...rest, locked });
  }

  /** Those who owned the destroyed room own it again. A link that was closed meanwhile needs them. */
  async forgetOwners(): Promise<void> {
    const { link } = this.meeting;
    if (link?.state !== 'open' || !link.owners) return;
    const { owners, ...rest } = link;
    await this.#publishLink(rest);
  }

  async #publishLink(fact: Omit<LinkFact, 'room' | 'conference'>): Promise<void> {
    const { id, room, conference } = this.#link;
    await this.#bus.publish(id, 'link', onlyKey, { ...fact, room, conference });
  }
}

/** Bare JIDs of who owns the room: by its lists, by what is seen in it, and who is yet to own it again after an earlier end. */
export function ownersOf({ affiliations, occupants, link }: Meeting, focus: string): readonly string[] {
  const listed = [...affiliations.values(), ...occupants.values()].flatMap(({ jid, affiliation }) =>
    affiliation === 'owner' && jid !== null ? [jid] : [],
  );
  const owners = new Set([...(link?.owners ?? []), ...listed]);
  owners.delete(focus);
  return [...owners].slice(0, mostOwners);
}
