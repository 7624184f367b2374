import { describe, expect, it } from 'vitest';
import { BridgeError } from '../../src/errors.ts';
import { createLog, type LogOptions, personalFields } from '../../src/log.ts';
import { withTrace } from '../../src/trace.ts';

/** What a logger of these options writes. */
function written(options: Partial<LogOptions>, work: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  work(createLog({ level: 'debug', ...options }, { write: (line: string) => void lines.push(line) }));
  return lines;
}

describe('the log', () => {
  const secret = 'bob@example.org';
  it.each(personalFields)('masks %s wherever a line may have it, unless the operator wants to see it', (field) => {
    const tell = (log: ReturnType<typeof createLog>) => {
      const err = new BridgeError('XMPP_REFUSED', 'refused', { detail: { [field]: secret } });
      log.info({ [field]: secret, ask: { [field]: secret }, err }, 'a word');
      log.child({ [field]: secret }).info('another');
    };
    const masked = written({}, tell);
    expect(masked.join('')).not.toContain(secret);
    expect(JSON.parse(masked[0] ?? '')).toMatchObject({ [field]: '[personal]', msg: 'a word' });
    expect(written({ personal: true }, tell).map((line) => line.split(secret).length - 1)).toEqual([3, 1]);
  });

  it('carries the trace of the cause that is being followed, and none without one', async () => {
    const lines = written({}, (log) => {
      log.info('before');
      withTrace(() => log.info('within'), 'cause-1');
    });
    expect(lines.map((line) => JSON.parse(line).trace)).toEqual([undefined, 'cause-1']);
  });
});
