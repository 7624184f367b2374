/** Helper process, floor of muting: the embedded mixer without a focus. */
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createLog } from '../../src/log.ts';
import { serve } from './child.ts';
import { clock } from './measure.ts';

export type BareMixerOrder =
  | { readonly kind: 'start' }
  | { readonly kind: 'join'; readonly leg: string; readonly offer: string }
  | { readonly kind: 'mute'; readonly leg: string; readonly muted: boolean };

export type BareMixerReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'joined'; readonly sdp: string }
  /** `at`: when the order was given. */
  | { readonly kind: 'muted'; readonly at: number };

const mixer = createEmbeddedMixer({ host: '127.0.0.1', log: createLog({ level: 'error' }) });

serve<BareMixerOrder, BareMixerReport>(async (order) => {
  if (order.kind === 'start') {
    await mixer.start();
    return { kind: 'ready' };
  }
  if (order.kind === 'join') {
    const { leg, offer } = order;
    const { sdp } = await mixer.join({ conference: 'floor', leg, offer, muted: false });
    return { kind: 'joined', sdp };
  }
  const at = clock();
  await mixer.mute(order.leg, order.muted);
  return { kind: 'muted', at };
});
