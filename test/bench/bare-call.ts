/** Helper process, floor of ending a call: the smallest srf application: takes every call and destroys its dialog when told to. */
import Srf from 'drachtio-srf';
import { serve } from './child.ts';
import { clock } from './measure.ts';

export type BareCallOrder =
  | { readonly kind: 'start'; readonly port: number; readonly secret: string }
  /** Ends the next call that is up. */
  | { readonly kind: 'destroy' };

export type BareCallReport = { readonly kind: 'ready' } | { readonly kind: 'destroyed'; readonly at: number };

const description =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n';

const srf = new Srf();
/** Dialogs whose ACK has come, and who waits for one. */
const up: Srf.Dialog[] = [];
let onUp = (): void => undefined;

srf.invite((request, response) => {
  srf.createUAS(request, response, { localSdp: description }).then(
    (dialog) => {
      up.push(dialog);
      onUp();
    },
    (error: unknown) => console.error(error),
  );
});

async function start(port: number, secret: string): Promise<BareCallReport> {
  const connected = new Promise<void>((resolve) => srf.on('connect', () => resolve()));
  void srf.connect({ host: '127.0.0.1', port, secret });
  await connected;
  return { kind: 'ready' };
}

async function destroy(): Promise<BareCallReport> {
  if (up.length === 0) {
    await new Promise<void>((resolve) => {
      onUp = resolve;
    });
  }
  const dialog = up.shift();
  const at = clock();
  dialog?.destroy();
  return { kind: 'destroyed', at };
}

serve<BareCallOrder, BareCallReport>((order) => (order.kind === 'start' ? start(order.port, order.secret) : destroy()));
