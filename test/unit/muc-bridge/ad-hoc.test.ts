/** XEP-0050: each way in which a command can be begun, filled in, cancelled or got wrong. */
import { describe, expect, it } from 'vitest';
import { type CommandReply, commandReply, commandsNode } from '../../../src/muc-bridge/ad-hoc.ts';
import type { CommandFacts } from '../../../src/muc-bridge/command.ts';
import { childOf, childrenOf, childText, textOf, type XmlElement } from '../../../src/muc-bridge/element.ts';
import { reopenCommand } from '../../../src/muc-bridge/reopen-command.ts';
import { alice, bob, desk, destroyedBy, errorIn, roomsWith } from './command-stage.ts';
import { elementOf } from './stanza-text.ts';

const id = '6c6f4a8e-0000-4000-8000-000000000001';
const session = `reopen:${id}`;
const facts = roomsWith({ tea: destroyedBy(alice), milk: destroyedBy(alice, bob), open: { state: 'open' } });

interface Wishes {
  readonly from?: string;
  readonly type?: string;
  readonly payload?: string;
  readonly facts?: CommandFacts;
}

function give(attributes: string, { from = alice, type = 'set', payload = '', facts: known = facts }: Wishes = {}) {
  const command = `<command xmlns="${commandsNode}" ${attributes}>${payload}</command>`;
  const iq = elementOf(`<iq type="${type}" id="i1" from="${from}/desk" to="${desk}">${command}</iq>`);
  return commandReply(iq, from, [reopenCommand], known, () => id);
}

function now(reply: CommandReply | null): XmlElement {
  if (reply?.reply !== 'now') throw new Error('no reply at once');
  expect(reply.iq.attrs).toMatchObject({ id: 'i1', from: desk });
  return reply.iq;
}

const stage = (reply: CommandReply | null): XmlElement => {
  const iq = now(reply);
  expect(iq.attrs.type).toBe('result');
  return childOf(iq, 'command', commandsNode)!;
};

const form = (room: string, type = 'submit'): string =>
  `<x xmlns="jabber:x:data" type="${type}"><field var="room">${room}</field></x>`;
const value = (room: string): string => `<value>${room}</value>`;
const complete = `node="reopen" action="complete" sessionid="${session}"`;

describe('a command that is begun', () => {
  it('asks which of the rooms that the asker owned', () => {
    const command = stage(give('node="reopen"'));
    expect(command.attrs).toMatchObject({ node: 'reopen', status: 'executing', sessionid: session });
    const actions = childOf(command, 'actions')!;
    expect([actions.attrs.execute, childrenOf(actions).map(({ name }) => name)]).toEqual(['complete', ['complete']]);
    const x = childOf(command, 'x', 'jabber:x:data')!;
    expect(x.attrs.type).toBe('form');
    expect([childText(x, 'title'), childText(x, 'instructions')]).toEqual([
      reopenCommand.name,
      reopenCommand.instructions,
    ]);
    const field = childOf(x, 'field')!;
    expect(field.attrs).toMatchObject({ var: 'room', type: 'list-single' });
    expect(childrenOf(field).map(({ name }) => name)).toEqual(['required', 'option', 'option']);
    expect(childrenOf(field, 'option').map((option) => [option.attrs.label, childText(option, 'value')])).toEqual([
      ['The tea round (tea@rooms.example)', 'tea@rooms.example'],
      ['The milk round (milk@rooms.example)', 'milk@rooms.example'],
    ]);
  });

  it('has the only choice made already', () => {
    const field = childOf(childOf(stage(give('node="reopen" action="execute"', { from: bob })), 'x'), 'field')!;
    expect(childrenOf(field).map(({ name }) => name)).toEqual(['required', 'value', 'option']);
    expect(childText(field, 'value')).toBe('milk@rooms.example');
  });

  it('is forbidden to who owned none of the closed rooms, and says why', () => {
    const iq = now(give('node="reopen"', { from: 'zoe@example.org' }));
    expect([iq.attrs.type, iq.attrs.to]).toEqual(['error', 'zoe@example.org/desk']);
    expect(errorIn(iq)).toEqual({
      type: 'auth',
      conditions: ['forbidden'],
      text: expect.stringMatching(/no room of yours/),
    });
  });

  it('must exist', () => {
    for (const node of ['node="else"', '']) {
      expect(errorIn(now(give(node)))).toMatchObject({ type: 'cancel', conditions: ['item-not-found'] });
    }
  });

  it('comes in an IQ of type set', () => {
    expect(give('node="reopen"', { type: 'get' })).toBeNull();
    const other = elementOf(`<iq type="set" from="${alice}" to="${desk}"><query xmlns="urn:x"/></iq>`);
    expect(commandReply(other, alice, [reopenCommand], facts, () => id)).toBeNull();
  });
});

