/** What the log of a running bridge tells of a meeting: one trace from a cause to its last effect, and nobody by name. */
import { expect, it } from 'vitest';
import type { LogLine } from '../harness/meeting/bridge-process.ts';
import { patience, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const wishes = { links: ['traced', 'nameless'], settings: { log: { personal: false } } };

describeStacks('The log', wishes, (stack) => {
  const lines = (wanted: (line: LogLine) => boolean): LogLine[] => stack().bridge.logs().filter(wanted);

  it('follows voice that is taken from the stanza to the leg that the mixer has muted, and a call from the request to the leg', async () => {
    const { owner, guest } = await people(stack(), 'traced');
    const [ownerCall] = [await owner.call(), await guest.call()];
    await ownerCall.hears(guest.tone);
    await owner.room.revokeVoice(guest.nick);
    await ownerCall.silentOf(guest.tone);

    const mutes = () => lines(({ msg, muted }) => msg.startsWith('the mixer was told') && muted === true);
    await expect.poll(() => mutes().length, patience).toBe(1);
    const kinds = (trace: unknown) => lines((line) => line.trace === trace).map(({ kind }) => kind);
    const { trace: cause } = mutes()[0]!;
    expect(cause).toMatch(/^[0-9a-f]{16}$/);
    const followed = expect.arrayContaining(['voice-taken', 'occupant', 'leg']);
    await expect.poll(() => kinds(cause), patience).toEqual(followed);
    for (const { trace } of lines(({ msg }) => msg === 'a call has joined')) expect(kinds(trace)).toContain('leg');
  });

  it('names nobody: no JID, address, nick or label, whatever happens', async () => {
    const { owner, guest } = await people(stack(), 'nameless');
    const { conference } = stack().link('nameless');
    const stranger = await (await stack().phone('zoe')).call(conference);
    const calls = [await owner.call(), await guest.call()];
    await stack().watcher('bob', conference);
    await owner.room.kick(guest.nick, 'enough of the noise');
    await calls[1]!.ended();
    await owner.room.ban(stack().person('carol').jid!);
    await stack().bridge.admin('POST', '/admin/links/nameless/kick', { person: 'Zoe', by: 'the desk' });
    await stranger.ended();
    expect(lines(({ link }) => link === 'nameless').length).toBeGreaterThan(5);
    const names = ['alice', 'bob', 'carol', 'zoe'].flatMap((name) => [`${name}@`, `"${name}"`, `/${name}`]);
    for (const secret of [...names, 'Zoe', 'enough of the noise', 'the desk', stack().link('nameless').room]) {
      expect(
        lines((line) => JSON.stringify(line).includes(secret)),
        secret,
      ).toEqual([]);
    }
  });
});
