/** Helper process of the benchmark of memory: fills the parts of the product one after another, and tells what each adds to the heap. */
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryBus } from '../../src/bus/memory-bus.ts';
import { Notifier } from '../../src/conference-info/notifier.ts';
import { log } from './bench-focus.ts';
import { serve } from './child.ts';
import { heapNow } from './heap.ts';
import { aorOf, legOf, link, occupantOf, room } from './people.ts';

export type ProbeOrder =
  /** So many people. */
  | { readonly kind: 'people'; readonly count: number; readonly inRoom: boolean; readonly inCall: boolean }
  /** So many subscriptions to a room of ten. */
  | { readonly kind: 'subscriptions'; readonly count: number };

export type ProbeReport =
  /** Bytes for each person. */
  | {
      readonly kind: 'people';
      readonly facts: number;
      readonly index: number;
      readonly ordinary: number;
      readonly moderator: number;
    }
  /** Bytes for each subscription. */
  | { readonly kind: 'subscriptions'; readonly bytes: number };

const hour = 3_600_000;

async function enter(bus: Bus, count: number, inRoom: boolean, inCall: boolean): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const occupant = occupantOf(index);
    if (inRoom) await bus.publish(link.id, 'occupant', occupant.nick, occupant);
    if (!inCall) continue;
    const aor = aorOf(index);
    await bus.publish('_', 'binding', aor, { aor, jid: occupant.jid ?? '', proof: 'directory' });
    await bus.publish(link.id, 'leg', `leg-${index}`, legOf(index, false));
  }
}

async function newBus(): Promise<Bus> {
  const bus = createMemoryBus(log);
  await bus.start();
  await bus.publish(link.id, 'room', '-', room);
  return bus;
}

/** Subscribes, and takes and answers all documents. */
function subscribe(notifier: Notifier, id: string, view: 'ordinary' | 'moderator'): void {
  notifier.subscribe(id, { expiresAt: hour, view, minimumGapMs: 0 }, 0);
  answerAll(notifier);
}

function answerAll(notifier: Notifier): void {
  for (let orders = notifier.due(0); orders.length > 0; orders = notifier.due(0)) {
    for (const order of orders) notifier.answered(order.id, 200, 0);
  }
}

async function people({ count, inRoom, inCall }: Extract<ProbeOrder, { kind: 'people' }>): Promise<ProbeReport> {
  const bus = await newBus();
  let before = await heapNow();
  const added = async (): Promise<number> => {
    const now = await heapNow();
    const bytes = (now - before) / count;
    before = now;
    return bytes;
  };
  await enter(bus, count, inRoom, inCall);
  const facts = await added();
  const notifier = new Notifier(link, bus.facts.meeting(link.id), bus.facts.bindings);
  const index = await added();
  const shown = async (view: 'ordinary' | 'moderator'): Promise<number> => {
    subscribe(notifier, view, view);
    // Documents of all that is there are kept until something changes; what stays is the text of each person.
    await bus.publish(link.id, 'room', '-', { ...room, subject: view });
    notifier.change({ kind: 'room', key: '-' }, 0);
    answerAll(notifier);
    return added();
  };
  const ordinary = await shown('ordinary');
  const moderator = await shown('moderator');
  if (notifier.counts.builds === 0 || bus.facts.links().length === 0) throw new Error('nothing was built');
  return { kind: 'people', facts, index, ordinary, moderator };
}

async function subscriptions(count: number): Promise<ProbeReport> {
  const bus = await newBus();
  await enter(bus, 10, true, true);
  const notifier = new Notifier(link, bus.facts.meeting(link.id), bus.facts.bindings);
  subscribe(notifier, 'first', 'ordinary');
  const before = await heapNow();
  for (let index = 0; index < count; index += 1)
    subscribe(notifier, `dialog-${index};from-tag=f${index} conference`, 'ordinary');
  const bytes = ((await heapNow()) - before) / count;
  if (notifier.counts.subscriptions !== count + 1) throw new Error('a subscription is missing');
  return { kind: 'subscriptions', bytes };
}

serve<ProbeOrder, ProbeReport>((order) => (order.kind === 'people' ? people(order) : subscriptions(order.count)));
