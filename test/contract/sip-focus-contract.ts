/** What the focus must do on every SIP server and mixer, seen from the wire: run on the embedded ones and on the real ones. */
import { describe } from 'vitest';
import { callsOfTheFocus } from './sip-focus-calls.ts';
import { faultsOfTheFocus } from './sip-focus-faults.ts';
import { limitsOfTheFocus } from './sip-focus-limits.ts';
import { moderationOfTheFocus } from './sip-focus-moderation.ts';
import type { StartPlace } from './sip-focus-stage.ts';
import { subscriptionsOfTheFocus } from './sip-focus-subscriptions.ts';
import { watchersOfTheFocus } from './sip-focus-watchers.ts';

/** The whole suite in one place. `start` is called for each test. */
export function sipFocusContract(name: string, start: StartPlace): void {
  describe(`SipFocus: ${name}`, () => {
    callsOfTheFocus(start);
    moderationOfTheFocus(start);
    limitsOfTheFocus(start);
    watchersOfTheFocus(start);
    subscriptionsOfTheFocus(start);
    faultsOfTheFocus(start);
  });
}
