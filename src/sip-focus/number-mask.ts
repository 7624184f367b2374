/** RFC 4575 5.6, 8.2: an entity for a telephone number that may not be shown. */
import { createHmac } from 'node:crypto';
import { isTelephone } from '../conference-info/telephone.ts';
import type { Aor } from '../identity/aor.ts';

/** Gives numbers entities that tell nothing; who has the key, and nobody else, can tell that two are one. */
export class NumberMask {
  readonly #key: string;

  /** With the same key the entities stay the same after a restart, and are the same in every process. */
  constructor(key: string) {
    this.#key = key;
  }

  /** The entity of a number in one conference (link id), or null for an address that is no number. */
  entityOf(aor: Aor, link: string): string | null {
    if (!isTelephone(aor)) return null;
    const hash = createHmac('sha256', this.#key).update(`${link}\n${aor}`).digest('hex');
    return `sip:${hash.slice(0, 32)}@number.invalid`;
  }
}
