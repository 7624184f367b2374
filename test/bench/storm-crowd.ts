/** Helper process of the benchmark of a storm of joins: its subscribers. */
import { WatcherCrowd } from '../harness/sip/watcher-crowd.ts';
import { serve } from './child.ts';
import { clock } from './measure.ts';

export type CrowdOrder =
  | { readonly kind: 'subscribe'; readonly count: number; readonly port: number; readonly uri: string }
  /** Waits until everybody knows of so many people, at least. */
  | { readonly kind: 'know'; readonly people: number };

export type CrowdReport =
  | { readonly kind: 'subscribed' }
  | {
      readonly kind: 'known';
      /** `clock`. */
      readonly at: number;
      readonly notifies: number;
      readonly repeated: number;
      readonly bytes: number;
    };

const limitMs = 300_000;
let crowd: WatcherCrowd;

serve<CrowdOrder, CrowdReport>(async (order) => {
  if (order.kind === 'subscribe') {
    crowd = await WatcherCrowd.open({ host: '127.0.0.1', port: order.port });
    await crowd.subscribe(order.uri, order.count);
    return { kind: 'subscribed' };
  }
  const holds = (): boolean => crowd.readers.every(({ users }) => users >= order.people);
  await crowd.until(holds, 'everybody knows of everybody', limitMs);
  return { kind: 'known', at: clock(), ...crowd.counts };
});
