/** XEP-0045 vectors: stanzas as Prosody and ejabberd write them, hostile ones, and what each says. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { affiliations, roles } from '../../../src/conference-info/occupant.ts';
import { element } from '../../../src/muc-bridge/element.ts';
import { readRoomStanza } from '../../../src/muc-bridge/presence.ts';
import { elementOf } from './stanza-text.ts';

const directory = fileURLToPath(new URL('../../vectors/xep-0045/', import.meta.url));
const names = readdirSync(directory)
  .filter((file) => file.endsWith('.xml'))
  .map((file) => file.slice(0, -4));

describe('readRoomStanza', () => {
  it('has vectors', () => {
    expect(names.length).toBeGreaterThan(30);
  });

  it.each(names)('reads %s', (name) => {
    const stanza = elementOf(readFileSync(`${directory}${name}.xml`, 'utf8'));
    const expected: unknown = JSON.parse(readFileSync(`${directory}${name}.json`, 'utf8'));
    expect(readRoomStanza(stanza, 'call')).toEqual(expected);
  });

  it('never throws, and never says more than the standard has', () => {
    const word = fc.oneof(
      fc.constantFrom(...roles, ...affiliations, '110', '301', '307', '', 'a@b', 'a@b/c'),
      fc.string(),
    );
    const leaf = fc
      .tuple(
        fc.constantFrom('item', 'status', 'destroy', 'actor', 'reason'),
        fc.dictionary(fc.constantFrom('jid', 'nick', 'role', 'affiliation', 'code'), word),
        word,
      )
      .map(([name, attrs, text]) => element(name, attrs, text));
    const x = fc
      .array(leaf)
      .map((children) => element('x', { xmlns: 'http://jabber.org/protocol/muc#user' }, ...children));
    const stanza = fc
      .tuple(
        fc.constantFrom('presence', 'message', 'iq'),
        fc.dictionary(fc.constantFrom('from', 'type'), word),
        fc.array(x, { maxLength: 2 }),
      )
      .map(([name, attrs, children]) => element(name, attrs, ...children));
    fc.assert(
      fc.property(stanza, (given) => {
        for (const event of readRoomStanza(given, 'call')) {
          if ('role' in event) expect(roles).toContain(event.role);
          if ('affiliation' in event) expect(affiliations).toContain(event.affiliation);
        }
      }),
    );
  });
});
