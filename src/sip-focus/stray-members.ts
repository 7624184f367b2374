/** Members of the mixer that no fact speaks of: calls that were on their way in when an earlier process died (RFC 4353 4.1). */
import type { Bus } from '../bus/bus.ts';
import type { Logger } from '../log.ts';
import type { Mixer, MixerMember } from './mixer.ts';

/** No call takes this long from the mixer to its fact, so who is unknown before and after it is nobody's. */
const defaultWaitMs = 15_000;

/** Ends them, so that nobody is heard in a conference who is in no document and cannot be muted. */
export class StrayMembers {
  readonly #bus: Bus;
  readonly #mixer: Mixer;
  readonly #log: Logger;
  readonly #waitMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(bus: Bus, mixer: Mixer, log: Logger, waitMs = defaultWaitMs) {
    this.#bus = bus;
    this.#mixer = mixer;
    this.#log = log;
    this.#waitMs = waitMs;
  }

  /** Looks now, looks again after the wait, and ends who was unknown both times. Resolves after the first look. */
  async look(): Promise<void> {
    const before = new Set((await this.#unknown()).map(({ leg }) => leg));
    if (before.size === 0) return;
    this.stop();
    this.#timer = setTimeout(() => {
      this.#end(before).catch((error) => this.#log.warn({ err: error }, 'stray members could not be ended'));
    }, this.#waitMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #unknown(): Promise<readonly MixerMember[]> {
    const members = await this.#mixer.list();
    const { facts } = this.#bus;
    const known = new Set(facts.links().flatMap((link) => [...facts.meeting(link).legs.keys()]));
    return members.filter(({ leg }) => !known.has(leg));
  }

  async #end(before: ReadonlySet<string>): Promise<void> {
    // Without the server, legs of other instances may be unknown here only.
    if (this.#bus.status() !== 'connected') return;
    for (const member of await this.#unknown()) {
      if (!before.has(member.leg) || !(await this.#mixer.adopt(member))) continue;
      this.#log.warn({ leg: member.leg }, 'a member that nobody knows is ended');
      await this.#mixer.remove(member.leg);
    }
  }
}
