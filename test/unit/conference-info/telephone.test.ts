/** RFC 3966, RFC 3261 19.1.6: what is taken for a telephone number, so that not everybody is shown it. */
import { expect, it } from 'vitest';
import { isTelephone, tellsNumber } from '../../../src/conference-info/telephone.ts';

it.each([
  ['tel:+493012345', true],
  ['sip:+493012345@gw.example', true],
  ['sip:%2B49%203012345@gw.example', true],
  ['sip:+493012345;npdi;phone-context=x@gw.example', true],
  ['sip:+49-30-12345:secret@gw.example', true],
  ['sip:amy@gw.example;user=phone', true],
  ['sip:192.0.2.1:5070', false],
  ['sip:amy2025@192.0.2.1', false],
  ['sip:12345x@192.0.2.1', false],
])('%s stands for a number: %s', (uri, is) => {
  expect(isTelephone(uri)).toBe(is);
});

it.each([
  ['Amy 030–12–34–56', true],
  ['０３０１２３４５６７', true],
  ['Amy ٠٣٠١٢٣٤٥٦٧', true],
  ['030_123_4567 (Amy)', true],
  ['030 · 123', true],
  ['Amy 2025', false],
  ['Room 12, floor 3', false],
])('the name %s tells one: %s', (name, tells) => {
  expect(tellsNumber(name, false)).toBe(tells);
});
