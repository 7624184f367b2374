/** SIP transactions of both sides (RFC 3261 17, RFC 6026): retransmission, the ACK to a refusal, time limits. */
import type { SipMessage } from './message.ts';

const t1 = 500;
const t2 = 4000;
/** How long a transaction waits for its peer, in milliseconds (64 * T1). */
const patience = 64 * t1;
/** How long a call may ring (timer C). */
const ringing = 180_000;

/** Sends again and again, at intervals that double up to a limit, until it is stopped. */
class Repeater {
  #timer: NodeJS.Timeout | undefined;

  start(send: () => void, longest: number, first = t1): void {
    this.stop();
    const next = (wait: number): void => {
      this.#timer = setTimeout(() => {
        send();
        next(Math.min(wait * 2, longest));
      }, wait).unref();
    };
    next(first);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** What a client transaction needs of its user agent. */
export interface ClientSide {
  readonly reliable: boolean;
  send(message: SipMessage): void;
  /** The ACK to a final answer of 300 and above. */
  ack(response: SipMessage): SipMessage;
  onResponse(response: SipMessage): void;
  /** Nobody answered within 32 s. */
  onTimeout(): void;
  /** The transaction is over and can be forgotten. */
  onEnd(): void;
}

/** The client side of one request. */
export class ClientTransaction {
  readonly request: SipMessage;
  readonly #side: ClientSide;
  readonly #repeat = new Repeater();
  #state: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'ended' = 'calling';
  #limit: NodeJS.Timeout | undefined;
  #ack: SipMessage | undefined;

  constructor(request: SipMessage, side: ClientSide) {
    this.request = request;
    this.#side = side;
  }

  get provisional(): boolean {
    return this.#state === 'proceeding';
  }

  /** No final answer has come yet. */
  get pending(): boolean {
    return this.#state === 'calling' || this.#state === 'proceeding';
  }

  start(): void {
    this.#limitTo(patience);
    this.#side.send(this.request);
    if (this.#side.reliable) return;
    this.#repeat.start(() => this.#side.send(this.request), this.#isInvite ? patience : t2);
  }

  receive(response: SipMessage): void {
    if (response.status < 200) this.#provisional(response);
    else if (response.status < 300) this.#success(response);
    else this.#refusal(response);
  }

  /** A CANCEL was sent: the final answer must come soon (RFC 3261 9.1). */
  cancelled(): void {
    if (this.pending) this.#limitTo(patience);
  }

  stop(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#repeat.stop();
    clearTimeout(this.#limit);
    this.#side.onEnd();
  }

  get #isInvite(): boolean {
    return this.request.method === 'INVITE';
  }

  #provisional(response: SipMessage): void {
    if (!this.pending) return;
    if (this.#isInvite) {
      this.#repeat.stop();
      this.#limitTo(ringing);
    } else if (!this.#side.reliable) this.#repeat.start(() => this.#side.send(this.request), t2, t2);
    this.#state = 'proceeding';
    this.#side.onResponse(response);
  }

  #success(response: SipMessage): void {
    if (!this.pending && this.#state !== 'accepted') return;
    const first = this.pending;
    this.#state = 'accepted';
    if (first) this.#linger();
    // Each copy of a 2xx to INVITE wants an ACK from above; copies of others mean nothing.
    if (first || this.#isInvite) this.#side.onResponse(response);
  }

  #refusal(response: SipMessage): void {
    if (this.#isInvite && (this.pending || this.#state === 'completed')) {
      this.#ack ??= this.#side.ack(response);
      this.#side.send(this.#ack);
    }
    if (!this.pending) return;
    this.#state = 'completed';
    this.#linger();
    this.#side.onResponse(response);
  }

  #limitTo(ms: number): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => {
      this.#side.onTimeout();
      this.stop();
    }, ms).unref();
  }

  #linger(): void {
    this.#repeat.stop();
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.stop(), patience).unref();
  }
}

/** The server side of one request. */
export class ServerTransaction {
  readonly request: SipMessage;
  readonly #reliable: boolean;
  readonly #send: (response: SipMessage) => void;
  readonly #onEnd: () => void;
  readonly #repeat = new Repeater();
  #limit: NodeJS.Timeout | undefined;
  #last: SipMessage | undefined;

  constructor(request: SipMessage, reliable: boolean, send: (response: SipMessage) => void, onEnd: () => void) {
    this.request = request;
    this.#reliable = reliable;
    this.#send = send;
    this.#onEnd = onEnd;
  }

  /** A final answer was sent. */
  get answered(): boolean {
    return (this.#last?.status ?? 0) >= 200;
  }

  respond(response: SipMessage): void {
    if (this.answered) return;
    this.#last = response;
    this.#send(response);
    if (response.status < 200) return;
    // A 2xx to INVITE is repeated on every transport, for a proxy may lose it (RFC 3261 13.3.1.4).
    if (this.request.method === 'INVITE' && (response.status < 300 || !this.#reliable)) {
      this.#repeat.start(() => this.#send(response), t2);
    }
    this.#limit = setTimeout(() => this.stop(), patience).unref();
  }

  /** The request came again. */
  repeat(): void {
    if (this.#last !== undefined) this.#send(this.#last);
  }

  /** The final answer to an INVITE has arrived. */
  acknowledged(): void {
    this.#repeat.stop();
  }

  stop(): void {
    this.#repeat.stop();
    clearTimeout(this.#limit);
    this.#onEnd();
  }
}
