import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { challenges, digestHash, parseAuthorization, verifyResponse } from '../../../src/sip-focus/digest.ts';

/** Computed with another implementation for grace / "hopper 1952" / conf.example, INVITE sip:tea@conf.example, count 42. */
const known = {
  MD5: {
    ha1: '012c3cb600e63e56f6136e4b676d2edd',
    response: 'd79a8e3a364c2f242de22357cdf2db69',
  },
  'SHA-256': {
    ha1: 'f792349f02206baaec272e9067864f09085cefe4f3b22a29491b18166d422b7e',
    response: 'd5f0a830b81e4cfccbb2d7449ab043ed5955ff8b41a24eea18552afb1518e7da',
  },
} as const;

const header = (changes: Record<string, string | null> = {}): string => {
  const parts: Record<string, string | null> = {
    username: '"grace"',
    realm: '"conf.example"',
    nonce: '"n0nce"',
    uri: '"sip:tea@conf.example"',
    response: `"${known.MD5.response}"`,
    cnonce: '"c1"',
    nc: '0000002a',
    qop: 'auth',
    ...changes,
  };
  const written = Object.entries(parts).filter(([, value]) => value !== null);
  return `Digest ${written.map(([name, value]) => `${name}=${value}`).join(', ')}`;
};

describe('digest', () => {
  it.each(['MD5', 'SHA-256'] as const)('takes a right answer with %s and no other', (algorithm) => {
    const { ha1, response } = known[algorithm];
    expect(digestHash(algorithm, 'grace:conf.example:hopper 1952')).toBe(ha1);
    const answer = parseAuthorization(header({ algorithm, response: `"${response}"` }), 'conf.example');
    if (!answer) throw new Error('not read');
    expect(verifyResponse(answer, 'INVITE', ha1)).toBe(true);
    expect(verifyResponse(answer, 'SUBSCRIBE', ha1)).toBe(false);
    for (const changes of [{ nonce: 'other' }, { nc: '0000002b' }, { cnonce: 'c2' }, { uri: 'sip:x@y.example' }]) {
      expect(verifyResponse({ ...answer, ...changes }, 'INVITE', ha1)).toBe(false);
    }
    expect(verifyResponse(answer, 'INVITE', digestHash(algorithm, 'grace:conf.example:wrong'))).toBe(false);
  });

  it('offers the strongest algorithm first, with one challenge each', () => {
    const [first, second, ...more] = challenges('a "realm"', 'n', 'o', true);
    expect(first).toBe(
      'Digest realm="a \\"realm\\"", nonce="n", opaque="o", algorithm=SHA-256, qop="auth", stale=true',
    );
    expect(second).toContain('algorithm=MD5');
    expect(more).toEqual([]);
  });

  it('offers what it is told to, in that order', () => {
    const offered = (...algorithms: ('MD5' | 'SHA-256')[]) =>
      challenges('r', 'n', 'o', false, algorithms).map((each) => /algorithm=([^,]+)/.exec(each)?.[1]);
    expect(offered('MD5')).toEqual(['MD5']);
    expect(offered('MD5', 'SHA-256')).toEqual(['MD5', 'SHA-256']);
  });

  it('reads what phones write', () => {
    const read = (text: string) => parseAuthorization(text, 'conf.example');
    expect(read(header({ username: '"gr\\"a,ce"' }))?.username).toBe('gr"a,ce');
    expect(read(header({ qop: '"auth"', algorithm: 'md5', nc: '0000002A' }))).toMatchObject({
      algorithm: 'MD5',
      nc: '0000002a',
    });
    const two = `${header({ realm: '"other.example"' })}, ${header({ algorithm: 'SHA-256', response: `"${known['SHA-256'].response}"` })}`;
    expect(read(two)).toMatchObject({ realm: 'conf.example', algorithm: 'SHA-256' });
    expect(read(header({ username: '"Digest x=1, Digest y"' }))?.username).toBe('Digest x=1, Digest y');
  });

  it.each([
    ['no header', null],
    ['Basic', 'Basic Z3JhY2U6eA=='],
    ['another realm', header({ realm: '"other.example"' })],
    ['no qop', header({ qop: null })],
    ['a qop that is not on offer', header({ qop: 'auth-int' })],
    ['an algorithm that is not on offer', header({ algorithm: 'MD5-sess' })],
    ['a count that is none', header({ nc: '2a' })],
    ['a response that is none', header({ response: '"xyz"' })],
    ['no client nonce', header({ cnonce: null })],
    ['a parameter twice', `${header()}, username="mallory"`],
    ['an open quote', header({ uri: '"sip:tea' })],
    ['an endless header', header({ opaque: `"${'x'.repeat(5000)}"` })],
  ])('has no use for %s', (_what, text) => expect(parseAuthorization(text, 'conf.example')).toBeNull());

  it('never fails on anything', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => void parseAuthorization(`Digest ${text}`, 'conf.example')),
    );
  });
});
