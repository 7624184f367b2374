/** Commands in messages: what is understood, what is answered with a line of help, and what is never answered. */
import { describe, expect, it } from 'vitest';
import { type Heard, hear } from '../../../src/muc-bridge/chat-command.ts';
import type { CommandFacts } from '../../../src/muc-bridge/command.ts';
import { reopenCommand } from '../../../src/muc-bridge/reopen-command.ts';
import { alice, bob, desk, destroyedBy, roomsWith } from './command-stage.ts';
import { elementOf } from './stanza-text.ts';

const facts = roomsWith({
  tea: destroyedBy(alice, bob),
  milk: destroyedBy(alice),
  open: { ...destroyedBy(alice), state: 'open' },
  kept: { closedBy: 'operator', owners: [alice] },
  old: {},
  unknown: null,
});

const heardIn = (stanza: string, known: CommandFacts = facts): Heard | null =>
  hear(elementOf(stanza), 'bridge.example', [reopenCommand], known);

const says = (body: string, from = alice, known = facts): Heard | null =>
  heardIn(`<message type="chat" from="${from}/phone" to="${desk}"><body>${body}</body></message>`, known);

const reopens = (link: string, by = alice) => ({
  decision: 'ask',
  ask: { to: 'room', act: 'reopen', link, by, reason: null },
  done: `${link}@rooms.example is open again.`,
});

describe('a message', () => {
  it.each(['!reopen tea@rooms.example', '  !Reopen   TEA@rooms.example \n'])(
    'reopens the room it names: %s',
    (body) => {
      expect(says(body)).toEqual(reopens('tea'));
    },
  );

  it('need not name the only one', () => {
    expect(says('!reopen', bob)).toEqual(reopens('tea', bob));
  });

  it('must name one of several', () => {
    expect(says('!reopen')).toEqual({
      decision: 'refuse',
      text: 'Which room? tea@rooms.example, milk@rooms.example',
    });
  });

  it('of who owned none is refused', () => {
    expect(says('!reopen', 'zoe@example.org')).toMatchObject({
      decision: 'refuse',
      text: expect.stringMatching(/no room of yours/),
    });
  });

  it.each(['open', 'kept', 'old', 'unknown', 'missing'])("does not reopen what is not the sender's to: %s", (id) => {
    expect(says(`!reopen ${id}@rooms.example`)).toMatchObject({
      decision: 'refuse',
      text: expect.stringMatching(/not closed, or/),
    });
  });

  it('does not reopen a room of somebody else, or what is no room', () => {
    expect(says('!reopen milk@rooms.example', bob)).toMatchObject({ decision: 'refuse' });
    expect(says('!reopen @', bob)).toMatchObject({ decision: 'refuse' });
    expect(says('!reopen sub.alice@example.org')).toMatchObject({ decision: 'refuse' });
  });

  it.each(['Hello!', '!', '!open tea@rooms.example', 'reopen tea@rooms.example', '!reopen tea@rooms.example now'])(
    'of other words is told what is understood: %s',
    (body) => {
      expect(says(body)).toMatchObject({ decision: 'help', text: expect.stringMatching(/!reopen <room>/) });
    },
  );

  it('of no type, or of one that is not known, is an ordinary message', () => {
    for (const type of ['', 'type="normal"', 'type="else"']) {
      const stanza = `<message ${type} from="${alice}/phone" to="${desk}"><body>!reopen tea@rooms.example</body></message>`;
      expect(heardIn(stanza)).toEqual(reopens('tea'));
    }
  });

  const body = '<body>!reopen tea@rooms.example</body>';
  it.each([
    ['an error', `<message type="error" from="${alice}/phone">${body}</message>`],
    ['of a room to all', `<message type="groupchat" from="${alice}/phone">${body}</message>`],
    ['a headline', `<message type="headline" from="${alice}/phone">${body}</message>`],
    [
      'delayed',
      `<message from="${alice}/phone">${body}<delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/></message>`,
    ],
    ['delayed in the old way', `<message from="${alice}/phone">${body}<x xmlns="jabber:x:delay"/></message>`],
    [
      'passed on by a room',
      `<message from="x@rooms.example/alice">${body}<x xmlns="http://jabber.org/protocol/muc#user"/></message>`,
    ],
    ['our own', `<message from="${desk}/focus">${body}</message>`],
    ['of a server', `<message from="example.org">${body}</message>`],
    ['of nobody', `<message>${body}</message>`],
    ['of no JID', `<message from="@">${body}</message>`],
    [
      'without a body',
      `<message type="chat" from="${alice}/phone"><active xmlns="http://jabber.org/protocol/chatstates"/></message>`,
    ],
    ['without words', `<message type="chat" from="${alice}/phone"><body> \n </body></message>`],
    ['a presence', `<presence from="${alice}/phone">${body}</presence>`],
  ])('that is %s is not answered', (_, stanza) => {
    expect(heardIn(stanza)).toBeNull();
  });
});
