/** XEP-0045 10.9: a room that is destroyed takes its conference with it, until somebody reopens the link; a room that is merely gone is made again. */
import { expect, it } from 'vitest';
import { command, commandsAt, fillIn } from '../harness/ad-hoc-command.ts';
import { StanzaRefused } from '../harness/xmpp-stanza.ts';
import { calledAgain, order, refusal, untilMeeting } from './in-the-call.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['over', 'again', 'owned', 'lost', 'bystander'];

describeStacks('A destroyed room', { links }, (stack) => {
  it('ends all calls and subscriptions of its conference, and no others', async () => {
    const { owner, guest } = await people(stack(), 'over');
    const { conference } = stack().link('over');
    const elsewhere = await (await stack().phone('erin')).call(stack().link('bystander').conference);
    const stranger = await stack().phone('zoe');
    const calls = [await owner.call(), await guest.call(), await stranger.call(conference)];
    const watchers = [
      await stack().watcher('alice', conference),
      await stack().watcher('zoe', conference, { inDialogOf: calls[2]! }),
    ];
    await untilMeeting(stack(), 'over', { calls: 3, state: 'open' });

    await owner.room.destroy('the tea is drunk');
    for (const call of calls) {
      expect(await call.ended()).toMatchObject({
        by: 'peer',
        reason: expect.stringMatching(/^SIP;\s*cause=404;\s*text="This conference has ended: the tea is drunk"/),
      });
    }
    for (const watcher of watchers) expect(await watcher.ended()).toMatchObject({ reason: 'noresource' });
    await untilMeeting(stack(), 'over', {
      ...{ state: 'closed', reason: 'the tea is drunk', roomJoined: false, calls: 0, occupants: 0, persons: [] },
    });
    for (const phone of [await guest.phone(), stranger]) {
      expect(await refusal(phone, conference)).toMatchObject({ status: 404 });
    }
    await expect(stack().watcher('alice', conference)).rejects.toMatchObject({ status: 404 });
    expect(elsewhere.status).toBe('up');
  });

  it('stays closed over a restart, whoever makes such a room, until an operator reopens it', async () => {
    const { owner } = await people(stack(), 'again');
    const { conference, room } = stack().link('again');
    await owner.room.destroy();
    await untilMeeting(stack(), 'again', { state: 'closed' });
    await stack().bridge.restart();
    await untilMeeting(stack(), 'again', { state: 'closed', roomJoined: false });

    const passerBy = await stack().user('frank');
    const made = await passerBy.join(room, 'frank').catch((error: unknown) => {
      if (error instanceof StanzaRefused) return null; // Prosody keeps the name of a destroyed room to its admins
      throw error;
    });
    expect([...(made?.occupants.keys() ?? ['frank'])]).toEqual(['frank']);
    await made?.leave();
    expect((await refusal(await stack().phone('bob'), conference)).status).toBe(404);

    const { code, stdout } = await stack().bridge.cli('reopen', 'again', '--config', stack().files.config);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
    await untilMeeting(stack(), 'again', { state: 'open', reason: null, roomJoined: true, advertised: 'room' });
    const bob = await attend(stack(), 'again', 'bob');
    const carol = await attend(stack(), 'again', 'carol');
    const call = await calledAgain(await bob.phone(), conference);
    await carol.call();
    await call.hears(carol.tone);
  });

  it('is opened again by its owner from their chat client, by nobody else, and is theirs as before', async () => {
    const { owner, guest } = await people(stack(), 'owned');
    const { conference, room } = stack().link('owned');
    const focus = `focus@${stack().xmpp.componentDomain}`;
    await owner.room.destroy('for today');
    await untilMeeting(stack(), 'owned', { state: 'closed' });
    await stack().bridge.restart();
    await untilMeeting(stack(), 'owned', { state: 'closed', roomJoined: false });

    const stranger = await stack().user('frank');
    for (const other of [guest.user, stranger]) {
      expect(await commandsAt(other, focus)).toEqual([]);
      await expect(command(other, focus, { node: 'reopen' })).rejects.toMatchObject({ condition: 'forbidden' });
    }
    const { sessionid, fields } = await command(owner.user, focus, { node: 'reopen' });
    expect(fields.room?.options).toContain(room);
    const complete = { node: 'reopen', action: 'complete', sessionid };
    await expect(command(stranger, focus, complete, { room })).rejects.toMatchObject({ condition: 'forbidden' });
    expect((await refusal(await guest.phone(), conference)).status).toBe(404);

    expect(await fillIn(owner.user, focus, 'reopen', { room })).toMatchObject({ status: 'completed' });
    await untilMeeting(stack(), 'owned', { state: 'open', reason: null, roomJoined: true, advertised: 'room' });
    const again = await attend(stack(), 'owned', 'alice');
    expect(again.room.self).toMatchObject({ affiliation: 'owner', role: 'moderator' });
    const guestAgain = await attend(stack(), 'owned', 'bob');
    const call = await calledAgain(await guestAgain.phone(), conference);
    await again.call();
    await call.hears(again.tone);
    await again.room.kick('bob', 'enough');
    expect(await call.ended()).toMatchObject({ by: 'peer' });
  });

  it('is told from a room that is missing after the server has come back: that one is made again, its calls go on', async () => {
    const { owner } = await people(stack(), 'lost');
    const { conference } = stack().link('lost');
    await owner.room.configure({ 'muc#roomconfig_persistentroom': false });
    const bob = await (await stack().phone('bob')).call(conference);
    const stranger = await (await stack().phone('zoe')).call(conference);
    await untilMeeting(stack(), 'lost', { calls: 2, roomJoined: true });

    await stack().xmpp.kill();
    await untilMeeting(stack(), 'lost', { roomJoined: false, state: 'open', calls: 2 });
    await stack().xmpp.restart();
    await untilMeeting(stack(), 'lost', {
      roomJoined: true,
      state: 'open',
      advertised: 'room',
      calls: 2,
      occupants: 0,
    });
    await Promise.all([bob.hears(stack().person('zoe').tone), stranger.hears(stack().person('bob').tone)]);
    expect([bob.status, stranger.status]).toEqual(['up', 'up']);

    const carol = await attend(stack(), 'lost', 'carol');
    expect(carol.room.self!.affiliation).toBe('none');
    const features = await carol.user.discoInfo(stack().link('lost').room).then((info) => info.features);
    expect(features).toContain('muc_persistent');
    await carol.call();
    await bob.hears(carol.tone);
    expect((await order(stack(), 'lost', 'reopen')).body).toMatchObject({ notes: [expect.stringMatching(/open/)] });
  });
});
