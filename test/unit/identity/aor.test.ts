import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAor, displayOfHeader, hostOfAor, uriOfHeader } from '../../../src/identity/aor.ts';

describe('an AOR', () => {
  it.each([
    ['sip:alice@example.com', 'sip:alice@example.com'],
    ['SIPS:alice@EXAMPLE.com;transport=tcp', 'sip:alice@example.com'],
    ['sip:%61lice@example.com', 'sip:alice@example.com'],
    ['sip:a%20b@example.com', 'sip:a%20b@example.com'],
    ['sip:J\u00fcrgen|1@example.com', 'sip:J%C3%BCrgen%7C1@example.com'],
    ['sip:J%c3%bcrgen%7c1@example.com', 'sip:J%C3%BCrgen%7C1@example.com'],
    ['sip:Alice@example.com', 'sip:Alice@example.com'],
    ['sip:alice@[2001:DB8::1]:5080', 'sip:alice@[2001:db8::1]:5080'],
    ['sip:+4930123456;npdi;rn=+4930999@carrier.example;user=phone', 'sip:+4930123456@carrier.example'],
    ['sip:%2B4930123456;npdi@carrier.example', 'sip:+4930123456@carrier.example'],
    ['tel:+49-(30)-1234;phone-context=x', 'tel:+49301234'],
  ])('%s is written %s', (written, canonical) => {
    expect(canonicalAor(written)).toBe(canonical);
  });

  it.each([
    'sip:example.com',
    'sip:@example.com',
    'sip:a:secret@example.com',
    'sip:a@example.com?Subject=x',
    'sip:a%zz@example.com',
    'sip:a@b@c',
    'sip:a@exa..mple',
    'sip:a@example.com:0',
    'sip:a@example.com:70000',
    'tel:1234',
    'sip:1234;phone-context=example.com@gw.example.com',
    'sip:alice;day=tuesday@example.com',
    'sip:+4930123456;npdi:secret@carrier.example',
    'xmpp:a@b',
    `sip:${'a'.repeat(600)}@b`,
    '',
  ])('is not %s', (text) => {
    expect(canonicalAor(text)).toBeNull();
  });

  it('is its own canonical form', () => {
    fc.assert(
      fc.property(fc.string(), fc.domain(), (user, host) => {
        const once = canonicalAor(`sip:${encodeURIComponent(user.toWellFormed?.() ?? 'x')}@${host}`);
        if (once !== null) expect(canonicalAor(once)).toBe(once);
      }),
    );
  });

  it('never throws on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => canonicalAor(text) === null || text.length > 0));
  });
});

describe('a name-addr header', () => {
  it('gives its URI and display name', () => {
    expect(uriOfHeader('"Alice \\"A\\" <x>" <sip:a@b;lr>;tag=1')).toBe('sip:a@b;lr');
    expect(displayOfHeader('"Alice \\"A\\"" <sip:a@b>;tag=1')).toBe('Alice "A"');
    expect(uriOfHeader('sip:a@b;tag=1')).toBe('sip:a@b');
    expect(displayOfHeader('sip:a@b;tag=1')).toBeNull();
    expect(displayOfHeader('Bob <sip:b@b>')).toBe('Bob');
    expect(uriOfHeader('rubbish')).toBeNull();
  });

  it('tells the host of an AOR', () => {
    const aor = canonicalAor('sip:a@[::1]:5060');
    expect(aor && hostOfAor(aor)).toBe('[::1]');
  });
});
