import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRtp, RtpWriter } from '../../../../src/embedded/mixer/rtp.ts';

const origin = { ssrc: 0xfedcba98, sequence: 0xffff, timestamp: 0xffffff80 };

describe('RTP', () => {
  it('reads what it writes, across the wrap of sequence number and timestamp', () => {
    const writer = new RtpWriter(origin);
    const payload = new Uint8Array(160).fill(7);
    const first = writer.next(8, payload);
    const second = writer.next(8, payload);
    expect(first[1]! & 0x80).toBe(0x80);
    expect(second[1]! & 0x80).toBe(0);
    expect(parseRtp(first)).toMatchObject({
      payloadType: 8,
      sequence: 0xffff,
      timestamp: 0xffffff80,
      ssrc: origin.ssrc,
    });
    expect(parseRtp(second)).toMatchObject({ sequence: 0, timestamp: 0x20 });
    expect([...parseRtp(second)!.payload]).toEqual([...payload]);
  });

  it('marks the first packet after a pause and moves its timestamp', () => {
    const writer = new RtpWriter({ ...origin, timestamp: 0 });
    writer.next(0, new Uint8Array(160));
    writer.pause(320);
    const packet = writer.next(0, new Uint8Array(160));
    expect(packet[1]).toBe(0x80);
    expect(parseRtp(packet)).toMatchObject({ timestamp: 480, sequence: 0 });
  });

  it('leaves out CSRCs, extension and padding', () => {
    const header = [0xb1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    const csrc = [9, 9, 9, 9];
    const extension = [0xbe, 0xde, 0, 1, 1, 1, 1, 1];
    const packet = Buffer.from([...header, ...csrc, ...extension, 5, 6, 0, 0, 3]);
    expect([...parseRtp(packet)!.payload]).toEqual([5, 6]);
  });

  it.each([
    ['STUN', [0, 1, ...Array(20).fill(0)]],
    ['DTLS', [22, 254, ...Array(20).fill(0)]],
    ['no payload', [0x80, ...Array(11).fill(0)]],
    ['more padding than packet', [0xa0, ...Array(11).fill(0), 200]],
    ['padding of length 0', [0xa0, ...Array(11).fill(0), 1, 0]],
    ['a cut extension', [0x90, ...Array(11).fill(0), 0, 0, 0]],
  ])('refuses %s', (_what, bytes) => {
    expect(parseRtp(Buffer.from(bytes as number[]))).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const packet = parseRtp(Buffer.from(bytes));
        expect(packet === undefined || packet.payload.length > 0).toBe(true);
      }),
    );
  });
});
