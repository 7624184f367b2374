/** Facts of a storm of joins: callers whom another process of the service has let in, so that no phones are needed. */
import type { Bus } from '../../src/bus/bus.ts';
import type { LegFact } from '../../src/conference-info/leg.ts';

/** Joins told at once. */
const batch = 20;

/** A caller of another process. */
export const stormLeg = (index: number): LegFact => ({
  leg: `storm-${index}`,
  instance: 'focus-of-the-storm',
  generation: 'g1',
  aor: null,
  proof: null,
  pseudonym: `sip:storm${index}@anonymous.invalid`,
  label: `Caller <${index}> & "co"`,
  method: 'dialed-in',
  status: 'connected',
  joinedAt: '2026-01-01T10:00:00Z',
  mutes: [],
  muted: false,
  floor: false,
  expulsion: null,
  dialogId: `storm-dialog-${index}`,
  callId: `storm-call-${index}`,
  contact: `sip:caller${index}@192.0.2.1:5060`,
  mixer: 'mixer-of-the-storm',
  mixerRef: {},
});

/** Tells of so many joins within about `ms`, evenly. */
export async function joinStorm(bus: Bus, link: string, joins: number, ms: number): Promise<void> {
  const began = performance.now();
  for (let index = 0; index < joins; index += 1) {
    if (index % batch === 0) {
      const early = began + (index * ms) / joins - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, early)));
    }
    await bus.publish(link, 'leg', `storm-${index}`, stormLeg(index));
  }
}
