/** A telephone on 127.0.0.1 for the tests and the demo: it calls, answers, proves itself, sends a tone and hears others. */
import { Watch } from '../xmpp-watch.ts';
import type { HostPort } from './address.ts';
import { Call } from './call.ts';
import { briefly } from './courtesy.ts';
import type { Content, Dialog, IncomingRequest } from './dialog.ts';
import type { PhoneCredentials } from './digest.ts';
import type { Codec } from './g711.ts';
import type { HeaderLine, SipMessage } from './message.ts';
import { RtpSession } from './rtp-session.ts';
import { SessionNegotiation } from './session-negotiation.ts';
import type { ClientTransaction } from './transactions.ts';
import { SipUserAgent } from './user-agent.ts';

export type { Call } from './call.ts';

/** Who a phone is and how it behaves. */
export interface PhoneOptions {
  /** Where it sends its requests. */
  readonly server: HostPort;
  /** Default: udp. */
  readonly transport?: 'udp' | 'tcp';
  /** SIP URI of the user, as in From. */
  readonly aor: string;
  readonly displayName?: string;
  /** Answers a 401 or 407; without it a challenge is a refusal. */
  readonly credentials?: PhoneCredentials;
  /** Frequency in Hz of what it sends; 0, the default, sends silence. */
  readonly tone?: number;
  /** The one codec it offers; default PCMU. */
  readonly codec?: Codec;
  /** More headers of its INVITEs. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends INVITE without an offer, and the answer in the ACK. */
  readonly lateOffer?: boolean;
  /** Answers calls that come to `contactUri`; default: busy. */
  readonly autoAnswer?: boolean;
}

/** A call that was refused: the final answer of 300 or above. */
export class CallRefused extends Error {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly response: SipMessage;

  constructor(response: SipMessage) {
    const why = ['reason', 'warning', 'retry-after'].flatMap((name) => response.all(name).map((value) => `; ${value}`));
    super(`the call was refused: ${response.status} ${response.reason}${why.join('')}`);
    this.name = 'CallRefused';
    this.status = response.status;
    this.reason = response.reason;
    this.headers = response.headers;
    this.response = response;
  }
}

/** A call that is being set up. */
export interface Dialing {
  readonly outcome: Promise<Call | CallRefused>;
  /** Gives up (CANCEL); the outcome is then usually a 487. */
  cancel(): void;
}

const contentType: HeaderLine = ['Content-Type', 'application/sdp'];

/** The way of one INVITE, perhaps sent again after a challenge, and the wish to cancel it. */
class Attempt {
  invite: ClientTransaction | undefined;
  cancelled = false;
  readonly #sendCancel: () => void;

  constructor(sendCancel: () => void) {
    this.#sendCancel = sendCancel;
  }

  sent(invite: ClientTransaction): void {
    this.invite = invite;
  }

  progress(): void {
    if (this.cancelled) this.cancel();
  }

  cancel(): void {
    this.cancelled = true;
    // RFC 3261 9.1: not before the peer has shown that it knows the INVITE.
    if (this.invite?.provisional) this.#sendCancel();
  }
}

export class SipPhone {
  readonly options: PhoneOptions;
  readonly agent: SipUserAgent;
  readonly #calls = new Set<Call>();
  readonly #dialings = new Set<Dialing>();
  readonly #media = new Set<RtpSession>();
  readonly #incoming: Call[] = [];
  readonly #watch = new Watch();

  private constructor(options: PhoneOptions, agent: SipUserAgent) {
    this.options = options;
    this.agent = agent;
    agent.onRequest = (request) => {
      if (options.autoAnswer !== true || request.message.method !== 'INVITE') return false;
      this.#answer(request).catch(() => request.respond(488));
      return true;
    };
  }

  /** Switches a phone on; it registers nowhere. */
  static async open(options: PhoneOptions): Promise<SipPhone> {
    return new SipPhone(options, await SipUserAgent.open(options));
  }

