/**
 * Heap for each participant and each subscription, after garbage collection; on the wire also what the SIP server grows by.
 * Run: `npm run bench -- memory [items]` (default 10000).
 */
import { Child } from './child.ts';
import { type Cell, pause, report, table } from './measure.ts';
import type { ProbeOrder, ProbeReport } from './memory-probe.ts';
import type { ProductOrder, ProductReport } from './notify-product.ts';
import { link } from './people.ts';
import { type SipServer, sipServers } from './sip-servers.ts';
import type { WatcherOrder, WatcherReport } from './sip-watchers.ts';

const [count = 10_000] = process.argv.slice(2).map(Number);
const file = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);
/** RFC 3261: timers J and K, after which transactions are forgotten, and some time for it. */
const transactionsMs = 36_000;
/** The embedded agent takes 10,000 dialogs, these included. */
const first = 200;
const whole = (bytes: number): string => bytes.toFixed(0);

/** In a process of its own, whose heap nothing else has touched. */
async function probe<K extends ProbeReport['kind']>(order: ProbeOrder & { kind: K }) {
  const child = await Child.start<ProbeOrder, ProbeReport>(file('memory-probe'));
  const answer = await child.ask(order, order.kind as K);
  await child.stop();
  return answer;
}

async function peopleRow(who: string, inRoom: boolean, inCall: boolean): Promise<Record<string, Cell>> {
  const { facts, index, ordinary, moderator } = await probe({ kind: 'people', count, inRoom, inCall });
  return {
    participant: who,
    'facts B': whole(facts),
    'index of persons B': whole(index),
    'text of the ordinary view B': whole(ordinary),
    'text of the moderators’ view B': whole(moderator),
    'model with one view B': whole(facts + index + ordinary),
    'with both B': whole(facts + index + ordinary + moderator),
  };
}

async function subscriptionRow(start: () => Promise<SipServer>): Promise<Record<string, Cell>> {
  const server = await start();
  const product = await Child.start<ProductOrder, ProductReport>(file('notify-product'));
  const watchers = await Child.start<WatcherOrder, WatcherReport>(file('sip-watchers'));
  const { adminPort, sipPort, secret, limits, name } = server;
  const heap = async (): Promise<number> => (await product.ask({ kind: 'heap' }, 'heap')).bytes;
  const subscribe = async (number: number): Promise<void> => {
    await watchers.ask({ kind: 'subscribe', count: number, port: sipPort, uri: link.conference }, 'subscribed');
    await product.ask({ kind: 'settle' }, 'settled');
  };
  try {
    await product.ask({ kind: 'start', port: adminPort, secret, limits, people: 10, calling: true }, 'ready');
    // What these cost is code and buffers.
    await subscribe(first);
    const before = { heap: await heap(), server: await server.memory() };
    await subscribe(count - first);
    await pause(transactionsMs);
    return {
      server: name,
      'SIP half, heap B': whole(((await heap()) - before.heap) / (count - first)),
      'SIP server B': whole(((await server.memory()) - before.server) / (count - first)),
    };
  } finally {
    for (const child of [watchers, product]) await child.stop();
    await server.stop();
  }
}

const people = [
  await peopleRow('in the room', true, false),
  await peopleRow('in the call', false, true),
  await peopleRow('in both', true, true),
];
const { bytes } = await probe({ kind: 'subscriptions', count });
const subscriptions: Record<string, Cell>[] = [];
for (const { start } of sipServers()) subscriptions.push(await subscriptionRow(start));
report(
  'Memory',
  `Bytes for each of ${count}, after garbage collection.`,
  '',
  table(people),
  '',
  `A subscription in the notifier: ${whole(bytes)} B. In the whole SIP half, and in its SIP server (heap of the embedded agent; resident memory of drachtio-server), ${transactionsMs / 1000} s after it began:`,
  '',
  table(subscriptions),
);
