/** One trace id follows a cause (a stanza, a SIP request, an ask) to its last effect, across awaits and the bus. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const storage = new AsyncLocalStorage<string>();

/** The trace id of the work being done now, if it has one. */
export const currentTrace = (): string | undefined => storage.getStore();

/** Runs `work` under the given trace id, or under a new one (16 hex digits). */
export const withTrace = <T>(work: () => T, trace: string = randomBytes(8).toString('hex')): T =>
  storage.run(trace, work);
