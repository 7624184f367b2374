import { describe, expect, it } from 'vitest';
import { bareJid, parseJid, resourceOf, xmppUri } from '../../../src/identity/jid.ts';

describe('a JID', () => {
  it('is read in parts', () => {
    expect(parseJid('Tea@Rooms.Example/Alice / X')).toEqual({
      local: 'tea',
      domain: 'rooms.example',
      resource: 'Alice / X',
    });
    expect(bareJid('rooms.example')).toBe('rooms.example');
    expect(resourceOf('tea@rooms.example/Ann')).toBe('Ann');
    expect(resourceOf('tea@rooms.example')).toBeNull();
  });

  it.each(['', '@x', 'a@', 'a@b@c', 'a@b/', 'a b@c', 'a@b c'])('is not "%s"', (text) => {
    expect(parseJid(text)).toBeNull();
  });

  it('is written as an XMPP URI', () => {
    expect(xmppUri('tea@rooms.example', '?join')).toBe('xmpp:tea@rooms.example?join');
    expect(xmppUri('t#a@rooms.example')).toBe('xmpp:t%23a@rooms.example');
  });
});
