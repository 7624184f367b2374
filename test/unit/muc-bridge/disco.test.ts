/** XEP-0030: what the component tells of itself, of its focus and of the commands that the focus takes. */
import { describe, expect, it } from 'vitest';
import { commandsNode } from '../../../src/muc-bridge/ad-hoc.ts';
import { type DiscoFacts, replyTo } from '../../../src/muc-bridge/disco.ts';
import { childOf, childrenOf, type XmlElement } from '../../../src/muc-bridge/element.ts';
import { reopenCommand } from '../../../src/muc-bridge/reopen-command.ts';
import { alice, bob, desk, errorIn } from './command-stage.ts';
import { elementOf } from './stanza-text.ts';

const info = 'http://jabber.org/protocol/disco#info';
const items = 'http://jabber.org/protocol/disco#items';

const facts: DiscoFacts = {
  focus: desk,
  clarkNamespace: null,
  conferenceOf: (room) => (room === 'tea@rooms.example' ? 'sip:tea@conf.example' : null),
  desk: {
    commands: [reopenCommand],
    isAt: (to) => to === desk || to === 'bridge.example',
    offeredTo: (asker) => (asker === alice ? [reopenCommand] : []),
  },
};

function reply(xmlns: string, node: string | null, { to = desk, from = alice, known = facts, type = 'get' } = {}) {
  const attribute = node === null ? '' : `node="${node}"`;
  const iq = elementOf(
    `<iq type="${type}" id="i1" from="${from}/desk" to="${to}"><query xmlns="${xmlns}" ${attribute}/></iq>`,
  );
  const answer = replyTo(iq, known);
  expect(answer.attrs).toMatchObject({ id: 'i1', from: to, to: `${from}/desk` });
  return answer;
}

const query = (answer: XmlElement): XmlElement => {
  expect(answer.attrs.type).toBe('result');
  return childOf(answer, 'query')!;
};
const attributes = (parent: XmlElement, name: string) => childrenOf(parent, name).map(({ attrs }) => attrs);
const featuresOf = (answer: XmlElement) => attributes(query(answer), 'feature').map((feature) => feature.var);

describe('disco#info', () => {
  it.each([
    ['the focus', desk, { category: 'client', type: 'bot' }],
    ['the component', 'bridge.example', { category: 'component', type: 'generic' }],
  ])('of %s announces commands', (_, to, identity) => {
    const answer = reply(info, null, { to });
    expect(attributes(query(answer), 'identity')).toEqual([expect.objectContaining(identity)]);
    expect(featuresOf(answer)).toEqual([info, items, 'urn:xmpp:ping', commandsNode]);
  });

  it('of other addresses, or where no commands are taken, does not', () => {
    expect(featuresOf(reply(info, null, { to: 'else@bridge.example' }))).not.toContain(commandsNode);
    expect(featuresOf(reply(info, null, { known: { ...facts, desk: null } }))).not.toContain(commandsNode);
  });

  it('of the focus, asked through a room of ours, advertises the conference', () => {
    const form = childOf(query(reply(info, null, { from: 'tea@rooms.example' })), 'x', 'jabber:x:data');
    expect(JSON.stringify(form)).toContain('sip:tea@conf.example');
    expect(childOf(query(reply(info, null)), 'x')).toBeNull();
  });

  it('of a command names it', () => {
    const answer = reply(info, 'reopen');
    expect(query(answer).attrs).toEqual({ xmlns: info, node: 'reopen' });
    expect(attributes(query(answer), 'identity')).toEqual([
      { category: 'automation', type: 'command-node', name: reopenCommand.name },
    ]);
    expect(featuresOf(answer)).toEqual([commandsNode, 'jabber:x:data']);
  });

  it('of the list of commands says that it is one', () => {
    const answer = reply(info, commandsNode);
    expect(attributes(query(answer), 'identity')).toEqual([
      expect.objectContaining({ category: 'automation', type: 'command-list' }),
    ]);
  });
});

describe('disco#items', () => {
  it('lists the commands for who may give them', () => {
    const listed = query(reply(items, commandsNode));
    expect(listed.attrs.node).toBe(commandsNode);
    expect(attributes(listed, 'item')).toEqual([{ jid: desk, node: 'reopen', name: reopenCommand.name }]);
    expect(query(reply(items, commandsNode, { from: bob })).children).toEqual([]);
  });

  it('of one command, or without a node, are none', () => {
    expect(query(reply(items, 'reopen')).children).toEqual([]);
    expect(query(reply(items, null)).children).toEqual([]);
  });
});

it.each([info, items])('a node that is not there is not found (%s)', (xmlns) => {
  const missing = { type: 'cancel', conditions: ['item-not-found'] };
  expect(errorIn(reply(xmlns, 'else'))).toMatchObject(missing);
  expect(errorIn(reply(xmlns, 'reopen', { to: 'else@bridge.example' }))).toMatchObject(missing);
  expect(errorIn(reply(xmlns, commandsNode, { known: { ...facts, desk: null } }))).toMatchObject(missing);
});

it('answers a ping, and says of the rest that it is not to be had', () => {
  expect(reply('urn:xmpp:ping', null).children).toEqual([]);
  const unknown = { type: 'cancel', conditions: ['service-unavailable'] };
  expect(errorIn(reply('urn:else', null))).toMatchObject(unknown);
  expect(errorIn(reply(info, null, { type: 'set' }))).toMatchObject(unknown);
  expect(errorIn(replyTo(elementOf(`<iq type="get" from="${alice}" to="${desk}"/>`), facts))).toMatchObject(unknown);
});
