/** Helper process of the benchmarks of NOTIFY: the SIP half of the product, with people in a room in memory. */
import type { Bus } from '../../src/bus/bus.ts';
import { drachtioLimits, unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import type { SipFocus } from '../../src/sip-focus/sip-focus.ts';
import { startBenchFocus } from './bench-focus.ts';
import { serve } from './child.ts';
import { heapNow } from './heap.ts';
import { clock, pause } from './measure.ts';
import { aorOf, legOf, link, occupantOf } from './people.ts';

export type ProductOrder =
  | {
      readonly kind: 'start';
      readonly port: number;
      readonly secret: string;
      readonly limits: 'drachtio' | 'unbounded';
      /** In the room, and, with `calling`, in the call as well. */
      readonly people: number;
      readonly calling?: boolean;
    }
  /** Somebody in the room loses or gets back their voice. */
  | { readonly kind: 'change' }
  /** So many changes, each after the answers to the one before. */
  | { readonly kind: 'changes'; readonly count: number }
  /** Waits until every NOTIFY has been answered and no more follow. */
  | { readonly kind: 'settle' }
  | { readonly kind: 'heap' };

export type ProductReport =
  | { readonly kind: 'ready' }
  /** When the (first) change was told to the bus, `clock`. */
  | { readonly kind: 'changed'; readonly at: number }
  | { readonly kind: 'settled' }
  /** Bytes in use after garbage collection. */
  | { readonly kind: 'heap'; readonly bytes: number };

/** So long nothing is under way. */
const quietMs = 100;

let bus: Bus;
let focus: SipFocus;
let people = 0;
let changes = 0;

async function start({ port, secret, limits, ...room }: Extract<ProductOrder, { kind: 'start' }>) {
  const flow = limits === 'drachtio' ? drachtioLimits : unboundedLimits;
  ({ bus, focus } = await startBenchFocus({ port, secret, limits: flow, minimumGapMs: 0 }));
  people = room.people;
  for (let index = 0; index < people; index += 1) {
    const occupant = occupantOf(index);
    if (room.calling === true && occupant.jid !== null) {
      const aor = aorOf(index);
      await bus.publish('_', 'binding', aor, { aor, jid: occupant.jid, proof: 'directory' });
      await bus.publish(link.id, 'leg', `leg-${index}`, legOf(index, false));
    }
    await bus.publish(link.id, 'occupant', occupant.nick, occupant);
  }
  return { kind: 'ready' } as const;
}

async function change(): Promise<number> {
  const index = changes % people;
  const voice = Math.floor(changes / people) % 2 === 1;
  changes += 1;
  const at = clock();
  await bus.publish(link.id, 'occupant', `guest ${index}`, occupantOf(index, voice));
  return at;
}

const underWay = (): number => {
  const { waiting, unanswered } = focus.debug().notify;
  return waiting + unanswered;
};

async function settle(): Promise<ProductReport> {
  for (let quiet = 0; quiet < quietMs; quiet = underWay() === 0 ? quiet + 5 : 0) await pause(5);
  return { kind: 'settled' };
}

async function changeOften(count: number): Promise<ProductReport> {
  const at = clock();
  for (let index = 0; index < count; index += 1) {
    await change();
    // A shorter wait would itself be most of the CPU.
    while (underWay() > 0) await pause(1);
  }
  return { kind: 'changed', at };
}

serve<ProductOrder, ProductReport>(async (order) => {
  if (order.kind === 'start') return start(order);
  if (order.kind === 'changes') return changeOften(order.count);
  if (order.kind === 'settle') return settle();
  if (order.kind === 'heap') return { kind: 'heap', bytes: await heapNow() };
  return { kind: 'changed', at: await change() };
});
