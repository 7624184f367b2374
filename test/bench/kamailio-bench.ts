/**
 * One change in a room told to N subscribers: by the product (a partial document), and by Kamailio's `presence`, to which the new state is
 * published, alternately in one run. Run: `npm run bench -- kamailio [N ...]` (default 100, 1000 and 5000).
 */
import {
  hasKamailioPresence,
  type KamailioPresence,
  startKamailioPresence,
} from '../harness/servers/kamailio-presence.ts';
import { Child } from './child.ts';
import { residentOf } from './heap.ts';
import { type Cell, clock, cpuOf, median, pause, ratioText, report, table, treeOf } from './measure.ts';
import type { ProductOrder, ProductReport } from './notify-product.ts';
import { PresencePublisher } from './presence-publisher.ts';
import { type SipServer, sipServers } from './sip-servers.ts';
import type { WatcherOrder, WatcherReport } from './sip-watchers.ts';
import { stateTexts } from './state-texts.ts';

type Watchers = Child<WatcherOrder, WatcherReport>;

/** One change, told to everybody. */
interface Round {
  /** Microseconds of CPU per NOTIFY, of everything but the subscribers. */
  readonly cpu: number;
  /** ms until the last subscriber has it. */
  readonly last: number;
  /** Of all NOTIFYs, headers included. */
  readonly bytes: number;
  readonly repeated: number;
}

/** A notifier with its subscribers. */
interface Side {
  readonly name: string;
  /** Kilobytes that the notifier's processes have grown by for each subscription. */
  readonly perSubscription: number;
  round(): Promise<Round>;
  /** Kilobytes by which its processes have grown since the subscriptions. */
  grown(): number;
  stop(): Promise<void>;
}

const settleMs = 100;
const fewestRounds = 7;
const warmUp = 3000;
const file = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);
const residentKb = (pids: () => readonly number[]): number =>
  pids().reduce((sum, pid) => sum + residentOf(pid), 0) / 1024;

/** Subscribes so many; gives how to measure one change, made by `change`, which returns when it was made. */
async function sideOf(
  name: string,
  port: number,
  uri: string,
  count: number,
  pids: () => readonly number[],
  change: () => Promise<number>,
  settled: () => Promise<unknown>,
): Promise<Omit<Side, 'stop'> & { readonly watchers: Watchers }> {
  const watchers: Watchers = await Child.start(file('sip-watchers'));
  const before = residentKb(pids);
  await watchers.ask({ kind: 'subscribe', count, port, uri }, 'subscribed');
  await settled();
  const subscribed = residentKb(pids);
  const cpu = (): number => pids().reduce((sum, pid) => sum + cpuOf(pid), 0);
  return {
    name,
    watchers,
    perSubscription: (subscribed - before) / count,
    grown: () => residentKb(pids) - subscribed,
    async round() {
      await watchers.ask({ kind: 'expect', count }, 'expecting');
      const began = cpu();
      const at = await change();
      await watchers.ask({ kind: 'await' }, 'all');
      await pause(settleMs);
      const used = cpu() - began;
      const heard = await watchers.ask({ kind: 'await' }, 'all');
      return { cpu: (used * 1000) / count, last: heard.last - at, bytes: heard.bytes, repeated: heard.repeated };
    },
  };
}

async function productSide(start: () => Promise<SipServer>, people: number, count: number): Promise<Side> {
  const server = await start();
  const product = await Child.start<ProductOrder, ProductReport>(file('notify-product'));
  const { adminPort: port, secret, limits } = server;
  await product.ask({ kind: 'start', port, secret, limits, people }, 'ready');
  const side = await sideOf(
    server.name,
    server.sipPort,
    'sip:tea@conf.example',
    count,
    () => [product.pid, server.pid],
    async () => (await product.ask({ kind: 'change' }, 'changed')).at,
    () => product.ask({ kind: 'settle' }, 'settled'),
  );
  return {
    ...side,
    async stop() {
      await side.watchers.stop();
      await product.stop();
      await server.stop();
    },
  };
}

/** `texts`: states to publish, one after the other. */
async function kamailioSide(name: string, texts: (index: number) => string, count: number): Promise<Side> {
  const server: KamailioPresence = await startKamailioPresence();
  const uri = `sip:tea@127.0.0.1:${server.port}`;
  const publisher = await PresencePublisher.open(server.port, uri);
  let index = -1;
  const change = async (): Promise<number> => {
    index += 1;
    const at = clock();
    await publisher.publish(texts(index));
    return at;
  };
  await change();
  const side = await sideOf(
    name,
    server.port,
    uri,
    count,
    () => treeOf(server.pid),
    change,
    () => pause(settleMs),
  );
  return {
    ...side,
    async stop() {
      await side.watchers.stop();
      publisher.close();
      await server.stop();
    },
  };
}

const servers = sipServers();

async function measure(people: number, count: number): Promise<Record<string, Cell>[]> {
  const sides: Side[] = [];
  try {
    for (const { start } of servers) sides.push(await productSide(start, people, count));
    sides.push(await kamailioSide('Kamailio, full document', stateTexts(people).full, count));
    sides.push(await kamailioSide('Kamailio, handed a partial one', stateTexts(people).partial, count));
    const rounds = sides.map((): Round[] => []);
    const dropped = Math.ceil(warmUp / count);
    const number = dropped + Math.max(fewestRounds, Math.round(2000 / count));
    for (let index = 0; index < number; index += 1) {
      for (const [place, side] of sides.entries()) {
        const round = await side.round();
        if (index >= dropped) rounds[place]?.push(round);
      }
    }
    const notifies = number * count;
    return sides.map((side, place) => row(people, count, side, rounds, place, notifies));
  } finally {
    for (const side of sides) await side.stop();
  }
}

function row(people: number, count: number, side: Side, rounds: Round[][], place: number, notifies: number) {
  const own = rounds[place] ?? [];
  const cpu = (of: readonly Round[] | undefined): readonly number[] => (of ?? []).map((round) => round.cpu);
  const kamailio = side.name.startsWith('Kamailio');
  const [full, partial] = [rounds.at(-2), rounds.at(-1)];
  return {
    'people in the room': people,
    subscribers: count,
    notifier: side.name,
    'CPU us per NOTIFY': median(cpu(own)).toFixed(0),
    'last subscriber ms': median(own.map(({ last }) => last)).toFixed(1),
    'KB per change': (median(own.map(({ bytes }) => bytes)) / 1000).toFixed(0),
    'bytes per subscriber': (median(own.map(({ bytes }) => bytes)) / count).toFixed(0),
    'KB per subscription': side.perSubscription.toFixed(1),
    'growth, bytes per NOTIFY': ((side.grown() * 1024) / notifies).toFixed(0),
    repeated: own.reduce((sum, { repeated }) => sum + repeated, 0),
    'CPU : Kamailio, full': kamailio ? '' : ratioText(cpu(own), cpu(full)),
    'CPU : Kamailio, partial': kamailio ? '' : ratioText(cpu(own), cpu(partial)),
  };
}

const wanted = process.argv.slice(2).map(Number);
const sizes = wanted.length > 0 ? wanted : [100, 1000, 5000];
if (!hasKamailioPresence()) console.log('not run: kamailio (it, or its presence modules, are not installed)');
else {
  const rows = [];
  for (const count of sizes) rows.push(...(await measure(10, count)));
  // The documents of larger rooms are what partial ones are for.
  rows.push(...(await measure(100, Math.min(...sizes))));
  report('A change told to N subscribers, beside Kamailio', table(rows));
}