  /** The URI at which the phone itself is reached. */
  get contactUri(): string {
    return this.agent.contactUri;
  }

  /** Calls and resolves when the call is up; rejects with CallRefused. */
  async call(uri: string): Promise<Call> {
    const outcome = await this.tryCall(uri);
    if (outcome instanceof CallRefused) throw outcome;
    return outcome;
  }

  /** Calls and resolves with what came of it; rejects only when nobody answers. */
  tryCall(uri: string): Promise<Call | CallRefused> {
    return this.dial(uri).outcome;
  }

  /** Begins a call that may be cancelled. */
  dial(uri: string): Dialing {
    const dialog = this.agent.dialogTo(uri);
    const attempt = new Attempt(() => attempt.invite && this.agent.cancel(attempt.invite, dialog));
    const outcome = this.#setUp(dialog, attempt);
    const dialing = { outcome, cancel: () => attempt.cancel() };
    const over = (): boolean => this.#dialings.delete(dialing);
    this.#dialings.add(dialing);
    outcome.then(over, over);
    return dialing;
  }

  /** Resolves with the next call that came in and was answered. */
  answered(limitMs?: number): Promise<Call> {
    return this.#watch.until(() => this.#incoming.shift(), 'a call that came in', limitMs);
  }

  /** Ends the calls that are up or on their way and switches the phone off. */
  async close(): Promise<void> {
    const dialings = [...this.#dialings];
    for (const dialing of dialings) dialing.cancel();
    await Promise.all(dialings.map(({ outcome }) => briefly(outcome)));
    await Promise.all([...this.#calls].map((call) => briefly(call.hangUp())));
    for (const media of this.#media) media.close();
    await this.agent.close();
  }

  async #setUp(dialog: Dialog, attempt: Attempt): Promise<Call | CallRefused> {
    const media = await this.#openMedia();
    const session = new SessionNegotiation(media, this.options.codec ?? 'PCMU');
    const late = this.options.lateOffer === true;
    const extra = Object.entries(this.options.headers ?? {});
    const content: Content = late
      ? { headers: extra }
      : { headers: [contentType, ...extra], body: session.offer('sendrecv') };
    const response = await this.agent.request(dialog, 'INVITE', content, {
      onSent: (transaction) => attempt.sent(transaction),
      onProvisional: (provisional) => {
        attempt.progress();
        // Early media, when there is any.
        if (!late) session.tryAnswered(provisional.body);
      },
    });
    if (response.status >= 300) {
      this.agent.release(dialog);
      media.close();
      return new CallRefused(response);
    }
    const call = new Call({ agent: this.agent, dialog, media, session, response });
    this.#calls.add(call);
    try {
      const ack = late ? { headers: [contentType], body: session.answer(response.body) } : {};
      this.agent.acknowledge(dialog, response, ack);
      if (!late) session.answered(response.body);
    } catch (error) {
      await briefly(call.hangUp());
      throw error;
    }
    if (attempt.cancelled) await call.hangUp();
    return call;
  }

  async #openMedia(): Promise<RtpSession> {
    const media = await RtpSession.open(this.options.tone ?? 0);
    this.#media.add(media);
    return media;
  }

  async #answer(request: IncomingRequest): Promise<void> {
    let cancelled = false;
    request.onCancel = () => {
      cancelled = true;
    };
    request.respond(180);
    const media = await this.#openMedia();
    if (cancelled) return media.close();
    const session = new SessionNegotiation(media, this.options.codec ?? 'PCMU');
    const late = request.message.body === '';
    const body = late ? session.offer('sendrecv') : session.answer(request.message.body);
    const dialog = this.agent.dialogFrom(request);
    const call = new Call({ agent: this.agent, dialog, media, session, response: request.message });
    this.#calls.add(call);
    request.onAck = (ack) => {
      if (late) call.acknowledged(ack);
    };
    request.respond(200, { headers: [contentType], body });
    this.#incoming.push(call);
    this.#watch.changed();
  }
}
