/** Every `sip/*.sip` message is read as its `.json` says; the faults are those of RFC 4475, and some of our own. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { refuse } from '../../src/embedded/sip-agent/inbound.ts';
import { listOf } from '../../src/embedded/sip-agent/sip-header.ts';
import { type SipMessage, serialise } from '../../src/embedded/sip-agent/sip-message.ts';
import { parseSip } from '../../src/embedded/sip-agent/sip-parser.ts';

interface Expected {
  readonly title: string;
  readonly outcome: 'accept' | 'answer' | 'drop';
  /** Of the answer, or of the response that was read. */
  readonly status?: number;
  readonly method?: string;
  readonly uri?: string;
  readonly headers?: Record<string, string>;
  readonly vias?: number;
  readonly bodyBytes?: number;
}

const folder = new URL('sip/', import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.sip'))
  .map((name) => name.slice(0, -4));

/** What the agent does with a message by itself: the parser's verdict, then that of the agent on a request. */
function judge(bytes: Buffer): { outcome: Expected['outcome']; status?: number; message?: SipMessage } {
  const result = parseSip(bytes);
  if (!result.ok) return result.status === 0 ? { outcome: 'drop' } : { outcome: 'answer', status: result.status };
  const { message } = result;
  if (message.kind === 'response') return { outcome: 'accept', status: message.status, message };
  const refusal = refuse(message);
  return refusal ? { outcome: 'answer', status: refusal.status } : { outcome: 'accept', message };
}

describe('SIP messages with and without fault', () => {
  it('has a vector for each of the 49 cases of RFC 4475 and more', () => {
    expect(names.length).toBeGreaterThanOrEqual(49);
  });

  for (const name of names) {
    const bytes = readFileSync(new URL(`${name}.sip`, folder));
    const expected = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Expected;

    it(`${name}: ${expected.title}`, () => {
      const { outcome, status, message } = judge(bytes);
      expect({ outcome, status }).toEqual({ outcome: expected.outcome, status: expected.status });
      if (!message) return;
      const { headers } = message;
      if (message.kind === 'request') {
        expect(message.method).toBe(expected.method ?? message.method);
        expect(message.uri).toBe(expected.uri ?? message.uri);
      }
      for (const [key, value] of Object.entries(expected.headers ?? {})) expect(headers.get(key)).toBe(value);
      if (expected.vias !== undefined) expect(listOf(headers, 'via')).toHaveLength(expected.vias);
      if (expected.bodyBytes !== undefined) expect(message.body).toHaveLength(expected.bodyBytes);
    });

    it(`${name}: what was accepted is read the same after it was written`, () => {
      const { message } = judge(bytes);
      if (!message) return;
      const again = parseSip(serialise(message));
      if (!again.ok) throw new Error(again.why);
      expect(again.message.body).toEqual(message.body);
      const values = (of: SipMessage) => of.headers.entries().filter(({ key }) => key !== 'content-length');
      expect(values(again.message)).toEqual(values(message));
    });
  }
});
