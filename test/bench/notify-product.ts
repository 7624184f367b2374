/** Helper process of the NOTIFY benchmark: the SIP half of the product, with a room of ten in memory. */
import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import type { OccupantFact, RoomFact } from '../../src/conference-info/occupant.ts';
import { createLog } from '../../src/log.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import { drachtioLimits, unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import type { Mixer } from '../../src/sip-focus/mixer.ts';
import { createSipFocus } from '../../src/sip-focus/sip-focus.ts';
import { serve } from './child.ts';
import { clock, until } from './measure.ts';

export type ProductOrder =
  | {
      readonly kind: 'start';
      readonly port: number;
      readonly secret: string;
      readonly limits: 'drachtio' | 'unbounded';
    }
  /** Somebody in the room loses or gets back their voice. */
  | { readonly kind: 'change' };

export type ProductReport =
  | { readonly kind: 'ready' }
  /** When the change was told to the bus, `clock`. */
  | { readonly kind: 'changed'; readonly at: number };

const link = {
  id: 'tea',
  room: 'tea@rooms.example',
  conference: 'sip:tea@conf.example',
  name: 'Tea',
  maximumUsers: 100,
};
const room: RoomFact = {
  joined: true,
  name: 'Tea',
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: true,
  advertised: 'room',
};
const occupants = 10;
const log = createLog({ level: 'error' });
const bus = createMemoryBus(log);
let changes = 0;

/** There are no calls here, so that nothing is mixed. */
const noMixer: Mixer = {
  name: 'none',
  outlivesProcess: false,
  start: async () => undefined,
  stop: async () => undefined,
  onReport: () => undefined,
  ready: () => true,
  join: () => Promise.reject(new Error('no calls')),
  renegotiate: () => Promise.reject(new Error('no calls')),
  mute: async () => undefined,
  remove: async () => undefined,
  list: async () => [],
  adopt: async () => false,
};

const occupant = (index: number, voice: boolean): OccupantFact => ({
  nick: `guest ${index}`,
  jid: `guest${index}@example.com`,
  role: voice ? 'participant' : 'visitor',
  affiliation: 'member',
  cause: voice ? 'granted' : 'revoked',
});

async function start({ port, secret, limits }: Extract<ProductOrder, { kind: 'start' }>): Promise<ProductReport> {
  await bus.start();
  const { room: jid, conference } = link;
  await bus.publish(link.id, 'link', '-', { room: jid, conference, state: 'open', reason: null });
  await bus.publish(link.id, 'room', '-', room);
  for (let index = 0; index < occupants; index += 1) {
    await bus.publish(link.id, 'occupant', `guest ${index}`, occupant(index, true));
  }
  const focus = createSipFocus({
    settings: {
      host: '127.0.0.1',
      port,
      secret,
      limits: limits === 'drachtio' ? drachtioLimits : unboundedLimits,
      realm: 'example.com',
      accountDomains: ['example.com'],
      trustedPeers: [],
      authentication: 'offer',
      watching: 'anyone',
      notifier: { minimumGapMs: 0 },
    },
    links: [link],
    policy: defaultPolicy,
    bus,
    asks: createMemoryAsks(log),
    mixer: noMixer,
    credentials: { find: async () => null },
    log,
    instance: 'bench',
    generation: 'g1',
  });
  await focus.start();
  await until(() => focus.ready() && focus.debug().notifyConnected, 'the focus is connected');
  return { kind: 'ready' };
}

async function change(): Promise<ProductReport> {
  const index = changes % occupants;
  const voice = Math.floor(changes / occupants) % 2 === 1;
  changes += 1;
  const at = clock();
  await bus.publish(link.id, 'occupant', `guest ${index}`, occupant(index, voice));
  return { kind: 'changed', at };
}

serve<ProductOrder, ProductReport>((order) => (order.kind === 'start' ? start(order) : change()));
