/**
 * CPU of the embedded mixer by number of legs: rooms of 10, everybody talking, PCMU both ways.
 * Run: `npx tsx test/bench/mixer-bench.ts [seconds] [legs ...]` (default: 8 seconds each of 10, 50, 100 and 200 legs).
 */
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createLog } from '../../src/log.ts';
import type { LoadOrder, LoadReport } from './rtp-load.ts';

const roomSize = 10;
const warmUpMs = 2000;
const host = '127.0.0.1';

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function startLoad() {
  const child = fork(new URL('./rtp-load.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  return {
    tell: (order: LoadOrder) => child.send(order),
    ask<K extends LoadReport['kind']>(order: LoadOrder, kind: K): Promise<Extract<LoadReport, { kind: K }>> {
      const answer = new Promise<Extract<LoadReport, { kind: K }>>((resolve, reject) => {
        child.once('exit', () => reject(new Error('the load generator ended')));
        child.on('message', (report: LoadReport) => {
          if (report.kind === kind) resolve(report as Extract<LoadReport, { kind: K }>);
        });
      });
      child.send(order);
      return answer;
    },
  };
}

function offer(port: number): string {
  const lines = ['v=0', `o=- 1 1 IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0', `m=audio ${port} RTP/AVP 0`, ''];
  return lines.join('\r\n');
}

/** One row of the table. */
async function measure(legs: number, seconds: number) {
  const mixer = createEmbeddedMixer({ host, maxLegs: legs, log: createLog({ level: 'error' }) });
  await mixer.start();
  const load = startLoad();
  const { ports } = await load.ask({ kind: 'open', phones: legs }, 'opened');
  const mixerPorts: number[] = [];
  for (const [index, port] of ports.entries()) {
    const order = { conference: `room-${Math.floor(index / roomSize)}`, leg: `leg-${index}`, offer: offer(port) };
    const { sdp } = await mixer.join({ ...order, muted: false });
    mixerPorts.push(Number(/^m=audio (\d+)/m.exec(sdp)?.[1]));
  }
  load.tell({ kind: 'talk', ports: mixerPorts });
  await pause(warmUpMs);
  await load.ask({ kind: 'count' }, 'counted');
  const healthBefore = await mixer.health();
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  await pause(seconds * 1000);
  const cpu = process.cpuUsage(cpuBefore);
  const elapsed = performance.now() - began;
  const health = await mixer.health();
  const counted = await load.ask({ kind: 'count' }, 'counted');
  const rss = process.memoryUsage.rss();
  load.tell({ kind: 'stop' });
  await mixer.stop();
  const percent = (cpu.user + cpu.system) / 10 / elapsed;
  return {
    legs,
    'CPU % of a core': percent.toFixed(1),
    '% per leg': (percent / legs).toFixed(3),
    'late p99 ms': health.latenessP99.toFixed(1),
    skipped: health.skipped - healthBefore.skipped,
    'late packets': health.latePackets - healthBefore.latePackets,
    concealed: health.concealedFrames - healthBefore.concealedFrames,
    'sent %': ((counted.sent * 2000) / (elapsed * legs)).toFixed(1),
    'heard %': ((counted.heard * 2000) / (elapsed * legs)).toFixed(1),
    'jitter ms': counted.jitter.toFixed(2),
    'RSS MB': Math.round(rss / 1e6),
  };
}

const [seconds = 8, ...wanted] = process.argv.slice(2).map(Number);
const rows = [];
for (const legs of wanted.length > 0 ? wanted : [10, 50, 100, 200]) rows.push(await measure(legs, seconds));
const processors = cpus();
console.log(`${processors.length} x ${processors[0]?.model.trim()}, Node ${process.version}, ${process.platform}`);
console.log(`rooms of ${roomSize}, all talking, PCMU both ways, ${seconds} s each, load generator in its own process`);
console.table(rows);
