/** RFC 3262: reliable provisional responses, ours until the PRACK, and the peer's, of which copies are dropped. */
import type { Dialog } from './dialog.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { hasOption, parseCSeq } from './sip-header.ts';
import type { SipRequest, SipResponse } from './sip-message.ts';

/** Whether the application asked for a reliable provisional answer to this INVITE. */
export function isReliable(request: SipRequest, response: SipResponse): boolean {
  if (request.method !== 'INVITE' || response.status <= 100 || response.status >= 200) return false;
  return hasOption(response.headers, ['require'], '100rel');
}

/** Sends a reliable provisional answer until PRACK; after 64*T1 the INVITE fails (section 3). A refusal is a text. */
export function sendReliably(
  dialog: Dialog,
  transaction: ServerTransaction,
  response: SipResponse,
): string | undefined {
  const { headers } = transaction.request;
  if (!hasOption(headers, ['supported', 'require'], '100rel')) return 'Remote endpoint does not support 100rel';
  if (dialog.unacknowledged) return 'previous reliable provisional response is not yet acknowledged';
  const cseq = parseCSeq(headers.get('cseq'))?.seq ?? 0;
  const rseq = transaction.nextRseq();
  response.headers.add('RSeq', String(rseq));
  const sending = transaction.sendReliably(response, () => {
    dialog.unacknowledged = undefined;
    transaction.answer(504);
  });
  dialog.unacknowledged = { rseq, cseq, stop: () => sending.stop() };
  return undefined;
}

/** A PRACK has come: whether it is for the answer that waits. */
export function takePrack(dialog: Dialog, prack: SipRequest): boolean {
  const waiting = dialog.unacknowledged;
  const [rseq, cseq, method] = (prack.headers.get('rack') ?? '').split(/\s+/);
  if (!waiting || Number(rseq) !== waiting.rseq || Number(cseq) !== waiting.cseq || method !== 'INVITE') return false;
  stopReliable(dialog);
  return true;
}

/** A final answer or a CANCEL makes the PRACK needless. */
export function stopReliable(dialog: Dialog | undefined): void {
  if (!dialog?.unacknowledged) return;
  dialog.unacknowledged.stop();
  dialog.unacknowledged = undefined;
}

/** Section 4: whether this reliable provisional answer of the peer was seen before, so that it must be dropped. */
export function isRepeatedProvisional(dialog: Dialog, response: SipResponse): boolean {
  const text = response.headers.get('rseq');
  if (response.status >= 200 || text === undefined || !/^\d{1,10}$/.test(text)) return false;
  const cseq = parseCSeq(response.headers.get('cseq'))?.seq ?? 0;
  const rseq = Number(text);
  if (dialog.lastRseq?.cseq === cseq && rseq <= dialog.lastRseq.rseq) return true;
  dialog.lastRseq = { cseq, rseq };
  return false;
}
