import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeftoverDialogs } from '../../../src/sip-focus/leftover-dialogs.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const target = (dialogId: string) => ({ dialogId, event: 'conference', contact: '' });

function leftovers(kept: boolean) {
  const sent: string[] = [];
  return { sent, dialogs: new LeftoverDialogs(kept, ({ dialogId }) => sent.push(dialogId)) };
}

describe('dialogs that the SIP server keeps', () => {
  it('get their last NOTIFY at once after a failure, and when nobody waits any more after a wish for none', () => {
    const { sent, dialogs } = leftovers(true);
    dialogs.failed(target('a'));
    dialogs.renounced(target('b'));
    expect(sent).toEqual(['a']);
    vi.advanceTimersByTime(31_999);
    expect(sent).toEqual(['a']);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual(['a', 'b']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('die with the connection when the process stops', () => {
    const { sent, dialogs } = leftovers(true);
    dialogs.renounced(target('a'));
    dialogs.stop();
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual([]);
  });

  it('are none where it forgets by itself', () => {
    const { sent, dialogs } = leftovers(false);
    dialogs.failed(target('a'));
    dialogs.renounced(target('b'));
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual([]);
  });
});
