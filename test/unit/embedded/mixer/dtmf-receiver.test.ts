import { describe, expect, it } from 'vitest';
import { DtmfReceiver } from '../../../../src/embedded/mixer/dtmf-receiver.ts';

const payload = (event: number, ms: number, end = false): Uint8Array =>
  Uint8Array.from([event, end ? 0x8a : 0x0a, (ms * 8) >> 8, (ms * 8) & 0xff]);

describe('receiving telephone events', () => {
  it('tells a press once, however often its end is repeated', () => {
    const dtmf = new DtmfReceiver();
    expect(dtmf.packet(100, payload(5, 50), 0)).toEqual([]);
    expect(dtmf.packet(100, payload(5, 120, true), 20)).toEqual([{ digit: '5', ms: 120 }]);
    expect(dtmf.packet(100, payload(5, 120, true), 40)).toEqual([]);
    expect(dtmf.packet(100, payload(5, 100), 60)).toEqual([]);
    expect(dtmf.idle(1000)).toEqual([]);
  });

  it('tells the same key pressed twice as two presses', () => {
    const dtmf = new DtmfReceiver();
    expect(dtmf.packet(100, payload(1, 80, true), 0)).toHaveLength(1);
    expect(dtmf.packet(2000, payload(1, 90, true), 300)).toEqual([{ digit: '1', ms: 90 }]);
  });

  it('ends a press whose end was lost: with the next press, or with silence', () => {
    const dtmf = new DtmfReceiver();
    dtmf.packet(100, payload(10, 60), 0);
    expect(dtmf.packet(900, payload(11, 40), 100)).toEqual([{ digit: '*', ms: 60 }]);
    expect(dtmf.idle(250)).toEqual([]);
    expect(dtmf.idle(301)).toEqual([{ digit: '#', ms: 40 }]);
    expect(dtmf.packet(900, payload(11, 80, true), 320)).toEqual([]);
  });

  it('keeps the longest duration when packets come out of order', () => {
    const dtmf = new DtmfReceiver();
    dtmf.packet(100, payload(15, 150), 0);
    expect(dtmf.packet(100, payload(15, 100, true), 0)).toEqual([{ digit: 'D', ms: 150 }]);
  });

  it('passes over events that are no keys, and short packets', () => {
    const dtmf = new DtmfReceiver();
    expect(dtmf.packet(1, payload(16, 100, true), 0)).toEqual([]);
    expect(dtmf.packet(1, Uint8Array.from([1, 0x80, 1]), 0)).toEqual([]);
  });
});
