import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  listOf,
  parseCSeq,
  parseNameAddr,
  parseParams,
  parseSipUri,
  parseVia,
  splitList,
} from '../../../../src/embedded/sip-agent/sip-header.ts';
import { createResponse, headerName, serialise } from '../../../../src/embedded/sip-agent/sip-message.ts';
import { parseSip } from '../../../../src/embedded/sip-agent/sip-parser.ts';
import { requestText } from './layer-harness.ts';

/** Mutations of a good message: bytes exchanged, removed, put in, or parts repeated. */
const mutated = fc
  .tuple(
    fc.constantFrom(
      requestText(),
      requestText({
        method: 'REGISTER',
        headers: 'Contact: "A, B" <sip:a@b;x=y?h=z>;q=0.3, <sip:c@d>\r\nRoute: <sip:r;lr>\r\n',
      }),
    ),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('cut', 'put', 'repeat'), fc.string({ unit: 'binary', maxLength: 4 })), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([text, changes]) => {
    let out = text;
    for (const [place, kind, what] of changes) {
      const at = place % (out.length + 1);
      if (kind === 'cut') out = out.slice(0, at) + out.slice(at + 1 + what.length);
      else if (kind === 'put') out = out.slice(0, at) + what + out.slice(at);
      else out = out.slice(0, at) + out.slice(Math.max(0, at - 20));
    }
    return Buffer.from(out, 'utf8');
  });

describe('parser', () => {
  it('never throws, and what it accepts survives being written and read', () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        const first = parseSip(bytes);
        if (!first.ok) {
          // Whatever is to be answered can be answered.
          if (first.status !== 0) expect(first.request?.headers.get('via')).toBeDefined();
          if (first.request) serialise(createResponse(first.request, 400, 'x', 'tag'));
          return;
        }
        const second = parseSip(serialise(first.message));
        expect(second.ok ? '' : second.why).toBe('');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws on noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseSip(Buffer.from(bytes))));
  });

  it('reads hostile repetition in reasonable time', () => {
    const long = `${requestText().slice(0, -4)}\r\nVia: SIP/2.0/UDP a${';p'.repeat(20_000)}\r\nContact: ${'<sip:a@b>,'.repeat(5_000)}<sip:a@b>\r\nX: ${' '.repeat(50_000)}\r\n\r\n`;
    expect(parseSip(Buffer.from(long)).ok).toBe(true);
    const quotes = requestText({ headers: `Contact: ${'"\\'.repeat(20_000)}\r\n` });
    expect(parseSip(Buffer.from(quotes)).ok).toBe(false);
    const blanks = requestText({ headers: `Contact: <sip:a@b>${' ;'.repeat(20_000)}${' '.repeat(20_000)}x\r\n` });
    expect(parseSip(Buffer.from(blanks)).ok).toBe(false);
  });
});

describe('header values', () => {
  it('splits lists outside of quotes and angle brackets only', () => {
    expect(splitList('"a,b" <sip:x,y@z>;p="q,r", <sip:c>')).toEqual(['"a,b" <sip:x,y@z>;p="q,r"', '<sip:c>']);
    expect(splitList('"a\\",b" <sip:x>')).toHaveLength(1);
    expect(splitList('a,,b')).toEqual(['a', '', 'b']);
  });

  it('joins list elements over several lines', () => {
    const message = parseSip(
      Buffer.from(requestText({ headers: 'Route: <sip:a;lr>, <sip:b;lr>\r\nRoute: <sip:c;lr>\r\n' })),
    );
    expect(message.ok && listOf(message.message.headers, 'route')).toEqual(['<sip:a;lr>', '<sip:b;lr>', '<sip:c;lr>']);
  });

  it('tells the parameters of a URI from those of the header', () => {
    expect(parseNameAddr('sip:a@b;tag=1')).toMatchObject({ uri: 'sip:a@b', params: new Map([['tag', '1']]) });
    expect(parseNameAddr('"A" <sip:a@b;x=1>;tag=2')).toMatchObject({
      display: '"A"',
      uri: 'sip:a@b;x=1',
      params: new Map([['tag', '2']]),
    });
  });

  it.each(['', '<>', '<sip:>x', 'A, B <sip:a@b>', '"A <sip:a@b>', '<sip:a@b', 'sip:a@b?x=y', '<sip:a@b>;;'])(
    'takes %j for no address',
    (value) => expect(parseNameAddr(value)).toBeUndefined(),
  );

  it('reads parameters to the end or not at all', () => {
    expect(parseParams(' ; A = "x;y" ;b')).toEqual(
      new Map([
        ['a', '"x;y"'],
        ['b', undefined],
      ]),
    );
    expect(parseParams(';a=b c')).toBeUndefined();
  });

  it.each([['SIP/2.0/UDP host:70000;branch=x'], ['SIP/2.0/UDP'], ['SIP/3.0/UDP host'], ['SIP/2.0/UDP ho st']])(
    'takes %j for no Via',
    (value) => expect(parseVia(value)).toBeUndefined(),
  );

  it('reads a Via with IPv6 and port', () => {
    expect(parseVia('SIP / 2.0/tcp [::1]:5070 ;branch = z')).toMatchObject({
      transport: 'TCP',
      host: '[::1]',
      port: 5070,
    });
  });

  it('bounds CSeq at 2^31', () => {
    expect(parseCSeq('2147483647 INVITE')?.seq).toBe(2147483647);
    expect(parseCSeq('2147483648 INVITE')).toBeUndefined();
    expect(parseCSeq('1INVITE')).toBeUndefined();
  });

  it.each([
    ['sip:a@b', { scheme: 'sip', user: 'a', host: 'b', port: undefined }],
    ['SIPS:b:5061', { scheme: 'sips', user: undefined, host: 'b', port: 5061 }],
    ['sip:a;x=1@[2001:db8::1]:5070;transport=tcp', { user: 'a;x=1', host: '2001:db8::1', port: 5070 }],
    ['sip:a@b?x=y', { headers: 'x=y' }],
  ])('reads %j', (text, expected) => expect(parseSipUri(text)).toMatchObject(expected));

  it.each(['tel:1', 'sip:', 'sip:a@', 'sip:a@b:99999', 'sip:a@[zz]', 'sip:a b@c'])('refuses %j', (text) =>
    expect(parseSipUri(text)).toBeUndefined(),
  );

  it('writes names as SIP spells them', () => {
    expect(['i', 'cseq', 'www-authenticate', 'x-AbC', 'call-info', 'm'].map(headerName)).toEqual([
      'Call-ID',
      'CSeq',
      'WWW-Authenticate',
      'x-AbC',
      'Call-Info',
      'Contact',
    ]);
  });
});
