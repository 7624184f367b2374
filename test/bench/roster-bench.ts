/**
 * One change of one person in rosters of 10 to 2000: CPU of the notifier alone for several kinds of change, and of the whole SIP half with
 * one subscriber, sizes by turns. Run: `npm run bench -- roster [size ...]` (default 10, 100, 1000 and 2000).
 */
import { withVersion } from '../../src/conference-info/document.ts';
import { Notifier } from '../../src/conference-info/notifier.ts';
import type { AgentOrder, AgentReport } from './agent-process.ts';
import { Child } from './child.ts';
import { type Cell, cpuOf, median, ratioText, report, table } from './measure.ts';
import type { ProductOrder, ProductReport } from './notify-product.ts';
import { legOf, link, meetingOf, occupantOf } from './people.ts';
import type { WatcherOrder, WatcherReport } from './sip-watchers.ts';

const rounds = 9;
const repetitions = 2000;
/** Of the whole SIP half, whose change takes far longer. */
const wireRepetitions = 300;
const hour = 3_600_000;
/** Changes are of so many people, from all over the roster. */
const few = 10;

/** What happens to the person of a number, the same again and again. */
const kinds = ['a call is muted', 'a role changes', 'somebody joins or leaves'] as const;
type Kind = (typeof kinds)[number];

let written = 0;

/** A notifier with one subscriber; the function makes one change, to one of `among`, and writes what is due. */
function changer(size: number, kind: Kind, among: number): () => void {
  const { meeting, legs, occupants, bindings } = meetingOf(size);
  const notifier = new Notifier(link, meeting, bindings);
  let now = 0;
  let turn = 0;
  const send = (): void => {
    // Documents follow one another, each after the answer to the one before.
    for (let orders = notifier.due(now); orders.length > 0; orders = notifier.due(now)) {
      for (const { id, document } of orders) {
        if (document) written += Buffer.byteLength(withVersion(document, document.version));
        notifier.answered(id, 200, now);
      }
    }
  };
  notifier.subscribe('one', { expiresAt: 1e6 * hour, view: 'ordinary', minimumGapMs: 0 }, now);
  send();
  return () => {
    const index = (turn % among) * (size / among);
    const even = Math.floor(turn / among) % 2 === 0;
    turn += 1;
    now += 1;
    if (kind === 'a role changes') {
      occupants.set(`guest ${index}`, occupantOf(index, !even));
      notifier.change({ kind: 'occupant', key: `guest ${index}` }, now);
    } else {
      if (kind === 'a call is muted') legs.set(`leg-${index}`, legOf(index, even));
      else if (even) legs.delete(`leg-${index}`);
      else legs.set(`leg-${index}`, legOf(index, false));
      notifier.change({ kind: 'leg', key: `leg-${index}` }, now);
    }
    send();
  };
}

/** Microseconds of CPU of one call. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  for (let index = 0; index < repetitions; index += 1) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / repetitions;
}

/** Rounds of all sizes by turns; the first pays for compilation. */
async function byTurns(ways: readonly (() => number | Promise<number>)[]): Promise<readonly (readonly number[])[]> {
  const took = ways.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [place, way] of ways.entries()) {
      const each = await way();
      if (round > 0) took[place]?.push(each);
    }
  }
  return took;
}

interface Wire {
  measure(): Promise<number>;
  stop(): Promise<void>;
}

/** The SIP half with one subscriber, on the embedded agent; CPU of the half, not of the agent. */
async function wireOf(size: number): Promise<Wire> {
  const file = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);
  const agent = await Child.start<AgentOrder, AgentReport>(file('agent-process'));
  const secret = 'bench';
  const { sipPort, adminPort } = await agent.ask({ kind: 'start', secret }, 'ready');
  const product = await Child.start<ProductOrder, ProductReport>(file('notify-product'));
  const start = { kind: 'start', port: adminPort, secret, limits: 'unbounded', people: size, calling: true } as const;
  await product.ask(start, 'ready');
  const watcher = await Child.start<WatcherOrder, WatcherReport>(file('sip-watchers'));
  await watcher.ask({ kind: 'subscribe', count: 1, port: sipPort, uri: link.conference }, 'subscribed');
  await product.ask({ kind: 'settle' }, 'settled');
  return {
    async measure() {
      const before = cpuOf(product.pid);
      await product.ask({ kind: 'changes', count: wireRepetitions }, 'changed');
      return ((cpuOf(product.pid) - before) * 1000) / wireRepetitions;
    },
    async stop() {
      for (const child of [watcher, product, agent]) await child.stop();
    },
  };
}

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [10, 100, 1000, 2000];

function rowsOf(what: string, took: readonly (readonly number[])[]): Record<string, Cell>[] {
  const [smallest = []] = took;
  return took.map((each, place) => ({
    change: what,
    'people in the room': sizes[place] ?? 0,
    'CPU us': median(each).toFixed(1),
    [`to a room of ${sizes[0]}`]: place === 0 ? '' : ratioText(each, smallest),
  }));
}

const rows: Record<string, Cell>[] = [];
for (const kind of kinds) {
  const ways = sizes.map((size) => changer(size, kind, few));
  rows.push(...rowsOf(kind, await byTurns(ways.map((way) => () => cost(way)))));
}
// What has not been touched for long is in no cache of the processor any more.
const inTurn = sizes.map((size) => changer(size, 'a call is muted', size));
rows.push(...rowsOf('a call is muted, everybody in turn', await byTurns(inTurn.map((way) => () => cost(way)))));
const wires: Wire[] = [];
for (const size of sizes) wires.push(await wireOf(size));
const onTheWire = await byTurns(wires.map((wire) => () => wire.measure()));
for (const wire of wires) await wire.stop();
rows.push(...rowsOf('a role changes, whole SIP half', onTheWire));
report(
  'One change of one person, by size of the roster',
  `${rounds} rounds of ${repetitions} changes (whole SIP half: ${wireRepetitions}); ${(written / 1e9).toFixed(1)} GB of text written by notifiers.`,
  '',
  table(rows),
);
