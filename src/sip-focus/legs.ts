/** The legs of this process: found by id and by dialog, published as facts, and ended exactly once (RFC 3261 15, RFC 3326). */
import type { Bus } from '../bus/bus.ts';
import type { LegFact } from '../conference-info/leg.ts';
import type { Logger } from '../log.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { type Departures, type Ending, hungUp } from './departures.ts';
import type { Leg } from './leg.ts';
import { withinLimit } from './limited-wait.ts';
import type { Mixer } from './mixer.ts';
import type { Signaling } from './signaling.ts';

/** Why we end a call, for the Reason header. */
export interface EndCause {
  readonly status: number;
  readonly text: string;
}

/** How long BYE waits for those who are to hear of the end before it: less than a retransmission (T1). */
const lastWordsMs = 400;
/** How long the answer to BYE is waited for; the server goes on without us. */
const answerLimitMs = 2000;
/** How long a stop leaves callers to acknowledge our 200: BYE is to be answered before the process is gone. */
const lastAckMs = 1000;

const quoted = (text: string): string => text.replace(/[\r\n]+/g, ' ').replace(/["\\]/g, '\\$&');

/** RFC 3326: a SIP status and a text for people. */
export const reasonHeader = ({ status, text }: EndCause): string => `SIP;cause=${status};text="${quoted(text)}"`;

const failure = ({ text }: EndCause): Ending => ({ method: 'failed', reason: text, by: null });

export class Legs {
  readonly #byId = new Map<string, Leg>();
  readonly #byDialog = new Map<string, Leg>();
  readonly #byLink = new Map<string, Set<Leg>>();
  readonly #bus: Bus;
  readonly #mixer: Mixer;
  readonly #signaling: Signaling;
  readonly #departures: Departures;
  readonly #log: Logger;
  readonly #leaving = new Set<Promise<void>>();
  readonly #acknowledgements = new Acknowledgements();
  #onEnd: (leg: Leg) => Promise<unknown> | null = () => null;

  constructor(bus: Bus, mixer: Mixer, signaling: Signaling, departures: Departures, log: Logger) {
    this.#bus = bus;
    this.#mixer = mixer;
    this.#signaling = signaling;
    this.#departures = departures;
    this.#log = log;
  }

  /** One listener: a leg has ended. BYE waits a moment for what it gives, if anything. */
  onEnd(listener: (leg: Leg) => Promise<unknown> | null): void {
    this.#onEnd = listener;
  }

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<Leg> {
    return this.#byId.values();
  }

  byId(id: string): Leg | undefined {
    return this.#byId.get(id);
  }

  byDialog(dialogId: string): Leg | undefined {
    return this.#byDialog.get(dialogId);
  }

  ofLink(link: string): Iterable<Leg> {
    return this.#byLink.get(link) ?? [];
  }

  /** Takes in a leg without a word to others yet; false when its dialog already has one. */
  reserve(leg: Leg): boolean {
    if (this.#byDialog.has(leg.dialogId)) return false;
    this.#byId.set(leg.id, leg);
    this.#byDialog.set(leg.dialogId, leg);
    const ofLink = this.#byLink.get(leg.link.id) ?? new Set();
    this.#byLink.set(leg.link.id, ofLink.add(leg));
    return true;
  }

  /** Its 200 is about to go: until `acknowledged`, its BYE is held back. */
  answering(leg: Leg): void {
    this.#acknowledgements.expect(leg.dialogId);
  }

  /** The ACK for the 200 has come. */
  acknowledged(dialogId: string): void {
    this.#acknowledgements.came(dialogId);
  }

  /** The caller or the SIP server says BYE on a call that we have ended, before ours could go. False when there is no such call. */
  overtaken(dialogId: string): boolean {
    return !this.#byDialog.has(dialogId) && this.#acknowledgements.over(dialogId);
  }

  /** Replaces parts of a leg's fact and publishes it when it lives. */
  async change(leg: Leg, changes: Partial<LegFact>): Promise<void> {
    leg.fact = { ...leg.fact, ...changes };
    await this.publish(leg);
  }

  /** Says how the leg is now. */
  async publish(leg: Leg): Promise<void> {
    if (leg.state === 'ended') return;
    await this.#bus.publish(leg.link.id, 'leg', leg.id, leg.fact);
    for (const listener of [...leg.onChange]) listener();
  }

  /** Resolves when the leg's fact has changed, the leg has ended, or after the limit (ms). */
  changed(leg: Leg, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        leg.onChange.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, limitMs);
      leg.onChange.add(finish);
    });
  }

  /**
   * Ends a call from our side: BYE first, so that the caller hears at once; then the media, then the fact. Idempotent.
   * BYE alone waits for the ACK (RFC 3261 15). Resolves although a dead phone does not answer. `ending`: how it is shown, when it is not a failure of ours.
   */
  async end(leg: Leg, cause: EndCause, ending: Ending = failure(cause)): Promise<void> {
    const end = this.#forget(leg);
    if (!end) return;
    const gone = this.#leave(this.#farewell(end.told, leg, cause));
    await Promise.all([withinLimit(gone, answerLimitMs), this.#leave(this.#giveBack(leg, ending))]);
  }

  async #farewell(told: Promise<unknown> | null, leg: Leg, cause: EndCause): Promise<void> {
    if (told) await withinLimit(told, lastWordsMs);
    const acknowledged = this.#acknowledgements.of(leg.dialogId);
    if (acknowledged && !(await acknowledged)) return;
    await this.bye(leg.dialogId, cause);
  }

  /** The call has ended from the other side, or its dialog is dead: nothing to send. Idempotent. */
  async ended(leg: Leg, ending: Ending = hungUp): Promise<void> {
    this.#acknowledgements.over(leg.dialogId);
    if (this.#forget(leg)) await this.#leave(this.#giveBack(leg, ending));
  }

  /** Sends BYE on a dialog, also one of an earlier process or connection; a dialog that is gone is no failure. */
  async bye(dialogId: string, cause: EndCause): Promise<void> {
    try {
      const headers = { Reason: reasonHeader(cause) };
      const { status } = await this.#signaling.request({ method: 'BYE', dialogId, headers });
      if (status >= 300) this.#log.debug({ status }, 'BYE was not accepted; the call is over all the same');
    } catch (error) {
      this.#log.debug({ err: error }, 'BYE could not be sent; the call is over all the same');
    }
  }

  /** Resolves when ended legs have given back what they held and their callers are told; from now on no ACK is waited for long. */
  async released(): Promise<void> {
    this.#acknowledgements.close(lastAckMs);
    await Promise.all(this.#leaving);
  }

  /** Null when it had ended already; `told` is what the listener gives. */
  #forget(leg: Leg): { readonly told: Promise<unknown> | null } | null {
    if (leg.state === 'ended') return null;
    leg.state = 'ended';
    if (leg.retry) clearTimeout(leg.retry);
    this.#byId.delete(leg.id);
    if (this.#byDialog.get(leg.dialogId) === leg) this.#byDialog.delete(leg.dialogId);
    this.#byLink.get(leg.link.id)?.delete(leg);
    for (const listener of [...leg.onChange]) listener();
    return { told: this.#onEnd(leg) };
  }

  /** Something of an ended leg that a stop waits for. */
  #leave(work: Promise<void>): Promise<void> {
    const leaving = work.finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    return leaving;
  }

  async #giveBack(leg: Leg, ending: Ending): Promise<void> {
    await this.#departures.tell(leg.link, leg.fact, ending);
    try {
      await this.#bus.withdraw(leg.link.id, 'leg', leg.id);
    } catch (error) {
      this.#log.error({ err: error, leg: leg.id }, 'the fact of an ended leg could not be withdrawn');
    }
    try {
      await this.#mixer.remove(leg.id);
    } catch (error) {
      this.#log.warn({ err: error, leg: leg.id }, 'an ended leg could not be removed from the mixer');
    }
  }
}
