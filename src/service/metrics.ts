/** The figures an operator watches (Prometheus). Few, well named, no personal data in labels. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly refused: Readonly<Record<'call' | 'subscription', Counter<'status'>>>;
  readonly orders: Counter<'kind'>;
  readonly ordersFailed: Counter<'kind'>;
  readonly orderSeconds: Histogram<'kind'>;
}

/** What is counted at the moment somebody asks. */
export interface Sample {
  /** Call legs of this instance by link id. */
  readonly legs: ReadonlyMap<string, number>;
  /** Calls refused so far because somebody called too often. */
  readonly callsOverRate: number;
  readonly subscriptions: number;
  /** NOTIFYs so far, see `NotifyCounts`, and those that wait now. */
  readonly notifies: {
    readonly sent: number;
    readonly failed: number;
    readonly tooLarge: number;
    readonly waiting: number;
  };
  /** See `DocumentCounts`. */
  readonly documents: { readonly builds: number; readonly cut: number; readonly omitted: number };
}

/** Counters that something else counts already. */
const counted: readonly (readonly [name: string, help: string, of: (sample: Sample) => number])[] = [
  [
    'cusax_calls_over_rate_total',
    'Calls refused because one address or account called too often; they are counted among those refused with 503, too.',
    ({ callsOverRate }) => callsOverRate,
  ],
  ['cusax_notifies_total', 'NOTIFYs about conference state.', ({ notifies }) => notifies.sent],
  ['cusax_notifies_failed_total', 'NOTIFYs that were not taken, or not answered.', ({ notifies }) => notifies.failed],
  [
    'cusax_notifies_too_large_total',
    'NOTIFYs never sent, because they were larger than the SIP server can take.',
    ({ notifies }) => notifies.tooLarge,
  ],
  [
    'cusax_documents_total',
    'Conference documents built; one serves many watchers.',
    ({ documents }) => documents.builds,
  ],
  [
    'cusax_documents_cut_total',
    'Last documents of a subscription, fetches mostly, that could not hold everybody.',
    ({ documents }) => documents.cut,
  ],
  [
    'cusax_documents_omitted_total',
    'Users and endpoints left out of documents because one alone is too large.',
    ({ documents }) => documents.omitted,
  ],
];

/** What watchers of the conference state cost. */
function addWatchFigures(registers: Registry[], sample: () => Sample): void {
  new Gauge({
    name: 'cusax_subscriptions',
    help: 'Conference-state subscriptions now.',
    registers,
    collect() {
      this.set(sample().subscriptions);
    },
  });
  new Gauge({
    name: 'cusax_notifies_waiting',
    help: 'NOTIFYs that wait to be handed to the SIP server.',
    registers,
    collect() {
      this.set(sample().notifies.waiting);
    },
  });
  for (const [name, help, of] of counted) {
    new Counter({
      ...{ name, help, registers },
      collect() {
        this.reset();
        this.inc(of(sample()));
      },
    });
  }
}

/** Makes all metrics on a registry of their own, so that several services may live in one process. */
export function createMetrics(sample: () => Sample): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'cusax_legs',
    help: 'Call legs now.',
    labelNames: ['link'],
    registers,
    collect() {
      this.reset();
      for (const [link, legs] of sample().legs) this.set({ link }, legs);
    },
  });
  addWatchFigures(registers, sample);
  const refusals = (name: string, help: string) => new Counter({ name, help, labelNames: ['status'], registers });
  return {
    registry,
    refused: {
      call: refusals('cusax_calls_refused_total', 'Calls refused, by SIP status.'),
      subscription: refusals('cusax_subscriptions_refused_total', 'Subscriptions refused, by SIP status.'),
    },
    orders: new Counter({
      name: 'cusax_orders_total',
      help: 'Orders given to the mixer.',
      labelNames: ['kind'],
      registers,
    }),
    ordersFailed: new Counter({
      name: 'cusax_orders_failed_total',
      help: 'Orders that the mixer refused or did not confirm.',
      labelNames: ['kind'],
      registers,
    }),
    orderSeconds: new Histogram({
      name: 'cusax_order_seconds',
      help: 'Time from an order to its confirmation.',
      labelNames: ['kind'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
  };
}
