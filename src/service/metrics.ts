/** The figures an operator watches (Prometheus). Few, well named, no personal data in labels. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly legs: Gauge<'link'>;
  readonly subscriptions: Gauge;
  readonly callsRefused: Counter<'status'>;
  readonly orders: Counter<'kind'>;
  readonly orderSeconds: Histogram<'kind'>;
}

/** Makes all metrics on a registry of their own, so that several services may live in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    legs: new Gauge({ name: 'cusax_legs', help: 'Call legs now.', labelNames: ['link'], registers }),
    subscriptions: new Gauge({ name: 'cusax_subscriptions', help: 'Conference-state subscriptions now.', registers }),
    callsRefused: new Counter({
      name: 'cusax_calls_refused_total',
      help: 'Calls refused, by SIP status.',
      labelNames: ['status'],
      registers,
    }),
    orders: new Counter({
      name: 'cusax_orders_total',
      help: 'Orders given to the mixer or a room.',
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
