/** A mixer whose orders are counted and timed; behaves as the one inside it. */
import type { Mixer } from '../sip-focus/mixer.ts';
import type { Metrics } from './metrics.ts';

/** Wraps a mixer. */
export function meteredMixer(mixer: Mixer, metrics: Metrics): Mixer {
  const timed = async <T>(kind: string, order: Promise<T>): Promise<T> => {
    const stop = metrics.orderSeconds.startTimer({ kind });
    metrics.orders.inc({ kind });
    try {
      const result = await order;
      stop();
      return result;
    } catch (error) {
      metrics.ordersFailed.inc({ kind });
      throw error;
    }
  };
  return {
    name: mixer.name,
    outlivesProcess: mixer.outlivesProcess,
    start: () => mixer.start(),
    stop: () => mixer.stop(),
    onReport: (listener) => mixer.onReport(listener),
    ready: () => mixer.ready(),
    join: (order) => timed('join', mixer.join(order)),
    renegotiate: (leg, offer) => timed('renegotiate', mixer.renegotiate(leg, offer)),
    mute: (leg, muted) => timed(muted ? 'mute' : 'unmute', mixer.mute(leg, muted)),
    remove: (leg) => timed('remove', mixer.remove(leg)),
    list: () => mixer.list(),
    adopt: (member) => timed('adopt', mixer.adopt(member)),
  };
}
