/** A call of a phone that is up (RFC 3261 12 to 15): what it hears and sends, hold, keys, and how it ends. */
import { Watch } from '../xmpp-watch.ts';
import type { Content, Dialog, IncomingRequest, Usage } from './dialog.ts';
import type { HeaderLine, SipMessage } from './message.ts';
import type { RtpSession } from './rtp-session.ts';
import type { Direction } from './sdp.ts';
import type { SessionNegotiation } from './session-negotiation.ts';
import type { SipUserAgent } from './user-agent.ts';

/** How a call ended. */
export interface CallEnd {
  readonly by: 'peer' | 'us';
  /** The Reason header of the peer's BYE (RFC 3326). */
  readonly reason?: string;
}

const usualLimit = 10_000;
const contentType: HeaderLine = ['Content-Type', 'application/sdp'];
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The parts a call is made of. */
export interface CallParts {
  readonly agent: SipUserAgent;
  readonly dialog: Dialog;
  readonly media: RtpSession;
  readonly session: SessionNegotiation;
  /** The 200 to the INVITE; for an incoming call the INVITE itself. */
  readonly response: SipMessage;
}

export class Call implements Usage {
  readonly agent: SipUserAgent;
  /** Call-ID and tags, for whoever must name the call. */
  readonly dialog: Dialog;
  /** The 200 to the INVITE; for an incoming call the INVITE itself. */
  readonly response: SipMessage;
  /** Requests of the peer within the call, in order; BYE among them. */
  readonly requests: SipMessage[] = [];
  readonly #media: RtpSession;
  readonly #session: SessionNegotiation;
  readonly #watch = new Watch();
  #end: CallEnd | undefined;
  #changing = false;

  constructor(parts: CallParts) {
    this.agent = parts.agent;
    this.dialog = parts.dialog;
    this.response = parts.response;
    this.#media = parts.media;
    this.#session = parts.session;
    this.dialog.usages.add(this);
  }

  get status(): 'up' | 'ended' {
    return this.#end === undefined ? 'up' : 'ended';
  }

  /** The Contact of the peer as it came, with its parameters. */
  get remoteContact(): string {
    return this.response.header('contact') ?? '';
  }

  /** Media direction as last agreed, from this phone's side. */
  get direction(): Direction {
    return this.#session.direction;
  }

  /** Resolves once a tone is clearly in 300 ms of what is heard from now on. Rejects after the limit and says what was heard. */
  hears(hz: number, limitMs = usualLimit): Promise<void> {
    return this.#media.hearing.hears(hz, limitMs);
  }

  /** Resolves once a tone is not in 300 ms of what is heard from now on; rejects after the limit, also when no packets come. */
  silentOf(hz: number, limitMs = usualLimit): Promise<void> {
    return this.#media.hearing.silentOf(hz, limitMs);
  }

  /** Has a listener called with the samples of each packet of audio, when it comes. */
  onAudio(listener: (samples: Int16Array) => void): void {
    this.#media.hearing.onPacket = listener;
  }

  /** Puts the peer on hold. Rejects when the peer does not agree. */
  hold(direction: 'sendonly' | 'inactive' = 'sendonly'): Promise<void> {
    return this.#reinvite(direction);
  }

  /** Takes the peer back from hold. */
  resume(): Promise<void> {
    return this.#reinvite('sendrecv');
  }

  /** Presses keys one after the other (RFC 4733); resolves when the last is sent. */
  async dtmf(digits: string): Promise<void> {
    for (const digit of digits) await this.#media.press(digit);
  }

  /** Resolves when the call is over, at once if it is already. */
  ended(limitMs = usualLimit): Promise<CallEnd> {
    return this.#watch.until(() => this.#end, 'the end of a call', limitMs);
  }

  /** Resolves with the first request of the peer that fits, one that came before as well. */
  requested(method: string, limitMs = usualLimit): Promise<SipMessage> {
    return this.#watch.until(() => this.requests.find((one) => one.method === method), `a ${method}`, limitMs);
  }

  /** Ends the call; resolves once the peer has answered. */
  async hangUp(): Promise<void> {
    if (this.#end === undefined) await this.request('BYE');
  }

  /** The phone dies: nothing is sent any more and nothing is answered, within the call or its subscriptions. */
  vanish(): void {
    this.dialog.dead = true;
    this.#finish({ by: 'us' });
  }

  setTone(hz: number): void {
    this.#media.setTone(hz);
  }

  /** Packets sent, and packets of audio received. */
  stats(): { sent: number; received: number } {
    return this.#media.stats;
  }

  /** Sends any request in the dialog and resolves with its final answer; a BYE ends the call at once. */
  request(method: string, headers: Readonly<Record<string, string>> = {}, body = ''): Promise<SipMessage> {
    if (method === 'BYE') this.#finish({ by: 'us' });
    return this.agent.request(this.dialog, method, { headers: Object.entries(headers), body });
  }

  /** Takes the ACK to a 200 with an offer: one without an answer ends the call (RFC 3261 13.2.1). */
  acknowledged(ack: SipMessage): void {
    if (!this.#session.tryAnswered(ack.body)) this.hangUp().catch(() => undefined);
  }

  receive(incoming: IncomingRequest): boolean {
    if (this.#end !== undefined) return false;
    const taken = this.#take(incoming);
    if (taken) {
      this.requests.push(incoming.message);
      this.#watch.changed();
    }
    return taken;
  }

  #take(incoming: IncomingRequest): boolean {
    const { message } = incoming;
    if (message.method === 'BYE') {
      incoming.respond(200);
      const reason = message.all('reason').join(', ');
      this.#finish({ by: 'peer', ...(reason === '' ? {} : { reason }) });
    } else if (message.method === 'INVITE') this.#offered(incoming);
    else if (message.method === 'UPDATE' && message.body !== '') this.#offered(incoming);
    else if (['UPDATE', 'INFO'].includes(message.method)) incoming.respond(200);
    else return false;
    return true;
  }

  #offered(incoming: IncomingRequest): void {
    if (this.#changing) {
      incoming.respond(491);
      return;
    }
    try {
      if (incoming.message.body === '') {
        incoming.onAck = (ack) => this.acknowledged(ack);
        incoming.respond(200, { headers: [contentType], body: this.#session.offer(this.#session.wish) });
      } else {
        incoming.respond(200, { headers: [contentType], body: this.#session.answer(incoming.message.body) });
      }
    } catch {
      incoming.respond(488);
    }
  }

  async #reinvite(direction: Direction): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      if (this.#end !== undefined) throw new Error('the call is over');
      const response = await this.#change(direction);
      if (response.status < 300) return;
      if (response.status !== 491 || attempt > 4) {
        throw new Error(`the peer refused the change of media: ${response.status} ${response.reason}`);
      }
      await delay(2100 + Math.random() * 1900); // RFC 3261 14.1
    }
  }

  async #change(direction: Direction): Promise<SipMessage> {
    this.#changing = true;
    try {
      const content: Content = { headers: [contentType], body: this.#session.offer(direction) };
      const response = await this.agent.request(this.dialog, 'INVITE', content);
      if (response.status < 300) {
        this.agent.acknowledge(this.dialog, response);
        this.#session.answered(response.body);
      }
      return response;
    } finally {
      this.#changing = false;
    }
  }

  #finish(end: CallEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (this.dialog.dead) this.#media.stop();
    else this.#media.close();
    this.dialog.usages.delete(this);
    this.agent.release(this.dialog);
    this.#watch.changed();
  }
}
