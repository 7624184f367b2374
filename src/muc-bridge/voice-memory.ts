/** How long voice taken is remembered: it outlives a visit to the room, and ends with the conference. */
import type { Bus } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { Logger } from '../log.ts';

/** Withdraws the voice-taken facts of a link when it has had no call leg for `conferenceEndsAfterMs`. */
export class VoiceMemory {
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #endsAfterMs: number;
  readonly #links: ReadonlySet<string>;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #unlisten: (() => void) | null = null;

  constructor(bus: Bus, links: readonly LinkSettings[], conferenceEndsAfterMs: number, log: Logger) {
    this.#bus = bus;
    this.#links = new Set(links.map((link) => link.id));
    this.#endsAfterMs = conferenceEndsAfterMs;
    this.#log = log;
  }

  /** Begins to watch. What stands now counts as of now: how long a call has been over is not known after a restart. */
  start(): void {
    this.#unlisten = this.#bus.listen(({ kind, link }) => {
      if ((kind === 'leg' || kind === 'voice-taken') && this.#links.has(link)) this.#look(link);
    });
    for (const link of this.#links) this.#look(link);
  }

  stop(): void {
    this.#unlisten?.();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #look(link: string): void {
    const { legs, voicesTaken } = this.#bus.facts.meeting(link);
    const timer = this.#timers.get(link);
    if (legs.size > 0 || voicesTaken.size === 0) {
      clearTimeout(timer);
      this.#timers.delete(link);
    } else if (!timer) {
      this.#timers.set(link, setTimeout(() => void this.#forget(link), this.#endsAfterMs).unref());
    }
  }

  async #forget(link: string): Promise<void> {
    this.#timers.delete(link);
    try {
      for (const jid of [...this.#bus.facts.meeting(link).voicesTaken.keys()]) {
        await this.#bus.withdraw(link, 'voice-taken', jid);
      }
    } catch (error) {
      this.#log.warn({ err: error, link }, 'voice taken could not be forgotten');
    }
  }
}
