import { describe, expect, it } from 'vitest';
import { canonicalAor } from '../../../src/identity/aor.ts';
import { callerIdentity, type IdentityClaims, needsChallenge } from '../../../src/sip-focus/caller-identity.ts';

const settings = {
  authentication: 'offer' as const,
  accountDomains: ['example.com'],
  trustedPeers: [{ address: '192.0.2.1' }, { address: '2001:db8::1', port: 5060 }],
};
const claims = (changes: Partial<IdentityClaims> = {}): IdentityClaims => ({
  from: '"Alice \\"A\\"" <sip:alice@example.com>;tag=1',
  assertedIdentity: null,
  privacy: null,
  source: { address: '198.51.100.7', port: 4000 },
  ...changes,
});
const trusted = { source: { address: '192.0.2.1', port: 1 } };

describe('who is calling', () => {
  it('is challenged when they claim an account of ours', () => {
    expect(needsChallenge(claims(), settings)).toBe(true);
    expect(needsChallenge(claims({ from: '<sip:alice@elsewhere.example>' }), settings)).toBe(false);
    expect(needsChallenge(claims({ from: '<sip:alice@EXAMPLE.com:5070>' }), settings)).toBe(true);
    expect(needsChallenge(claims(trusted), settings)).toBe(false);
    expect(needsChallenge(claims({ from: null }), { ...settings, authentication: 'require' })).toBe(true);
  });

  it('is what digest proved, with the name they gave', () => {
    const aor = canonicalAor('sip:alice@example.com');
    expect(callerIdentity(claims(), settings, aor)).toEqual({
      aor,
      proof: 'digest',
      label: 'Alice "A"',
      withheld: false,
    });
  });

  it('is nobody without proof, whatever they assert', () => {
    const asserted = claims({ assertedIdentity: '<sip:boss@example.com>' });
    expect(callerIdentity(asserted, settings, null)).toMatchObject({ aor: null, proof: null });
  });

  it.each([
    [
      'the asserted identity',
      { assertedIdentity: '"x, y" <tel:+1-555-0100>, <sip:bob@example.com>' },
      'sip:bob@example.com',
    ],
    ['a telephone number', { assertedIdentity: '<tel:+1-555-0100>' }, 'tel:+15550100'],
    ['From, without one', {}, 'sip:alice@example.com'],
    [
      'the asserted identity of somebody anonymous',
      { from: '"Anonymous" <sip:anonymous@anonymous.invalid>', assertedIdentity: '<sip:bob@example.com>' },
      'sip:bob@example.com',
    ],
    ['nobody, under the entity of somebody nameless', { from: '<sip:0a1b@number.invalid:5060>' }, null],
    ['nor when it is asserted', { from: null, assertedIdentity: '<sip:0a1b@anonymous.INVALID>' }, null],
    ['nobody, anonymous and not asserted', { from: '<sip:anonymous@anonymous.invalid>' }, null],
  ])('is %s, when a trusted peer says so', (_what, changes, aor) => {
    expect(callerIdentity(claims({ ...trusted, ...changes }), settings, null)).toMatchObject({
      aor,
      proof: 'trusted-peer',
    });
  });

  it('trusts a peer with a port only from that port', () => {
    const from = (port: number) => claims({ source: { address: '[2001:DB8::1]', port } });
    expect(callerIdentity(from(5060), settings, null).proof).toBe('trusted-peer');
    expect(callerIdentity(from(5061), settings, null).proof).toBeNull();
  });

  it.each([
    [{ privacy: 'id' }],
    [{ privacy: 'critical;id' }],
    [{ from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1' }],
    [{ from: '<sip:x@host.anonymous.invalid;user=phone>' }],
  ])('is withheld when they ask for it: %o', (changes) => {
    expect(callerIdentity(claims(changes), settings, null)).toMatchObject({ label: null, withheld: true });
  });

  it('has a readable label: one line, no control characters, not endless', () => {
    const label = (from: string) => callerIdentity(claims({ from }), settings, null).label;
    expect(label('"a\u0007\u202eb   c" <sip:x@y.example>')).toBe('a b c');
    expect(label(`"${'x'.repeat(500)}" <sip:x@y.example>`)).toHaveLength(64);
    expect(label(`"${'x'.repeat(63)}🎉🎉" <sip:x@y.example>`)).toBe(`${'x'.repeat(63)}🎉`);
    expect(label('<sip:J%C3%BCrgen@y.example>')).toBe('Jürgen');
    expect(label('<sip:bad%ZZ@y.example>')).toBe('bad%ZZ');
    expect(label('<tel:+15550100>')).toBeNull();
  });
});
