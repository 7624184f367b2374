/** The desk: which addresses it has, that it answers the asker alone, once, and whatever goes wrong. */
import { describe, expect, it, vi } from 'vitest';
import { createLog } from '../../../src/log.ts';
import { CommandDesk } from '../../../src/muc-bridge/command-desk.ts';
import { childOf, childText, type XmlElement } from '../../../src/muc-bridge/element.ts';
import type { Room } from '../../../src/muc-bridge/room.ts';
import type { RoomService } from '../../../src/muc-bridge/room-service.ts';
import type { Rooms } from '../../../src/muc-bridge/rooms.ts';
import { alice, bob, destroyedBy, errorIn, desk as focus, roomsWith } from './command-stage.ts';
import { elementOf } from './stanza-text.ts';

/** A desk with one closed room of alice's; `reopen` is what the room does. */
function deskWith(reopen: () => Promise<boolean> = async () => true): CommandDesk {
  const [tea] = roomsWith({ tea: destroyedBy(alice) }).rooms;
  const room = { ...tea, reopen } as unknown as Room;
  const rooms = { all: () => [room], ofLink: () => room } as unknown as Rooms;
  return new CommandDesk(
    { rooms, service: {} as RoomService, log: createLog({ level: 'silent' }) },
    'Bridge.example',
    focus.replace('f', 'F'),
  );
}

const written = (body: string, { from = `${alice}/phone`, to = focus, more = '' } = {}): XmlElement =>
  elementOf(`<message type="chat" id="m1" from="${from}" to="${to}"><body>${body}</body>${more}</message>`);

const bodyOf = (answer: XmlElement | null): string | null => childText(answer, 'body');

describe('the desk', () => {
  it('is at the domain and at the focus', () => {
    const desk = deskWith();
    for (const to of ['bridge.example', focus, `${focus}/focus`, 'BRIDGE.example']) expect(desk.isAt(to)).toBe(true);
    for (const to of ['else@bridge.example', 'example.org', '@', undefined]) expect(desk.isAt(to)).toBe(false);
  });

  it('shows commands to those who may give them', () => {
    const desk = deskWith();
    expect(desk.offeredTo(alice)).toEqual(desk.commands);
    expect(desk.offeredTo(bob)).toEqual([]);
  });

  it('carries out what is written and answers its sender, in the thread', async () => {
    const reopen = vi.fn(async () => true);
    const more = '<thread>t1</thread><active xmlns="http://jabber.org/protocol/chatstates"/>';
    const answer = await deskWith(reopen).answer(written('!reopen', { more }));
    expect(answer?.attrs).toMatchObject({ type: 'chat', from: focus, to: `${alice}/phone` });
    expect(answer?.attrs.id).not.toBe('m1');
    expect(answer?.children.map((child) => (child as XmlElement).name)).toEqual(['body', 'thread']);
    expect(bodyOf(answer)).toBe('tea@rooms.example is open again.');
    expect(reopen).toHaveBeenCalledTimes(1);
  });

  it('does nothing for others', async () => {
    const reopen = vi.fn(async () => true);
    const desk = deskWith(reopen);
    expect(bodyOf(await desk.answer(written('!reopen', { from: `${bob}/phone` })))).toMatch(/no room of yours/);
    expect(await desk.answer(written('!reopen', { to: 'else@bridge.example' }))).toBeNull();
    expect(reopen).not.toHaveBeenCalled();
  });

  it('says to nobody twice in a row what it understands: perhaps it talks with a program', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const desk = deskWith();
      const help = async (from = alice) => bodyOf(await desk.answer(written('Hello', { from: `${from}/phone` })));
      expect(await help()).toMatch(/!reopen <room>/);
      expect(await help()).toBeNull();
      expect(await help(bob)).toMatch(/!reopen <room>/);
      expect(bodyOf(await desk.answer(written('!reopen')))).toMatch(/open again/);
      vi.advanceTimersByTime(10_000);
      expect(await help()).toMatch(/!reopen <room>/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('tells by form and by message when a deed is not done, or fails', async () => {
    const form =
      '<x xmlns="jabber:x:data" type="submit"><field var="room"><value>tea@rooms.example</value></field></x>';
    const session = 'reopen:6c6f4a8e-0000-4000-8000-000000000001';
    const command = `<command xmlns="http://jabber.org/protocol/commands" node="reopen" sessionid="${session}">${form}</command>`;
    const iq = elementOf(`<iq type="set" id="i1" from="${alice}/phone" to="${focus}">${command}</iq>`);
    const fails = async (): Promise<boolean> => {
      throw new Error('the disk is full');
    };
    for (const [reopen, text] of [
      [async () => false, /could not be opened/],
      [fails, /could not be done/],
    ] as const) {
      const answered = childOf(await deskWith(reopen).answer(iq), 'command');
      expect([answered?.attrs.status, childOf(answered, 'note')?.attrs.type]).toEqual(['completed', 'error']);
      expect(childText(answered, 'note')).toMatch(text);
      expect(bodyOf(await deskWith(reopen).answer(written('!reopen')))).toMatch(text);
    }
  });

  it('leaves other questions, and those of nobody, to others', async () => {
    const ping = `<iq type="get" id="i1" from="${alice}/phone" to="${focus}"><ping xmlns="urn:xmpp:ping"/></iq>`;
    const command = '<command xmlns="http://jabber.org/protocol/commands" node="reopen"/>';
    expect(await deskWith().answer(elementOf(ping))).toBeNull();
    expect(await deskWith().answer(elementOf(`<iq type="set" id="i1" to="${focus}">${command}</iq>`))).toBeNull();
    const unknown = `<iq type="set" id="i1" from="${alice}" to="${focus}">${command.replace('reopen', 'else')}</iq>`;
    expect(errorIn((await deskWith().answer(elementOf(unknown)))!).conditions).toEqual(['item-not-found']);
  });
});
