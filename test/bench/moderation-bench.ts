/**
 * Moderation in the room until its effect in the call, on every stack that this machine has, beside the sum of its parts in the same run:
 * kick until BYE, taking voice until silence. Run: `npm run bench -- moderation [kicks [voices [stack ...]]]` (default 500, 200, all).
 */
import { pathToFileURL } from 'node:url';
import { type FoundStack, findStacks } from '../harness/meeting/find-stacks.ts';
import { type MeetingStack, startMeetingStack } from '../harness/meeting/meeting-stack.ts';
import { measureKicks } from './kick-latency.ts';
import { type Cell, median, quantile, report, table } from './measure.ts';
import { changesPerCall, measureVoice } from './voice-latency.ts';

const [kicks = '500', voices = '200', ...wanted] = process.argv.slice(2);

/** Quantile of the whole, of each part, and the whole by the sum of the parts. */
function row(
  stack: string,
  share: number,
  total: readonly number[],
  parts: Readonly<Record<string, readonly number[]>>,
) {
  const whole = quantile(total, share);
  const each = Object.entries(parts).map(([name, values]) => [name, quantile(values, share)] as const);
  const sum = each.reduce((before, [, value]) => before + value, 0);
  return {
    stack,
    quantile: `p${share * 100}`,
    'whole ms': whole.toFixed(2),
    ...Object.fromEntries(each.map(([name, value]) => [`${name} ms`, value.toFixed(2)])),
    'sum of parts ms': sum.toFixed(2),
    'whole : sum': (whole / sum).toFixed(2),
  };
}

/** Smallest and largest of the medians of each call. */
function spread(times: readonly number[]): string {
  const calls = Array.from({ length: Math.ceil(times.length / changesPerCall) }, (_, call) =>
    median(times.slice(call * changesPerCall, (call + 1) * changesPerCall)),
  );
  return `${Math.min(...calls).toFixed(1)} to ${Math.max(...calls).toFixed(1)}`;
}

async function onStack<T>(kind: FoundStack, measure: (stack: MeetingStack) => Promise<T>): Promise<T> {
  const stack = await startMeetingStack({ xmpp: kind.xmpp, sip: kind.sip, settings: { log: { level: 'warn' } } });
  try {
    return await measure(stack);
  } finally {
    await stack.stop();
  }
}

// The bridge is a process of its own and must run as compiled as well.
process.env['NODE_OPTIONS'] =
  `--import ${pathToFileURL(new URL('./compiled-source.mjs', import.meta.url).pathname).href}`;

const kickRows: Record<string, Cell>[] = [];
const voiceRows: Record<string, Cell>[] = [];
const spreadRows: Record<string, Cell>[] = [];
for (const kind of findStacks()) {
  if (wanted.length > 0 && !wanted.includes(kind.name)) continue;
  if (kind.missing.length > 0) {
    console.log(`not run: ${kind.name} (${kind.missing.join(', ')} not found)`);
    continue;
  }
  const kick = await onStack(kind, (stack) => measureKicks(stack, Number(kicks)));
  for (const share of [0.5, 0.99]) {
    const parts = { 'stanza to client': kick.stanza, 'publish to consumer': kick.bus, 'destroy to BYE': kick.bye };
    kickRows.push(row(kind.name, share, kick.total, parts));
  }
  const voice = await onStack(kind, (stack) => measureVoice(stack, Number(voices)));
  for (const share of [0.5, 0.99]) {
    const parts = { 'stanza to client': voice.stanza, 'publish to consumer': voice.bus, 'mute to silence': voice.mute };
    voiceRows.push(row(kind.name, share, voice.total, parts));
  }
  spreadRows.push({
    stack: kind.name,
    'whole ms, medians of calls': spread(voice.total),
    'mute to silence ms, medians of calls': spread(voice.mute),
  });
}
report('Kick in the room until BYE at the phone', `${kicks} kicks on each stack.`, '', table(kickRows));
report(
  'Voice taken in the room until silence in the call',
  `${voices} times on each stack.`,
  '',
  table(voiceRows),
  '',
  table(spreadRows),
);
