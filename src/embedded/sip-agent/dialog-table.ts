/** All dialogs of the agent, found by name, by Call-ID, or by the tags of a request (RFC 3261 12.2.2); never by a scan. */
import { type Dialog, dialogId } from './dialog.ts';
import { tagOf } from './sip-header.ts';
import type { SipRequest } from './sip-message.ts';

export class DialogTable {
  readonly #byId = new Map<string, Dialog>();
  readonly #byCallId = new Map<string, Set<Dialog>>();
  readonly #onRemoved: (dialog: Dialog) => void;

  constructor(onRemoved: (dialog: Dialog) => void) {
    this.#onRemoved = onRemoved;
  }

  get size(): number {
    return this.#byId.size;
  }

  add(dialog: Dialog): void {
    const known = this.#byId.get(dialog.id);
    if (known === dialog) return;
    if (known) this.remove(known);
    this.#byId.set(dialog.id, dialog);
    const siblings = this.#byCallId.get(dialog.callId);
    if (siblings) siblings.add(dialog);
    else this.#byCallId.set(dialog.callId, new Set([dialog]));
  }

  remove(dialog: Dialog): void {
    if (this.#byId.get(dialog.id) !== dialog) return;
    this.#byId.delete(dialog.id);
    const siblings = this.#byCallId.get(dialog.callId);
    siblings?.delete(dialog);
    if (siblings?.size === 0) this.#byCallId.delete(dialog.callId);
    this.#onRemoved(dialog);
  }

  has(dialog: Dialog): boolean {
    return this.#byId.get(dialog.id) === dialog;
  }

  byId(id: string): Dialog | undefined {
    return this.#byId.get(id);
  }

  /** The confirmed dialog with this Call-ID that was made last. */
  byCallId(callId: string): Dialog | undefined {
    return [...(this.#byCallId.get(callId) ?? [])].filter((dialog) => dialog.confirmed).at(-1);
  }

  /** The dialog a request of the peer belongs to. One that is not answered yet takes any tag of the peer. */
  ofRequest(request: SipRequest): Dialog | undefined {
    const callId = request.headers.get('call-id') ?? '';
    const theirs = tagOf(request.headers.get('from'));
    const ours = tagOf(request.headers.get('to'));
    for (const fromTag of [theirs, ours]) {
      const dialog = this.#byId.get(dialogId(callId, fromTag));
      const peerFits = dialog?.role === 'uac' && dialog.remoteTag === undefined ? true : dialog?.remoteTag === theirs;
      if (dialog && dialog.localTag === ours && peerFits) return dialog;
    }
    return undefined;
  }

  all(): IterableIterator<Dialog> {
    return this.#byId.values();
  }
}
