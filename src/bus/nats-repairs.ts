/** Facts in whose place a stranger has put a message that is none: which of them this process says again, and when. */
import type { Logger } from '../log.ts';
import type { UnreadableFact } from './nats-fact-message.ts';

/** Pause (ms) after the first repair of a subject; each one doubles it. */
const firstPause = 1_000;
const longestPause = 60_000;
/** Pairs of link and kind that are counted apart; more would only be made up by a stranger. */
const mostCounted = 1_000;

/** What the repairs need. */
export interface FactRepairsSettings {
  /** Says a subject again as it stands in this process; may throw, then it is tried again after the pause. */
  readonly repair: (subject: string) => void;
  /** Pause after the first repair of a subject, in ms. Default 1 s. */
  readonly pause?: number | undefined;
  readonly log: Logger;
}

/**
 * Who said a fact last says it again, the first time at once, then after pauses that double up to a minute, so that nobody can keep the
 * bus busy. A process that said nothing of a subject, or cannot know what was said since, leaves it alone: it might bring back what is gone.
 */
export class FactRepairs {
  readonly #settings: FactRepairsSettings;
  readonly #firstPause: number;
  /** Subjects of which this process has spoken and nobody else has said anything different since. */
  readonly #said = new Set<string>();
  readonly #spoiled = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Last repair of a subject, and how long the next one must wait from then on. */
  readonly #repaired = new Map<string, { at: number; pause: number }>();
  readonly #counts = new Map<string, number>();
  #paused = true;

  constructor(settings: FactRepairsSettings) {
    this.#settings = settings;
    this.#firstPause = settings.pause ?? firstPause;
  }

  /** Whether a message that is no fact stands under the subject. */
  spoiled(subject: string): boolean {
    return this.#spoiled.has(subject);
  }

  /** This process speaks for the subject. */
  claim(subject: string): void {
    this.#said.add(subject);
  }

  /** Another process speaks for it now, or has perhaps done so. */
  disclaim(subject: string): void {
    this.#said.delete(subject);
  }

  /** A fact stands under the subject. */
  readable(subject: string): void {
    if (this.#spoiled.delete(subject)) this.#drop(subject);
  }

  /** A message that is no fact stands under the subject; it is said again when this process speaks for it. */
  unreadable(subject: string): void {
    this.#spoiled.add(subject);
    if (!this.#paused && this.#said.has(subject)) this.#plan(subject);
  }

  /** Counts a message that was left aside, and logs the first, the tenth, the hundredth and so on of its link and kind. */
  count({ link, kind, error: err }: UnreadableFact): void {
    const known = `${link}.${kind}`;
    const name = this.#counts.has(known) || this.#counts.size < mostCounted ? known : '';
    const messages = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, messages);
    if (!Number.isInteger(Math.log10(messages))) return;
    this.#settings.log.warn({ err, link, kind, messages }, 'a message without the form of its kind is left aside');
  }

  /** The server lost everything: nothing of a stranger stands there either. */
  forget(): void {
    this.#spoiled.clear();
  }

  /** Repairs nothing until `resume`. */
  pause(): void {
    this.#paused = true;
    for (const subject of [...this.#timers.keys()]) this.#drop(subject);
  }

  /** Repairs what is due, and from now on at once. */
  resume(): void {
    this.#paused = false;
    for (const subject of this.#spoiled) if (this.#said.has(subject)) this.#plan(subject);
  }

  #drop(subject: string): void {
    clearTimeout(this.#timers.get(subject));
    this.#timers.delete(subject);
  }

  #plan(subject: string): void {
    if (this.#timers.has(subject)) return;
    const now = performance.now();
    const before = this.#repaired.get(subject);
    const lately = before !== undefined && now - before.at < 2 * longestPause ? before : undefined;
    const pause = lately === undefined ? this.#firstPause : Math.min(2 * lately.pause, longestPause);
    const wait = lately === undefined ? 0 : Math.max(0, lately.at + lately.pause - now);
    const due = (): void => {
      this.#timers.delete(subject);
      this.#repaired.set(subject, { at: performance.now(), pause });
      this.#repair(subject);
    };
    this.#timers.set(subject, setTimeout(due, wait));
  }

  #repair(subject: string): void {
    try {
      this.#settings.repair(subject);
    } catch (err) {
      this.#settings.log.warn({ err }, 'a fact in whose place a stranger has written cannot be said again yet');
      this.#plan(subject);
    }
  }
}
