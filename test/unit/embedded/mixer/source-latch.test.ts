import { describe, expect, it } from 'vitest';
import { SourceLatch } from '../../../../src/embedded/mixer/source-latch.ts';

const sdp = { address: '192.0.2.1', port: 4000 };
const nat = { address: '198.51.100.7', port: 6000 };
const stranger = { address: '203.0.113.9', port: 7000 };

function declared(): SourceLatch {
  const latch = new SourceLatch();
  latch.declare(sdp);
  return latch;
}

function accepted(latch: SourceLatch, source: typeof sdp, times: number, now = 0): boolean[] {
  return Array.from({ length: times }, () => latch.accept(source, now));
}

describe('symmetric RTP', () => {
  it('sends to the address of the SDP until a source is believed', () => {
    expect(declared().target).toEqual(sdp);
    expect(new SourceLatch().target).toBeUndefined();
  });

  it('believes the address of the SDP at once, and no other beside it', () => {
    const latch = declared();
    expect(latch.accept(sdp, 0)).toBe(true);
    expect(accepted(latch, stranger, 20)).not.toContain(true);
    expect(latch.target).toEqual(sdp);
  });

  it('believes another port of the same address at once', () => {
    const latch = declared();
    expect(latch.accept({ ...sdp, port: 4002 }, 0)).toBe(true);
    expect(latch.target?.port).toBe(4002);
  });

  it('believes a foreign source only when it sends steadily and nobody else does', () => {
    const latch = declared();
    expect(accepted(latch, nat, 5)).toEqual([false, false, false, false, true]);
    expect(latch.target).toEqual(nat);
    const contested = declared();
    for (let turn = 0; turn < 10; turn += 1) {
      expect(contested.accept(nat, 0)).toBe(false);
      expect(contested.accept(stranger, 0)).toBe(false);
    }
  });

  it('goes back to the address of the SDP when that begins to send', () => {
    const latch = declared();
    accepted(latch, nat, 5);
    expect(latch.accept(sdp, 0)).toBe(true);
    expect(latch.target).toEqual(sdp);
  });

  it('lets another source take over only when the believed one is silent', () => {
    const latch = declared();
    latch.accept(sdp, 0);
    expect(accepted(latch, nat, 10, 1999)).not.toContain(true);
    const later = declared();
    later.accept(sdp, 0);
    expect(accepted(later, nat, 5, 2000).at(-1)).toBe(true);
  });

  it('forgets what it learnt when the SDP names another address, and only then', () => {
    const latch = declared();
    accepted(latch, nat, 5);
    latch.declare({ ...sdp });
    expect(latch.target).toEqual(nat);
    latch.declare({ ...sdp, port: 5000 });
    expect(latch.target).toEqual({ ...sdp, port: 5000 });
  });

  it('never believes port 0', () => {
    expect(accepted(declared(), { ...sdp, port: 0 }, 10)).not.toContain(true);
  });
});
