/** Writes what is known of one room to the bus. */
import type { Bus } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { type Meeting, onlyKey } from '../conference-info/meeting.ts';
import type { RoomFact } from '../conference-info/occupant.ts';
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

  async publishLink(state: 'open' | 'closed', reason: string | null): Promise<void> {
    const { id, room, conference } = this.#link;
    await this.#bus.publish(id, 'link', onlyKey, { room, conference, state, reason: reason?.slice(0, 1000) ?? null });
  }

  /** The room is no more: the link is closed, and nothing that was known of people there holds any longer. Once is enough. */
  async close(reason: string): Promise<void> {
    if (this.meeting.link?.state === 'closed') return;
    await this.publishLink('closed', reason);
    await this.publish(missingFromSnapshot(new Set(), this.meeting));
    for (const jid of [...this.meeting.voicesTaken.keys()]) await this.#bus.withdraw(this.#link.id, 'voice-taken', jid);
    for (const jid of [...this.meeting.affiliations.keys()])
      await this.#bus.withdraw(this.#link.id, 'affiliation', jid);
    await this.publishRoom({ joined: false, advertised: 'none' });
  }
}
