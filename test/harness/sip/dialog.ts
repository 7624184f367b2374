/** One side of a SIP dialog (RFC 3261 12) and the usages that share it (RFC 5057): a call, a subscription. */
import { randomBytes } from 'node:crypto';
import { type HostPort, hostPortOf, nameAddress, parameterOf, uriOf } from './address.ts';
import type { HeaderLine, SipMessage } from './message.ts';

/** What a request or an answer carries beyond what its dialog says. */
export interface Content {
  readonly headers?: readonly HeaderLine[];
  readonly body?: string;
}

/** A request that came and waits for its answer. */
export interface IncomingRequest {
  readonly message: SipMessage;
  /** The tag that the answers carry, or that the dialog already has. */
  readonly localTag: string;
  /** Sends an answer; only the first final one counts. */
  respond(status: number, content?: Content): void;
  /** Called when a CANCEL ended the request; its answer is sent already. */
  onCancel: () => void;
  /** Called with the ACK to a 2xx. */
  onAck: (ack: SipMessage) => void;
}

/** Something that lives within a dialog. */
export interface Usage {
  /** Takes a request of the peer; false when it is not for this usage. */
  receive(request: IncomingRequest): boolean;
}

/** Where a dialog begins. */
export interface DialogOrigin {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string | undefined;
  /** From and To without tags, as the local side writes them. */
  readonly local: string;
  readonly remote: string;
  readonly target: string;
  readonly routes: readonly string[];
  readonly remoteSequence: number | undefined;
}

const token = (): string => randomBytes(8).toString('hex');

/** The origin of a dialog that the local side begins with a request to `uri`. */
export function outgoingOrigin(uri: string, aor: string, displayName?: string): DialogOrigin {
  return {
    callId: token(),
    localTag: token(),
    remoteTag: undefined,
    local: nameAddress(aor, displayName),
    remote: nameAddress(uri),
    target: uri,
    routes: [],
    remoteSequence: undefined,
  };
}

const withoutTag = (value: string): string => value.replace(/;\s*tag=[^;,\s]+/i, '');

/** The origin of a dialog that a request of the peer begins. */
export function incomingOrigin(request: SipMessage, localTag: string): DialogOrigin {
  const from = request.header('from') ?? '';
  return {
    callId: request.header('call-id') ?? '',
    localTag,
    remoteTag: parameterOf(from, 'tag'),
    local: withoutTag(request.header('to') ?? ''),
    remote: withoutTag(from),
    target: uriOf(request.header('contact') ?? from),
    routes: request.list('record-route'),
    remoteSequence: request.sequence,
  };
}

/** The state of a dialog. It sends nothing by itself. */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly local: string;
  readonly remote: string;
  /** The usages, asked in this order for each request of the peer. */
  readonly usages = new Set<Usage>();
  /** True while requests of the peer are not even seen: a phone that is dead. */
  dead = false;
  #remoteTag: string | undefined;
  #target: string;
  #routes: readonly string[];
  #sequence = 0;
  #remoteSequence: number | undefined;

  constructor(origin: DialogOrigin) {
    this.callId = origin.callId;
    this.localTag = origin.localTag;
    this.local = origin.local;
    this.remote = origin.remote;
    this.#remoteTag = origin.remoteTag;
    this.#target = origin.target;
    this.#routes = origin.routes;
    this.#remoteSequence = origin.remoteSequence;
  }

  /** The peer's tag; empty before the peer has answered. */
  get remoteTag(): string {
    return this.#remoteTag ?? '';
  }

  /** The URI that requests go to. */
  get target(): string {
    return this.#target;
  }

  get routes(): readonly string[] {
    return this.#routes;
  }

  /** Where the next request goes, when that is an address. */
  get nextHop(): HostPort | null {
    return hostPortOf(this.#routes[0] === undefined ? this.#target : uriOf(this.#routes[0]));
  }

  get nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Whether a message is of this dialog: the peer's tag is not known yet, or the same. */
  matches(remoteTag: string | undefined): boolean {
    return this.#remoteTag === undefined || this.#remoteTag === remoteTag;
  }

  /** Learns from a 2xx to a request that makes or refreshes the dialog. */
  confirm(response: SipMessage): void {
    if (this.#remoteTag === undefined) {
      this.#remoteTag = parameterOf(response.header('to') ?? '', 'tag');
      this.#routes = response.list('record-route').reverse();
    }
    this.#learnTarget(response);
  }

  /** Learns from a request of the peer; false when it is older than one already seen. */
  follow(request: SipMessage): boolean {
    if (request.method === 'ACK') return true;
    if (this.#remoteSequence !== undefined && request.sequence < this.#remoteSequence) return false;
    this.#remoteSequence = request.sequence;
    if (this.#remoteTag === undefined) {
      // A NOTIFY may come before the answer to its SUBSCRIBE (RFC 6665 4.1.2.4).
      this.#remoteTag = parameterOf(request.header('from') ?? '', 'tag');
      this.#routes = request.list('record-route');
    }
    if (['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY'].includes(request.method)) this.#learnTarget(request);
    return true;
  }

  #learnTarget(message: SipMessage): void {
    const contact = message.header('contact');
    if (contact !== undefined) this.#target = uriOf(contact);
  }
}
