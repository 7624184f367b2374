/** The one failure of a start that another port mends. */
import { BridgeError } from '../src/errors.ts';

/** Whether a bridge did not start because another program has the port that its SIP agent was to listen on. */
export const isPortTaken = (error: unknown): boolean =>
  error instanceof BridgeError &&
  error.code === 'SIP_SERVER_UNAVAILABLE' &&
  (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
