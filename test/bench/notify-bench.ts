/**
 * RFC 6665 fan-out: CPU of one change told to N subscribers, by the product and by a bare script that writes prepared frames to the same
 * SIP server, alternately; on drachtio-server and on the embedded agent. Run: `npm run bench -- notify [N ...]` (default 100 and 1000).
 */
import { Child } from './child.ts';
import { type Cell, cpuOf, median, pause, ratioText, report, table } from './measure.ts';
import type { FloorOrder, FloorReport } from './notify-floor.ts';
import type { ProductOrder, ProductReport } from './notify-product.ts';
import { type SipServer, sipServers } from './sip-servers.ts';
import type { WatcherOrder, WatcherReport } from './sip-watchers.ts';

type Watchers = Child<WatcherOrder, WatcherReport>;
type Product = Child<ProductOrder, ProductReport>;
type Floor = Child<FloorOrder, FloorReport>;

/** One fan-out. CPU in microseconds per NOTIFY, times in ms after the change. */
interface Round {
  readonly app: number;
  readonly server: number;
  readonly last: number;
  readonly perSecond: number;
  readonly repeated: number;
}

/** Time for the last answers to come back to the sender, with its CPU. */
const settleMs = 100;
const fewestRounds = 11;
/** In the room. */
const people = 10;
/** Rounds of all senders before it counts: so many NOTIFYs, for the compilation of hot code and for buffers. */
const warmUp = 3000;

const file = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);

async function round(watchers: Watchers, sender: number, server: number, count: number, send: () => Promise<number>) {
  await watchers.ask({ kind: 'expect', count }, 'expecting');
  const before = { app: cpuOf(sender), server: cpuOf(server) };
  const at = await send();
  await watchers.ask({ kind: 'await' }, 'all');
  await pause(settleMs);
  const after = { app: cpuOf(sender), server: cpuOf(server) };
  const heard = await watchers.ask({ kind: 'await' }, 'all');
  return {
    app: ((after.app - before.app) * 1000) / count,
    server: ((after.server - before.server) * 1000) / count,
    last: heard.last - at,
    perSecond: (count * 1000) / (heard.last - at),
    repeated: heard.repeated,
  };
}

interface Outcome {
  readonly product: readonly Round[];
  readonly frames: readonly Round[];
  readonly datagrams: readonly Round[];
}

async function rounds(server: SipServer, watchers: Watchers, product: Product, floor: Floor, count: number) {
  const outcome = { product: [] as Round[], frames: [] as Round[], datagrams: [] as Round[] };
  const dropped = Math.ceil(warmUp / count);
  const number = dropped + Math.max(fewestRounds, Math.round(4000 / count));
  for (let index = 0; index < number; index += 1) {
    const byFloor = (by: 'frames' | 'datagrams') =>
      round(watchers, floor.pid, server.pid, count, async () => (await floor.ask({ kind: 'send', by }, 'sent')).at);
    const frames = await byFloor('frames');
    const ours = await round(watchers, product.pid, server.pid, count, async () => {
      return (await product.ask({ kind: 'change' }, 'changed')).at;
    });
    const datagrams = await byFloor('datagrams');
    if (index < dropped) continue;
    outcome.frames.push(frames);
    outcome.product.push(ours);
    outcome.datagrams.push(datagrams);
  }
  return outcome;
}

async function measure(start: () => Promise<SipServer>, count: number): Promise<Outcome & { readonly bytes: number }> {
  const server = await start();
  const { sipPort: port, adminPort, secret, limits } = server;
  const watchers: Watchers = await Child.start(file('sip-watchers'));
  const product: Product = await Child.start(file('notify-product'));
  const floor: Floor = await Child.start(file('notify-floor'));
  try {
    await product.ask({ kind: 'start', port: adminPort, secret, limits, people }, 'ready');
    const who = await watchers.ask({ kind: 'subscribe', count, port, uri: 'sip:tea@conf.example' }, 'subscribed');
    // The first NOTIFYs hold the full document; the floors need the one of a change.
    await watchers.ask({ kind: 'expect', count }, 'expecting');
    await product.ask({ kind: 'change' }, 'changed');
    const { sample } = await watchers.ask({ kind: 'await' }, 'all');
    await floor.ask(
      { kind: 'start', port: adminPort, secret, watcherPort: who.port, watchers: who.watchers, sample },
      'ready',
    );
    return { ...(await rounds(server, watchers, product, floor, count)), bytes: Buffer.byteLength(sample) };
  } finally {
    for (const child of [floor, product, watchers]) await child.stop();
    await server.stop();
  }
}

const total = ({ app, server }: Round): number => app + server;

function row(subscribers: number, sender: string, of: readonly Round[], ratio: string): Record<string, Cell> {
  const middle = (value: (round: Round) => number): string => median(of.map(value)).toFixed(0);
  return {
    subscribers,
    sender,
    'CPU us per NOTIFY': middle(total),
    'of it sender': middle(({ app }) => app),
    'of it server': middle(({ server }) => server),
    'last subscriber ms': median(of.map(({ last }) => last)).toFixed(1),
    'NOTIFY/s': middle(({ perSecond }) => perSecond),
    retransmitted: of.reduce((sum, { repeated }) => sum + repeated, 0),
    'product : bare frames': ratio,
  };
}

const wanted = process.argv.slice(2).map(Number);
const sizes = wanted.length > 0 ? wanted : [100, 1000];
for (const { name, start } of sipServers()) {
  const rows: Record<string, Cell>[] = [];
  let bytes = 0;
  let pairs = 0;
  for (const count of sizes) {
    const outcome = await measure(start, count);
    bytes = outcome.bytes;
    pairs = outcome.product.length;
    const ratio = ratioText(outcome.product.map(total), outcome.frames.map(total));
    rows.push(
      row(count, 'product', outcome.product, ratio),
      row(count, 'bare frames', outcome.frames, ''),
      row(count, 'bare datagrams, no server', outcome.datagrams, ''),
    );
  }
  report(
    `NOTIFY fan-out on ${name}`,
    `One change, a NOTIFY of ${bytes} bytes to each; at least ${pairs} pairs.`,
    '',
    table(rows),
  );
}
