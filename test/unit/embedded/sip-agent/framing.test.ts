import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamFraming } from '../../../../src/embedded/sip-agent/stream-framing.ts';
import { encodeFrame, FrameReader } from '../../../../src/embedded/sip-agent/wire-framing.ts';

/** Cuts bytes into pieces at arbitrary places. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const out: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[i % sizes.length] ?? 1);
    out.push(bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });

describe("drachtio's frames", () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), sizes, (texts, cuts) => {
        const reader = new FrameReader(10_000);
        const stream = Buffer.concat(texts.map((text) => encodeFrame(Buffer.from(text))));
        const frames = pieces(stream, cuts).flatMap((piece) => reader.push(piece).frames);
        expect(frames.map(String)).toEqual(texts);
      }),
    );
  });

  it('carry megabytes', () => {
    const reader = new FrameReader(9_999_999);
    const big = Buffer.alloc(5_000_000, 'x');
    const frames = pieces(encodeFrame(big), [65_536]).flatMap((piece) => reader.push(piece).frames);
    expect(frames).toHaveLength(1);
    expect(frames[0]?.equals(big)).toBe(true);
  });

  it.each(['x#', '#abc', '-1#', '12345678', '12345678#', '1 #', '99999#'])('refuse %j', (text) => {
    expect(new FrameReader(1_000).push(Buffer.from(text)).fault).toBeDefined();
  });

  it('hand out what was complete before the fault', () => {
    const result = new FrameReader(1_000).push(Buffer.from('2#okno'));
    expect(result.frames.map(String)).toEqual(['ok']);
    expect(result.fault).toBeDefined();
  });
});

describe('SIP over a stream (RFC 3261 18.3)', () => {
  const limits = { maxHeaderBytes: 200, maxMessageBytes: 400 };
  const message = (body: string, name = 'Content-Length') =>
    `OPTIONS sip:a SIP/2.0\r\n${name}: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  it('is cut by Content-Length, however it arrives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 30 })),
        sizes,
        fc.boolean(),
        (bodies, cuts, keepAlive) => {
          const framing = new StreamFraming(limits);
          const stream = Buffer.from(bodies.map((body) => (keepAlive ? '\r\n\r\n' : '') + message(body)).join(''));
          const results = pieces(stream, cuts).map((piece) => framing.push(piece));
          expect(results.every(({ fault }) => fault === undefined)).toBe(true);
          expect(results.flatMap(({ messages }) => messages.map(String))).toEqual(bodies.map((body) => message(body)));
        },
      ),
    );
  });

  it('knows the compact and the folded form', () => {
    for (const name of ['l', 'L ', 'content-length\t', 'Content-Length:\r\n '].map((text) => text.replace(/:$/, ''))) {
      const framing = new StreamFraming(limits);
      const text = name.includes('\r\n')
        ? 'OPTIONS sip:a SIP/2.0\r\nContent-Length:\r\n 2\r\n\r\nab'
        : message('ab', name);
      expect(framing.push(Buffer.from(text)).messages.map(String)).toEqual([text]);
      expect(framing.partial).toBe(false);
    }
  });

  it.each([
    ['no Content-Length', 'OPTIONS sip:a SIP/2.0\r\nX: 1\r\n\r\n'],
    ['a negative one', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n'],
    ['a message too long', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 1000\r\n\r\n'],
    ['headers without end', `OPTIONS sip:a SIP/2.0\r\nX: ${'x'.repeat(300)}`],
    ['headers too long', `OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\nX: ${'x'.repeat(300)}\r\n\r\n`],
  ])('gives up at %s', (_name, text) => {
    expect(new StreamFraming(limits).push(Buffer.from(text)).fault).toBeDefined();
  });
});
