/** The figures an operator watches (Prometheus). Few, well named, no personal data in labels. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly callsRefused: Counter<'status'>;
  readonly orders: Counter<'kind'>;
  readonly ordersFailed: Counter<'kind'>;
  readonly orderSeconds: Histogram<'kind'>;
}

/** What is counted at the moment somebody asks. */
export interface Sample {
  /** Call legs of this instance by link id. */
  readonly legs: ReadonlyMap<string, number>;
  readonly subscriptions: number;
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
  new Gauge({
    name: 'cusax_subscriptions',
    help: 'Conference-state subscriptions now.',
    registers,
    collect() {
      this.set(sample().subscriptions);
    },
  });
  return {
    registry,
    callsRefused: new Counter({
      name: 'cusax_calls_refused_total',
      help: 'Calls refused, by SIP status.',
      labelNames: ['status'],
      registers,
    }),
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
