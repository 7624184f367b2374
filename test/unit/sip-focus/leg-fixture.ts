/** An ordinary leg for tests of the focus. */
import type { LegFact } from '../../../src/conference-info/leg.ts';

/** A leg that stands muted by the room. */
export const legFact = (leg: string, instance: string, generation: string): LegFact => ({
  ...{ leg, instance, generation, aor: null, proof: null, pseudonym: `sip:${leg}@anonymous.invalid`, label: null },
  ...{ method: 'dialed-in', status: 'connected', joinedAt: '2026-01-01T00:00:00Z' },
  ...{ mutes: ['room'], muted: true, floor: false, expulsion: null },
  ...{ dialogId: `${leg};from-tag=t`, callId: leg, contact: null, mixer: 'fs', mixerRef: { uuid: leg } },
});
