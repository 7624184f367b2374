import { describe, expect, it } from 'vitest';
import { element, withinLimits, type XmlElement } from '../../../src/muc-bridge/element.ts';

const nested = (depth: number): XmlElement => {
  let node = element('a');
  for (let level = 1; level < depth; level += 1) node = element('a', {}, node);
  return node;
};

describe('withinLimits', () => {
  const limits = { characters: 100, depth: 64 };

  it('takes what is within', () => {
    expect(withinLimits(nested(64), limits)).toBe(true);
    expect(withinLimits(element('a', { b: 'c' }, 'x'.repeat(97)), limits)).toBe(true);
  });

  it('refuses what is too deep, without using the stack', () => {
    expect(withinLimits(nested(65), limits)).toBe(false);
    expect(withinLimits(nested(200_000), limits)).toBe(false);
  });

  it('counts names, attributes and text', () => {
    expect(withinLimits(element('a', { b: 'c' }, 'x'.repeat(98)), limits)).toBe(false);
    expect(withinLimits(element('a', { b: 'x'.repeat(99) }), limits)).toBe(false);
    expect(withinLimits(element('a'.repeat(101)), limits)).toBe(false);
  });
});
