/** JSON logs (pino). Personal data goes only into the fields of `personalFields`, which redaction knows. */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { currentTrace } from './trace.ts';

/** Field names that may hold personal data; each is masked unless the operator asks to see them. */
export const personalFields = [
  'jid',
  'aor',
  'nick',
  'display',
  'number',
  'room',
  'peer',
  'reason',
  'sdp',
  'by',
] as const;

export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child(bindings: Record<string, unknown>): Logger;
};

export interface LogOptions {
  level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Show personal data in clear; the default is to mask it. */
  personal?: boolean;
}

/** Makes the root logger. Every line carries `trace` while a cause is being followed. */
export function createLog(options: LogOptions, destination?: DestinationStream): Logger {
  const paths = personalFields.flatMap((field) => [field, `*.${field}`, `*.detail.${field}`]);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: options.personal ? [] : { paths, censor: '[personal]' },
      mixin: () => {
        const trace = currentTrace();
        return trace ? { trace } : {};
      },
    },
    destination ?? pino.destination(1),
  );
}
