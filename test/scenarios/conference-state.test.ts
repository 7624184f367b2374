/** RFC 4575: what a watcher of the conference is told, of the call and of the room, from the first document to the last. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type ConferenceView, involvementOf, userOf } from '../harness/conference/view.ts';
import type { Watcher } from '../harness/sip/watcher.ts';
import { has } from './exceptions.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = [
  'whole',
  'changes',
  'many',
  'dialog',
  'hung-up',
  'rights',
  'kicked',
  'traces',
  'life',
  'lapse',
  'brief',
  'events',
  'follow',
];
const endpointsOf = (view: ConferenceView) => view.users.flatMap(({ endpoints }) => endpoints);

/** Short enough to be waited for, long enough for a busy machine to refresh in time; seconds. */
const shortest = 4;
const settings = { sip: { subscriptions: { 'shortest-expiry': shortest, 'longest-expiry': 1200 } } };

describeStacks('The state of a conference', { links, settings }, (stack) => {
  it('comes whole at first: what it is, where it is, and everybody with all their ways in', async () => {
    const { owner, guest } = await people(stack(), 'whole');
    const { conference, room, name } = stack().link('whole');
    await guest.call();
    const watcher = await stack().watcher('alice', conference);
    await watcher.until((view) => userOf(view, guest.aor) !== undefined, 'the guest');
    const { view, documents } = watcher;
    expect(documents[0]).toMatchObject({ state: 'full' });
    expect(view).toMatchObject({
      entity: conference,
      displayText: name,
      confUris: [{ uri: conference, purpose: 'participation' }],
      serviceUris: [
        { uri: `xmpp:${room}`, purpose: 'grouptextchat' },
        { uri: `xmpp:${room}?join`, purpose: 'groupstextchat' },
      ],
      maximumUserCount: 100,
      userCount: 2,
      active: true,
      locked: false,
    });
    expect(userOf(view, guest.aor)).toMatchObject({
      entity: guest.aor,
      displayText: guest.nick,
      roles: ['participant'],
      associatedAors: [`xmpp:${guest.jid}`],
      endpoints: [
        { entity: `xmpp:${room}/${guest.nick}`, status: 'connected', media: [{ type: 'message', status: 'sendrecv' }] },
        { status: 'connected', joiningMethod: 'dialed-in', media: [{ type: 'audio', status: 'sendrecv' }] },
      ],
    });
    const textOnly = userOf(view, `xmpp:${room}/${owner.nick}`)!;
    expect(textOnly).toMatchObject({ roles: ['moderator', 'owner'], associatedAors: [`xmpp:${owner.jid}`] });
    expect(involvementOf(textOnly)).toBe('text');
  });

  it('then changes in parts: who comes and goes, by room, by phone, or both', async () => {
    const { guest } = await people(stack(), 'changes');
    const { conference } = stack().link('changes');
    const watcher = await stack().watcher('alice', conference);
    const guestIs = (what: string) =>
      watcher.until((view) => {
        const user = view.users.find(
          (one) => one.displayText === guest.nick || one.associatedAors.includes(`xmpp:${guest.jid}`),
        );
        return (user === undefined ? 'none' : involvementOf(user)) === what;
      }, `the guest with ${what}`);
    await guestIs('text');
    const call = await guest.call();
    await guestIs('both');
    await guest.room.leave();
    await guestIs('audio');
    await attend(stack(), 'changes', 'bob');
    await guestIs('both');
    await call.hangUp();
    await guestIs('text');
    const states = watcher.documents.map(({ state }) => state);
    expect(states[0]).toBe('full');
    expect(new Set(states.slice(1))).toEqual(new Set(['partial']));
  });

  it('has versions of its own for each watcher, and tells all the same', async () => {
    const { owner, guest } = await people(stack(), 'many');
    const { conference } = stack().link('many');
    await attend(stack(), 'many', 'carol');
    const early = await stack().watcher('alice', conference);
    await guest.call();
    await early.until((view) => userOf(view, guest.aor) !== undefined, 'the guest');
    const late = await stack().watcher('alice', conference, { transport: 'tcp' });
    expect(late.documents[0]).toMatchObject({ state: 'full' });
    await owner.call();
    for (const watcher of [early, late]) {
      await watcher.until((view) => userOf(view, owner.aor) !== undefined && view.userCount === 3, 'the owner');
    }
    const byName = (watcher: Watcher) =>
      [...watcher.view.users].sort((a, b) => (a.displayText ?? '').localeCompare(b.displayText ?? ''));
    expect(byName(late)).toEqual(byName(early));
    expect(late.documents[0]!.version).toBeLessThan(early.documents.at(-1)!.version);
  });

  it('is not the same for everybody: an ordinary participant sees no JIDs where the room hides them', async () => {
    const { guest } = await people(stack(), 'rights');
    const { conference, room } = stack().link('rights');
    await guest.call();
    const carol = await attend(stack(), 'rights', 'carol');
    const ordinary = await stack().watcher('carol', conference);
    await ordinary.until((view) => {
      const user = userOf(view, `xmpp:${room}/${guest.nick}`);
      return user !== undefined && involvementOf(user) === 'both';
    }, 'the guest under the nick');
    for (const { xml } of ordinary.documents)
      for (const secret of [guest.jid, guest.aor]) expect(xml).not.toContain(secret);
    await carol.room.leave();
  });

  it('tells for a while who was sent out of the call, in the words of who did it, and then no more', async () => {
    const { owner, guest } = await people(stack(), 'kicked');
    const { conference } = stack().link('kicked');
    await attend(stack(), 'kicked', 'carol');
    const ordinary = await stack().watcher('carol', conference);
    const moderator = await stack().watcher('alice', conference);
    const call = await guest.call();
    const isIn = (view: ConferenceView) => view.users.some((user) => involvementOf(user) === 'both');
    await Promise.all([ordinary, moderator].map((watcher) => watcher.until(isIn, 'the caller')));
    const left = [ordinary, moderator].map(async (watcher) => {
      const gone = (view: ConferenceView) => endpointsOf(view).find(({ status }) => status === 'disconnected');
      await watcher.until((view) => gone(view) !== undefined, 'the call as ended');
      const { view } = watcher;
      expect(view.userCount).toBe(2);
      await watcher.until((later) => gone(later) === undefined, 'nothing of the call');
      expect(watcher.view).toMatchObject({ userCount: 2, users: expect.objectContaining({ length: 2 }) });
      return gone(view);
    });
    await owner.room.kick(guest.nick, 'Too loud for tea');
    expect(await call.ended()).toMatchObject({ by: 'peer' });
    const [toCarol, toAlice] = await Promise.all(left);
    const when = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    for (const told of [toCarol, toAlice]) {
      expect(told).toMatchObject({
        joiningMethod: 'dialed-in',
        joiningInfo: { when },
        disconnectionMethod: 'booted',
        disconnectionInfo: { when, reason: 'Too loud for tea' },
        media: [],
      });
    }
    for (const { xml } of ordinary.documents) for (const { jid } of [owner, guest]) expect(xml).not.toContain(jid);
  });

  it('tells moderators, and nobody else, by which dialog somebody is in the call', async () => {
    const { guest } = await people(stack(), 'traces');
    const { conference } = stack().link('traces');
    await attend(stack(), 'traces', 'carol');
    const call = await guest.call();
    const ordinary = await stack().watcher('carol', conference);
    const moderator = await stack().watcher('alice', conference);
    const isIn = (view: ConferenceView) => view.users.some((user) => involvementOf(user) === 'both');
    await Promise.all([ordinary, moderator].map((watcher) => watcher.until(isIn, 'the caller')));
    const { callId, localTag, remoteTag } = call.dialog;
    const infos = (view: ConferenceView) => endpointsOf(view).flatMap(({ callInfo }) => callInfo ?? []);
    expect(infos(moderator.view)).toEqual([{ callId, fromTag: localTag, toTag: remoteTag }]);
    expect(infos(ordinary.view)).toEqual([]);
    for (const { xml } of ordinary.documents) {
      for (const secret of [callId, localTag, remoteTag]) expect(xml).not.toContain(secret);
    }
  });

  it('may be watched inside the dialog of a call, which ends the watching when it ends', async () => {
    const { owner, guest } = await people(stack(), 'dialog');
    const { conference } = stack().link('dialog');
    const call = await guest.call();
    const watcher = await stack().watcher('bob', conference, { inDialogOf: call });
    await watcher.until((view) => view.users.some((user) => involvementOf(user) === 'both'), 'the caller');
    await owner.room.kick(guest.nick);
    expect(await watcher.ended()).toMatchObject({ reason: 'noresource' });
    expect(await call.ended()).toMatchObject({ by: 'peer' });
  });

  it('is no longer told to a caller who has hung up', async () => {
    const { conference } = stack().link('hung-up');
    const call = await (await stack().phone('zoe')).call(conference);
    const watcher = await stack().watcher('zoe', conference, { inDialogOf: call });
    await watcher.until((view) => view.users.some((user) => involvementOf(user) === 'audio'), 'the caller');
    await call.hangUp();
    if (has(stack(), 'no NOTIFY goes to who has hung up')) {
      await expect(watcher.refresh()).rejects.toMatchObject({ status: 481 });
    } else expect(await watcher.ended()).toMatchObject({ reason: 'noresource' });
  });

  it('is told to participants only', async () => {
    const { conference } = stack().link('events');
    await expect(stack().watcher('zoe', conference)).rejects.toMatchObject({ status: 401 });
    await expect(stack().watcher('dave', conference)).rejects.toMatchObject({ status: 403 });
    await expect(stack().watcher('dave', 'sip:nowhere@conf.test')).rejects.toMatchObject({ status: 404 });
  });

  it('is the only event there is: others get 489 and a name of the one that there is', async () => {
    const { conference } = stack().link('events');
    const refused = stack().watcher('dave', conference, { event: 'presence' });
    await expect(refused).rejects.toMatchObject({ status: 489 });
    await refused.catch(({ headers }) => expect(headers['allow-events']).toBe('conference'));
  });

  it('is told again whole on refresh, and for the last time on unsubscribing', async () => {
    const { owner } = await people(stack(), 'life');
    const { conference } = stack().link('life');
    const watcher = await stack().watcher('alice', conference, { expires: 1800 });
    expect(watcher.expires).toBeLessThanOrEqual(1200);
    const before = watcher.documents.length;
    await watcher.refresh(600);
    await watcher.until(() => watcher.documents.length > before, 'a document after the refresh');
    expect(watcher.documents.at(-1)).toMatchObject({ state: 'full' });
    expect(watcher.expires).toBeLessThanOrEqual(600);
    await watcher.unsubscribe();
    expect(await watcher.ended()).toMatchObject({ reason: 'timeout' });
    await owner.room.leave();
  });

  it('is told to who refreshes in time, and no longer to who does not', async () => {
    const { guest } = await people(stack(), 'lapse');
    const { conference } = stack().link('lapse');
    const [steady, idle] = await Promise.all([
      stack().watcher('alice', conference, { expires: shortest }),
      stack().watcher('bob', conference, { expires: shortest }),
    ]);
    expect(idle.expires).toBeLessThanOrEqual(shortest);
    const lapsed = idle.ended();
    const over = lapsed.then(() => true);
    while (!(await Promise.race([over, pause(shortest * 200)]))) await steady.refresh();
    expect(await lapsed).toEqual({ reason: 'timeout' });
    expect(idle.notifies.at(-1)!.header('subscription-state')).toBe('terminated;reason=timeout');

    await steady.refresh(600);
    await guest.call();
    await steady.until((view) => view.users.some((user) => involvementOf(user) === 'both'), 'the caller');
    await expect(idle.refresh()).rejects.toMatchObject({ status: 481 });
    expect(idle.lateNotifies).toEqual([]);
  });

  it('is not told for less time than the operator wants: what is too brief is refused, and breaks nothing', async () => {
    const { guest } = await people(stack(), 'brief');
    const { conference } = stack().link('brief');
    const tooBrief = { status: 423, headers: expect.objectContaining({ 'min-expires': `${shortest}` }) };
    const refused = stack().watcher('alice', conference, { expires: shortest - 1 });
    await expect(refused).rejects.toMatchObject(tooBrief);
    const watcher = await stack().watcher('alice', conference, { expires: 600 });
    await expect(watcher.refresh(1)).rejects.toMatchObject(tooBrief);
    await guest.call();
    await watcher.until((view) => view.users.some((user) => involvementOf(user) === 'both'), 'the caller');
    const fetched = await stack().watcher('bob', conference, { expires: 0 });
    expect(await fetched.ended()).toEqual({ reason: 'timeout' });
    expect(fetched.documents).toMatchObject([{ state: 'full' }]);
  });

  it('leads from the call to the room: who follows the service URI is in the right room', async () => {
    const { conference } = stack().link('follow');
    const call = await (await stack().phone('dave')).call(conference);
    const watcher = await stack().watcher('dave', conference, { inDialogOf: call });
    const chat = watcher.view.serviceUris.find(({ purpose }) => purpose === 'grouptextchat');
    const room = /^xmpp:([^?]+)/.exec(chat?.uri ?? '')?.[1] ?? '';
    await (await stack().user('dave')).join(room, 'dave');
    await watcher.until(
      (view) => view.users.some((user) => involvementOf(user) === 'both'),
      'dave with text and audio',
    );
  });
});