describe('a form that comes back', () => {
  const asked = (reply: CommandReply | null) => {
    if (reply?.reply !== 'after') throw new Error(`no ask, but ${JSON.stringify(reply)}`);
    return reply;
  };

  it.each([complete, `node="reopen" sessionid="${session}"`, `node="reopen" action="execute" sessionid="${session}"`])(
    'becomes an ask (%s)',
    (attributes) => {
      const { ask } = asked(give(attributes, { payload: form(value('tea@rooms.example')) }));
      expect(ask).toEqual({ to: 'room', act: 'reopen', link: 'tea', by: alice, reason: null });
    },
  );

  it('says when it is done, with what must be known besides', () => {
    const { iq } = asked(give(complete, { payload: form(value('tea@rooms.example')) }));
    const command = childOf(iq({ ok: true, notes: ['Mind the milk.'] }), 'command', commandsNode)!;
    expect(command.attrs).toMatchObject({ status: 'completed', sessionid: session, node: 'reopen' });
    expect(childrenOf(command).map((note) => [note.name, note.attrs.type, textOf(note)])).toEqual([
      ['note', 'info', 'tea@rooms.example is open again.'],
      ['note', 'info', 'Mind the milk.'],
    ]);
  });

  it('says when it could not be done', () => {
    const { iq } = asked(give(complete, { payload: form(value('tea@rooms.example')) }));
    const answer = iq({ ok: false, condition: 'remote-server-timeout', text: 'The room is silent.' });
    const [note] = childrenOf(childOf(answer, 'command', commandsNode)!);
    expect([answer.attrs.type, note?.attrs.type, textOf(note!)]).toEqual(['result', 'error', 'The room is silent.']);
  });

  it.each([
    ['of another owner', bob, facts],
    ['open by now', alice, roomsWith({ tea: { ...destroyedBy(alice), state: 'open' } })],
    ['closed by an operator by now', alice, roomsWith({ tea: { closedBy: 'operator', owners: [alice] } })],
  ])('is forbidden for a room %s', (_, from, known) => {
    const iq = now(give(complete, { payload: form(value('tea@rooms.example')), from, facts: known }));
    expect(errorIn(iq)).toMatchObject({ type: 'auth', conditions: ['forbidden'] });
  });

  it.each([
    ['', 'no form'],
    [form(value('tea@rooms.example'), 'form'), 'no submitted form'],
    [form(value('tea@rooms.example'), 'cancel'), 'a form that was given up'],
    [form(''), 'no value'],
    [form(value('')), 'an empty value'],
    [form(value('tea@rooms.example') + value('milk@rooms.example')), 'two values'],
    ['<x xmlns="jabber:x:data" type="submit"/>', 'no field'],
    [
      `<x xmlns="jabber:x:other" type="submit"><field var="room">${value('tea@rooms.example')}</field></x>`,
      'another x',
    ],
  ])('must be filled in: %s (%s)', (payload) => {
    expect(errorIn(now(give(complete, { payload })))).toMatchObject({
      type: 'modify',
      conditions: ['bad-request', 'bad-payload'],
    });
  });
});

describe('a session', () => {
  const bad = (attributes: string) => {
    const { type, conditions } = errorIn(now(give(attributes, { payload: form(value('tea@rooms.example')) })));
    expect([type, conditions[0], conditions.length]).toEqual(['modify', 'bad-request', 2]);
    return conditions[1];
  };

  it('can be given up', () => {
    const command = stage(give(`node="reopen" action="cancel" sessionid="${session}"`));
    expect(command.attrs).toMatchObject({ status: 'canceled', sessionid: session });
    expect(command.children).toEqual([]);
  });

  it.each(['complete', 'cancel', 'next', 'prev'])('is needed to %s', (action) => {
    expect(bad(`node="reopen" action="${action}"`)).toBe('bad-sessionid');
  });

  it.each(['', 'x', 'reopen', 'reopen:', 'reopen:x', `other:${id}`, `${session}:x`, id])(
    'is one that this command has given: not "%s"',
    (given) => {
      expect(bad(`node="reopen" action="complete" sessionid="${given}"`)).toBe('bad-sessionid');
    },
  );

  it.each(['next', 'prev'])('has one form: there is no %s', (action) => {
    expect(bad(`node="reopen" action="${action}" sessionid="${session}"`)).toBe('bad-action');
  });

  it('knows the actions of the protocol only', () => {
    expect(bad(`node="reopen" action="explode" sessionid="${session}"`)).toBe('malformed-action');
    expect(bad('node="reopen" action=""')).toBe('malformed-action');
  });
});
