import { describe, expect, it } from 'vitest';
import { Nonces } from '../../../src/sip-focus/nonces.ts';

const settings = { lifeMs: 1000, remembered: 3 };

describe('nonces', () => {
  it('are good once per count, in any order within the window', () => {
    const nonces = new Nonces(settings);
    const nonce = nonces.issue(5000);
    expect([1, 3, 2, 3, 1].map((count) => nonces.use(nonce, count, 5001))).toEqual([
      'fresh',
      'fresh',
      'fresh',
      'replayed',
      'replayed',
    ]);
    expect(nonces.use(nonce, 200, 5002)).toBe('fresh');
    expect(nonces.use(nonce, 100, 5002)).toBe('replayed');
    expect(nonces.use(nonce, 199, 5002)).toBe('fresh');
  });

  it('end with their life', () => {
    const nonces = new Nonces(settings);
    const nonce = nonces.issue(5000);
    expect(nonces.use(nonce, 1, 6000)).toBe('fresh');
    expect(nonces.use(nonce, 2, 6001)).toBe('stale');
  });

  it('cannot be made, changed or written otherwise by others', () => {
    const nonces = new Nonces(settings);
    const nonce = nonces.issue(5000);
    expect(nonces.check(new Nonces(settings).issue(5000), 5000)).toBe('foreign');
    for (let index = 0; index < nonce.length; index += 1) {
      const other = nonce[index] === 'A' ? 'B' : 'A';
      expect(nonces.check(nonce.slice(0, index) + other + nonce.slice(index + 1), 5000)).toBe('foreign');
    }
    expect(nonces.check(`${nonce}=`, 5000)).toBe('foreign');
    expect(nonces.check('', 5000)).toBe('foreign');
  });

  it('remember few uses, and never take a forgotten one for new', () => {
    const nonces = new Nonces(settings);
    const first = nonces.issue(5000);
    expect(nonces.use(first, 1, 5000)).toBe('fresh');
    for (let count = 0; count < 5; count += 1) nonces.use(nonces.issue(5001 + count), 1, 5010);
    expect(nonces.size).toBe(3);
    expect(nonces.use(first, 1, 5010)).toBe('stale');
    expect(nonces.use(nonces.issue(5011), 1, 5012)).toBe('fresh');
  });
});
