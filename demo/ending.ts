/** How the demo ends when somebody asks it to: Ctrl-C, SIGTERM, or a terminal that is closed. */
import { leaveSignals } from '../test/harness/servers/process.ts';

/** npm passes on a Ctrl-C that the terminal has sent to its child as well: what follows so closely is the same wish, in ms. */
const oneWishMs = 1000;

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type EndingSignal = keyof typeof exitCodes;

/**
 * From its making on, a signal ends the process at once, and the end of the process ends all servers; but while `wanted` is
 * waited for, the first signal only resolves it, so that the demo can end in good order.
 */
export class Ending {
  readonly #farewell: (signal: EndingSignal) => void;
  #waiting: (() => void) | null = null;
  #wishedAt = Number.NEGATIVE_INFINITY;

  /** `farewell` says the last words when a signal ends the process at once. */
  constructor(farewell: (signal: EndingSignal) => void) {
    this.#farewell = farewell;
    leaveSignals();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#asked(signal));
    // Nobody reads any more (a closed terminal, `| head`).
    process.stdout.on('error', () => process.exit(exitCodes.SIGHUP));
  }

  /** Resolves when somebody asks for the end. */
  wanted(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #asked(signal: EndingSignal): void {
    const now = performance.now();
    const again = now - this.#wishedAt < oneWishMs;
    this.#wishedAt = now;
    if (this.#waiting) {
      this.#waiting();
      this.#waiting = null;
    } else if (!again) {
      this.#farewell(signal);
      process.exit(exitCodes[signal]);
    }
  }
}
