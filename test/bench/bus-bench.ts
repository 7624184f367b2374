/**
 * Fact to reaction over JetStream: from `publish` to the listeners of the bus, as in a process that runs both halves, beside a bare
 * publish to an ordered consumer on the same server, by turns, one each ms. Run: `npm run bench -- bus [samples]` (default 500 a round).
 */
import { createNatsBus } from '../../src/bus/nats-bus.ts';
import { NatsLink } from '../../src/bus/nats-link.ts';
import type { OccupantFact } from '../../src/conference-info/occupant.ts';
import { createLog } from '../../src/log.ts';
import { findNats, startNats } from '../harness/servers/nats.ts';
import { openBareStream, type Way } from './bare-stream.ts';
import { clock, pause, quantile, ratioText, report, table, until } from './measure.ts';

const rounds = 8;
const [samples = 500] = process.argv.slice(2).map(Number);
const log = createLog({ level: 'error' });

const occupant = (index: number, voice: boolean): OccupantFact => ({
  nick: String(index),
  jid: `guest${index}@example.com`,
  role: voice ? 'participant' : 'visitor',
  affiliation: 'member',
  cause: voice ? 'granted' : 'revoked',
});

async function product(url: string): Promise<Way> {
  const bus = createNatsBus(new NatsLink({ servers: [url], name: 'bench' }, log), log);
  await bus.start();
  let voice = false;
  const way: Way = {
    send(index) {
      // Every fact changes from round to round.
      if (index === 0) voice = !voice;
      return bus.publish('tea', 'occupant', String(index), occupant(index, voice));
    },
    onHeard: () => undefined,
    stop: () => bus.close(),
  };
  bus.listen((event) => {
    if (event.kind === 'occupant' && event.value) way.onHeard(Number(event.value.nick));
  });
  return way;
}

/** Sends one each ms, by turns on each way, whatever became of those before; times from sending to hearing in ms, by way. */
async function round(ways: readonly Way[]): Promise<number[][]> {
  const took = ways.map((): number[] => []);
  const sentAt = ways.map((): number[] => []);
  for (const [place, way] of ways.entries()) {
    way.onHeard = (index) => took[place]?.push(clock() - (sentAt[place]?.[index] ?? Number.NaN));
  }
  const stored: Promise<unknown>[] = [];
  const began = clock();
  for (let turn = 0; turn < samples * ways.length; turn += 1) {
    const early = began + turn - clock();
    if (early > 0) await pause(early);
    const place = turn % ways.length;
    const index = Math.floor(turn / ways.length);
    sentAt[place]?.push(clock());
    stored.push(ways[place]?.send(index) ?? Promise.resolve());
  }
  await until(() => took.every((each) => each.length >= samples), 'everything sent was heard');
  await Promise.all(stored);
  return took;
}

async function measure(): Promise<void> {
  const server = await startNats();
  const ways = [await product(server.url), await openBareStream(server.url, occupant(100, true))];
  const outcome: number[][][] = ways.map(() => []);
  for (let index = 0; index <= rounds; index += 1) {
    const took = await round(ways);
    // The first round pays for compilation.
    if (index > 0) for (const [place, each] of took.entries()) outcome[place]?.push(each);
  }
  for (const way of ways) await way.stop();
  const version = /Version: *([\d.]+)/.exec(server.log())?.[1] ?? 'unknown';
  await server.stop();
  const [ours = [], bare = []] = outcome;
  const row = (name: string, took: readonly number[][]) => ({
    way: name,
    samples: took.flat().length,
    'p50 ms': quantile(took.flat(), 0.5).toFixed(2),
    'p99 ms': quantile(took.flat(), 0.99).toFixed(2),
  });
  const at = (took: readonly number[][], share: number): number[] => took.map((each) => quantile(each, share));
  const ratio = (share: number): string => ratioText(at(ours, share), at(bare, share));
  report(
    'Fact to reaction over JetStream',
    `nats-server ${version}, file storage, both ends in one process, one each ms, ${rounds} rounds.`,
    '',
    table([row('product', ours), row('bare publish to consumer', bare)]),
    '',
    `Ratio of p50: ${ratio(0.5)}; of p99: ${ratio(0.99)}.`,
  );
}

if (findNats() === null) console.log('not run: bus (nats-server is not on PATH)');
else await measure();
