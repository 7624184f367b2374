/** Says on the bus what the directory says: every AOR-JID binding is a fact (RFC 7081 3). */
import type { Bus } from '../bus/bus.ts';
import { globalLink } from '../conference-info/meeting.ts';
import { BridgeError } from '../errors.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../log.ts';

/** How long to wait before facts are compared with the directory again that could not be said, in ms. */
const again = 2_000;

/** Keeps the bindings on the bus as the directory has them. All processes of a service must have the same directory. */
export class BindingFacts {
  readonly #directory: Directory;
  readonly #bus: Bus;
  readonly #log: Logger;
  #retry: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(directory: Directory, bus: Bus, log: Logger) {
    this.#directory = directory;
    this.#bus = bus;
    this.#log = log;
    directory.onChange(() => void this.compare());
  }

  /** Resolves when the bus has been compared with the directory; what failed is tried again by itself. */
  compare(): Promise<void> {
    this.#running = this.#running.then(() => this.#compare());
    return this.#running;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  async #compare(): Promise<void> {
    if (this.#stopped || this.#bus.status() === 'closed') return;
    clearTimeout(this.#retry);
    try {
      const wanted = new Map((await this.#directory.bindings()).map((binding) => [binding.aor as string, binding]));
      for (const [aor, binding] of wanted) await this.#bus.publish(globalLink, 'binding', aor, binding);
      const gone = [...this.#bus.facts.bindings.keys()].filter((aor) => !wanted.has(aor));
      for (const aor of gone) await this.#bus.withdraw(globalLink, 'binding', aor);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      this.#log.warn({ err: error }, 'the bindings could not all be said on the bus; trying again');
      this.#retry = setTimeout(() => void this.compare(), again);
      this.#retry.unref();
    }
  }
}
