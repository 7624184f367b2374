/** RFC 3261 13.2, RFC 3264: calls that we make ourselves, to a media server, through the SIP server. */
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SrfDialog, SrfRequest, SrfUnacknowledged } from './drachtio-srf-types.ts';
import { reasonHeader } from './legs.ts';
import type { Signaling } from './signaling.ts';

/** A call to make. */
export interface DialOrder {
  readonly uri: string;
  /** Value of From; the SIP server adds the tag. */
  readonly from: string;
  /** Our offer; null lets the called party offer, and `confirm` gives the answer. */
  readonly offer: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Most time for the whole INVITE, ms. */
  readonly limitMs: number;
  /** Called once when the other side ends the call; not when we do, nor when the SIP server is lost. */
  readonly onEnded: () => void;
}

/** A call that was answered. */
export interface DialedCall {
  /** Their answer, or their offer. */
  readonly sdp: string;
  /** Good for `hangUp` of a later process. */
  readonly dialogId: string;
  /** Only without an offer of ours: the answer, which goes in the ACK. Must be called, or `hangUp`. */
  confirm(answer: string): Promise<void>;
  /** A new offer; resolves with the answer. */
  reoffer(offer: string): Promise<string>;
}

export interface UacDialer {
  /** Rejects with SIP_SERVER_UNAVAILABLE, or SIP_REQUEST_FAILED with `detail.status` (408 after the limit). */
  dial(order: DialOrder): Promise<DialedCall>;
  /** Ends a call by its dialog id, also one of an earlier process. Never rejects: what cannot be ended is gone. */
  hangUp(dialogId: string, cause?: { readonly status: number; readonly text: string }): Promise<void>;
}

/** srf's dialogs have an `ack` as well, a method shortcut that does not work. */
const isUnacknowledged = (made: SrfDialog | SrfUnacknowledged): made is SrfUnacknowledged => !('connected' in made);

function dialFailure(error: unknown): BridgeError {
  if (error instanceof BridgeError) return error;
  const status = (error as { status?: unknown } | null)?.status;
  const detail = typeof status === 'number' ? { status } : {};
  return new BridgeError('SIP_REQUEST_FAILED', 'A call to the media server was not answered', { cause: error, detail });
}

/** Makes calls on the connection of a focus. */
export class SignalingDialer implements UacDialer {
  readonly #signaling: Signaling;
  readonly #log: Logger;
  /** Calls that srf keeps a dialog of; it forgets them only when told. */
  readonly #dialogs = new Map<string, SrfDialog>();
  /** Answered calls without an ACK. */
  readonly #unacknowledged = new Map<string, SrfUnacknowledged>();

  constructor(signaling: Signaling, log: Logger) {
    this.#signaling = signaling;
    this.#log = log;
  }

  async dial(order: DialOrder): Promise<DialedCall> {
    const made = await this.#invite(order);
    if (isUnacknowledged(made)) return this.#lateOffer(made, order);
    this.#keep(made, order);
    return {
      sdp: made.remote.sdp,
      dialogId: made.id,
      confirm: async () => undefined,
      reoffer: (offer) => this.#signaling.reinvite(made.id, offer),
    };
  }

  async hangUp(dialogId: string, cause = { status: 200, text: 'Call completed' }): Promise<void> {
    const waiting = this.#unacknowledged.get(dialogId);
    this.#unacknowledged.delete(dialogId);
    this.#forget(dialogId);
    try {
      // An answered call must be acknowledged before it can be ended; srf does both.
      if (waiting) await waiting.destroy();
      else await this.#signaling.request({ method: 'BYE', dialogId, headers: { Reason: reasonHeader(cause) } });
    } catch (error) {
      this.#log.debug({ err: error }, 'a call of ours could not be ended; it is gone');
    }
  }

  async #invite(order: DialOrder): Promise<SrfDialog | SrfUnacknowledged> {
    let request: SrfRequest | undefined;
    let abandoned = false;
    const cbRequest = (_error: unknown, sent?: SrfRequest): void => {
      request = sent;
    };
    const options = {
      headers: { From: order.from, ...order.headers },
      ...(order.offer === null ? { noAck: true } : { localSdp: order.offer }),
    };
    try {
      return await this.#signaling.within<SrfDialog | SrfUnacknowledged>(order.limitMs, (resolve, reject) => {
        this.#signaling.srf.createUAC(order.uri, options, { cbRequest }).then((made) => {
          // Answered after the limit: nobody wants it any more.
          if (abandoned) void (isUnacknowledged(made) ? made.destroy() : this.hangUp(made.id));
          resolve(made);
        }, reject);
      });
    } catch (error) {
      abandoned = true;
      cancel(request);
      throw dialFailure(error);
    }
  }

  #lateOffer(made: SrfUnacknowledged, order: DialOrder): DialedCall {
    const dialogId = made.res.stackDialogId ?? '';
    this.#unacknowledged.set(dialogId, made);
    return {
      sdp: made.sdp,
      dialogId,
      confirm: async (answer) => {
        if (!this.#unacknowledged.delete(dialogId)) return;
        this.#keep(await made.ack(answer), order);
      },
      reoffer: (offer) => this.#signaling.reinvite(dialogId, offer),
    };
  }

  #keep(dialog: SrfDialog, order: DialOrder): void {
    // A BYE that came right behind the 200 has been handled before we could listen.
    if (!dialog.connected) {
      setImmediate(order.onEnded);
      return;
    }
    this.#dialogs.set(dialog.id, dialog);
    dialog.on('destroy', () => {
      this.#dialogs.delete(dialog.id);
      order.onEnded();
    });
  }

  #forget(dialogId: string): void {
    const dialog = this.#dialogs.get(dialogId);
    this.#dialogs.delete(dialogId);
    if (dialog) this.#signaling.srf.removeDialog(dialog);
  }
}

function cancel(request: SrfRequest | undefined): void {
  try {
    request?.cancel(() => undefined);
  } catch {
    // The connection is gone, and the transaction with it.
  }
}
