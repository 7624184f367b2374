/**
 * CPU of the embedded mixer by number of legs: rooms of 10, everybody talking, PCMU both ways.
 * Run: `npm run bench -- mixer [seconds] [legs ...]` (default: 8 seconds each of 10, 50, 100 and 200 legs).
 */
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createLog } from '../../src/log.ts';
import { Child } from './child.ts';
import { cpuOf, pause, report, table } from './measure.ts';
import type { LoadOrder, LoadReport } from './rtp-load.ts';

const roomSize = 10;
const warmUpMs = 2000;
const host = '127.0.0.1';

function offer(port: number): string {
  const lines = ['v=0', `o=- 1 1 IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0', `m=audio ${port} RTP/AVP 0`, ''];
  return lines.join('\r\n');
}

/** One row of the table. */
async function measure(legs: number, seconds: number) {
  const mixer = createEmbeddedMixer({ host, maxLegs: legs, log: createLog({ level: 'error' }) });
  await mixer.start();
  const load: Child<LoadOrder, LoadReport> = await Child.start(new URL('./rtp-load.ts', import.meta.url));
  const { ports } = await load.ask({ kind: 'open', phones: legs }, 'opened');
  const mixerPorts: number[] = [];
  for (const [index, port] of ports.entries()) {
    const order = { conference: `room-${Math.floor(index / roomSize)}`, leg: `leg-${index}`, offer: offer(port) };
    const { sdp } = await mixer.join({ ...order, muted: false });
    mixerPorts.push(Number(/^m=audio (\d+)/m.exec(sdp)?.[1]));
  }
  await load.ask({ kind: 'talk', ports: mixerPorts }, 'talking');
  await pause(warmUpMs);
  await load.ask({ kind: 'count' }, 'counted');
  const healthBefore = await mixer.health();
  const cpuBefore = cpuOf(process.pid);
  const began = performance.now();
  await pause(seconds * 1000);
  const cpu = cpuOf(process.pid) - cpuBefore;
  const elapsed = performance.now() - began;
  const health = await mixer.health();
  const counted = await load.ask({ kind: 'count' }, 'counted');
  const rss = process.memoryUsage.rss();
  await load.stop();
  await mixer.stop();
  const percent = (cpu * 100) / elapsed;
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
report(
  'Embedded mixer',
  `Rooms of ${roomSize}, everybody talking, PCMU both ways, ${seconds} s each; phones in a process of their own.`,
  '',
  table(rows),
);
