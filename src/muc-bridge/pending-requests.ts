/** RFC 6120 8.2.3: IQ requests that wait for their answer, matched by id and by sender. */
import { randomUUID } from 'node:crypto';
import { BridgeError } from '../errors.ts';
import { readRefusal } from './data-form.ts';
import { childrenOf, type XmlElement } from './element.ts';

/** An answer: the payload of the result (null when empty), or why it was refused. */
export type IqAnswer =
  | { readonly ok: true; readonly payload: XmlElement | null }
  | { readonly ok: false; readonly condition: string; readonly text: string };

interface Pending {
  readonly to: string;
  resolve(answer: IqAnswer): void;
  reject(error: BridgeError): void;
}

/** Requests under way on one connection. */
export class PendingRequests {
  readonly #pending = new Map<string, Pending>();

  /** Registers a request; `answer` rejects with XMPP_TIMEOUT after `limitMs`. */
  open(to: string, limitMs: number): { id: string; answer: Promise<IqAnswer> } {
    const id = randomUUID();
    const answer = new Promise<IqAnswer>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#pending.delete(id);
      };
      const entry: Pending = {
        to,
        resolve(result) {
          settle();
          resolve(result);
        },
        reject(error) {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(
        () => entry.reject(new BridgeError('XMPP_TIMEOUT', `no answer to an IQ within ${limitMs} ms`)),
        limitMs,
      );
      this.#pending.set(id, entry);
    });
    return { id, answer };
  }

  /** Takes an IQ result or error. `foreign` = the id is known but somebody else answered, which must be ignored. */
  take(iq: XmlElement): 'taken' | 'unknown' | 'foreign' {
    const entry = this.#pending.get(iq.attrs.id ?? '');
    if (!entry) return 'unknown';
    if (iq.attrs.from?.toLowerCase() !== entry.to.toLowerCase()) return 'foreign';
    if (iq.attrs.type === 'error') entry.resolve({ ok: false, ...readRefusal(iq) });
    else entry.resolve({ ok: true, payload: childrenOf(iq)[0] ?? null });
    return 'taken';
  }

  /** Rejects one request, or all of them: the link is down. */
  fail(error: BridgeError, id?: string): void {
    const entries = id === undefined ? [...this.#pending.values()] : [this.#pending.get(id)];
    for (const entry of entries) entry?.reject(error);
  }
}
