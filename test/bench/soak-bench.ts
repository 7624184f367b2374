/**
 * Fan-out without a pause: heap of the product and memory of the SIP server, which must stay flat once buffers and compiled code are
 * there. Run: `npm run bench -- soak [minutes [subscribers]]` (default 2 minutes, 100 subscribers).
 */
import { Child } from './child.ts';
import { residentOf } from './heap.ts';
import { type Cell, pause, report, table } from './measure.ts';
import type { ProductOrder, ProductReport } from './notify-product.ts';
import { link } from './people.ts';
import { type SipServer, sipServers } from './sip-servers.ts';
import type { WatcherOrder, WatcherReport } from './sip-watchers.ts';

const [minutes = 2, subscribers = 100] = process.argv.slice(2).map(Number);
/** Measured so often over the whole time. */
const samples = 12;
/** Changes between two looks at the clock. */
const changesAtOnce = 10;

/** Megabytes at one moment. */
interface Sample {
  /** Since the start. */
  readonly minute: number;
  readonly notifies: number;
  readonly heap: number;
  readonly product: number;
  readonly server: number;
}

const file = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);

/** Slope of a straight line through the points (least squares). */
function slope(points: readonly (readonly [number, number])[]): number {
  const middle = (place: 0 | 1): number => points.reduce((sum, point) => sum + point[place], 0) / points.length;
  const [x, y] = [middle(0), middle(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

async function soak(start: () => Promise<SipServer>): Promise<readonly Sample[]> {
  const server = await start();
  const product = await Child.start<ProductOrder, ProductReport>(file('notify-product'));
  const watchers = await Child.start<WatcherOrder, WatcherReport>(file('sip-watchers'));
  const { adminPort: port, sipPort, secret, limits } = server;
  try {
    await product.ask({ kind: 'start', port, secret, limits, people: 10, calling: true }, 'ready');
    await watchers.ask({ kind: 'subscribe', count: subscribers, port: sipPort, uri: link.conference }, 'subscribed');
    const taken: Sample[] = [];
    const began = performance.now();
    const length = minutes * 60_000;
    let notifies = 0;
    for (let sample = 1; sample <= samples; sample += 1) {
      while (performance.now() - began < (length * sample) / samples) {
        await product.ask({ kind: 'changes', count: changesAtOnce }, 'changed');
        // Changes that meet merge, so that only who was told can count. It also has the subscribers forget what they counted.
        notifies += (await watchers.ask({ kind: 'expect', count: 0 }, 'expecting')).before;
      }
      await pause(100);
      const heap = (await product.ask({ kind: 'heap' }, 'heap')).bytes;
      const minute = (performance.now() - began) / 60_000;
      const [resident, other] = [residentOf(product.pid), await server.memory()];
      taken.push({ minute, notifies, heap: heap / 1e6, product: resident / 1e6, server: other / 1e6 });
    }
    return taken;
  } finally {
    for (const child of [watchers, product]) await child.stop();
    await server.stop();
  }
}

/** The first sixth is for buffers and compiled code. */
function rowsOf(name: string, taken: readonly Sample[]): readonly Record<string, Cell>[] {
  const settled = taken.slice(Math.ceil(samples / 6));
  const per = (of: (sample: Sample) => number): string =>
    (slope(settled.map((sample) => [sample.notifies, of(sample) * 1e6])) || 0).toFixed(2);
  const rows = taken.map(({ minute, notifies, heap, product, server }) => ({
    server: name,
    minute: minute.toFixed(1),
    NOTIFYs: notifies,
    'heap MB': heap.toFixed(2),
    'SIP half, resident MB': product.toFixed(1),
    'SIP server MB': server.toFixed(1),
  }));
  const growth = {
    server: name,
    minute: 'growth, B per NOTIFY',
    NOTIFYs: (settled.at(-1)?.notifies ?? 0) - (settled[0]?.notifies ?? 0),
    'heap MB': per(({ heap }) => heap),
    'SIP half, resident MB': per(({ product }) => product),
    'SIP server MB': per(({ server }) => server),
  };
  return [...rows, growth];
}

const rows: Record<string, Cell>[] = [];
for (const { name, start } of sipServers()) rows.push(...rowsOf(name, await soak(start)));
report(
  'Fan-out without a pause',
  `${minutes} minutes, ${subscribers} subscribers. *SIP server*: heap of the embedded agent after garbage collection, resident memory of drachtio-server.`,
  '',
  table(rows),
);
