/** RFC 4575 3.5, 8: who may watch a conference, what each is shown, and what a refresh costs (RFC 5839). */
import { expect, it } from 'vitest';
import type { ConferenceView } from '../harness/conference/view.ts';
import { involvementOf } from '../harness/conference/view.ts';
import type { Watcher } from '../harness/sip/watcher.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['tags', 'views', 'promoted', 'left', 'banned', 'publish'];

/** Everything that a watcher has been sent so far. */
const told = (watcher: Watcher): string => watcher.documents.map(({ xml }) => xml).join('\n');

const somebodyIsInBoth = (view: ConferenceView): boolean => view.users.some((user) => involvementOf(user) === 'both');

describeStacks('Watchers of a conference', { links }, (stack) => {
  it('refresh without a NOTIFY as long as nothing changes, and miss nothing when something does', async () => {
    const { guest } = await people(stack(), 'tags');
    const { conference } = stack().link('tags');
    const watcher = await stack().watcher('alice', conference);
    const [tag, before] = [watcher.entityTag, watcher.notifies.length];
    expect(tag).toMatch(/^[A-Za-z0-9.!%*_+`'~-]+$/);
    for (let round = 0; round < 3; round += 1) expect(await watcher.refreshIfChanged(600)).toBe(204);
    expect(watcher.notifies).toHaveLength(before);
    await guest.call();
    await watcher.until(somebodyIsInBoth, 'the caller');
    const { entityTag } = watcher;
    expect(entityTag).not.toBe(tag);
    expect(watcher.documents.slice(1).map(({ state }) => state)).not.toContain('full');
  });

  it('are shown what is theirs to see: moderators all, others what the room shows, and each themselves', async () => {
    const { owner, guest } = await people(stack(), 'views');
    const { conference } = stack().link('views');
    const carol = await attend(stack(), 'views', 'carol');
    await guest.call();
    const [moderator, ordinary, oneself] = await Promise.all(
      ['alice', 'carol', 'bob'].map((name) => stack().watcher(name, conference)),
    );
    for (const watcher of [moderator!, ordinary!, oneself!]) await watcher.until(somebodyIsInBoth, 'the caller');
    for (const { jid } of [owner, guest, carol]) expect(told(moderator!)).toContain(jid);
    expect(told(ordinary!)).toContain(carol.jid);
    expect(told(oneself!)).toContain(guest.jid);
    expect(told(oneself!)).toContain(guest.aor);
    for (const secret of [owner.jid, guest.jid, guest.aor]) expect(told(ordinary!)).not.toContain(secret);
    for (const secret of [owner.jid, carol.jid, carol.aor]) expect(told(oneself!)).not.toContain(secret);
  });

  it('see more from when they moderate the room, and no more of it from when they do not', async () => {
    const { owner, guest } = await people(stack(), 'promoted');
    const { conference } = stack().link('promoted');
    await attend(stack(), 'promoted', 'carol');
    const watcher = await stack().watcher('carol', conference);
    expect(told(watcher)).not.toContain(guest.jid);
    const sees = (view: ConferenceView) => view.users.some((user) => user.associatedAors.includes(`xmpp:${guest.jid}`));
    await owner.room.setRole('carol', 'moderator');
    await watcher.until(sees, 'the JID of the guest');
    await owner.room.setRole('carol', 'participant');
    await watcher.until((view) => !sees(view), 'no JID of the guest');
    const { length } = watcher.documents;
    await guest.call();
    await watcher.until(somebodyIsInBoth, 'the caller');
    for (const { xml } of watcher.documents.slice(length - 1)) expect(xml).not.toContain(guest.jid);
  });

  it('hear no more when they have left, if only participants may watch', async () => {
    const { guest } = await people(stack(), 'left');
    const { conference } = stack().link('left');
    const watcher = await stack().watcher('bob', conference);
    await guest.room.leave();
    expect(await watcher.ended()).toEqual({ reason: 'rejected' });
    await expect(stack().watcher('bob', conference)).rejects.toMatchObject({ status: 403 });
  });

  it('hear no more when they are banned', async () => {
    const { owner, guest } = await people(stack(), 'banned');
    const { conference } = stack().link('banned');
    const watcher = await stack().watcher('bob', conference);
    await owner.room.ban(guest.jid);
    expect(await watcher.ended()).toEqual({ reason: 'rejected' });
    expect(watcher.notifies.at(-1)!.body).toBe('');
    await expect(stack().watcher('bob', conference)).rejects.toMatchObject({ status: 403 });
    const metrics = await stack().bridge.metrics();
    expect(metrics).toMatch(/^cusax_subscriptions_refused_total\{status="403"\} [1-9]/m);
    expect(metrics).toMatch(/^cusax_notifies_total [1-9]/m);
  });

  it('only watch: the state of a conference is published by nobody else', async () => {
    const { owner } = await people(stack(), 'publish');
    const { conference } = stack().link('publish');
    const { agent } = await owner.phone();
    const answer = await agent.request(agent.dialogTo(conference), 'PUBLISH', {
      headers: [['Event', 'conference']],
    });
    expect(answer).toMatchObject({ status: 405, headers: { 'allow-events': 'conference' } });
    expect(answer.header('allow')).toMatch(/\bSUBSCRIBE\b/);
    expect(answer.header('allow')).not.toMatch(/\bPUBLISH\b/);
  });
});
