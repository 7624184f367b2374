/** A part that dies and comes back, whichever it is: within 10 s all is as it was, nobody is wrongly heard, nobody is thrown out. */
import { expect, it } from 'vitest';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import type { Call } from '../harness/sip/call.ts';
import { refusal } from './in-the-call.ts';
import { type Attendee, attend, personsOf } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['bridge', 'away', 'orderly', 'chat', 'shutdown', 'bus'];
/** What a restart may take until the state is right again, in ms. */
const recovery = { timeout: 10_000 };

interface Party extends Attendee {
  call(): Promise<Call>;
}

interface Scene {
  readonly owner: { readonly who: Party; readonly call: Call };
  readonly guest: { readonly who: Party; readonly call: Call };
  readonly third: { readonly who: Party; readonly call: Call };
}

/** Alice, Bob and Carol in room and call; Alice has taken Bob's voice. */
async function guestMuted(stack: MeetingStack, link: string): Promise<Scene> {
  const enter = async (name: string) => {
    const who = await attend(stack, link, name);
    return { who, call: await who.call() };
  };
  const scene: Scene = { owner: await enter('alice'), guest: await enter('bob'), third: await enter('carol') };
  await scene.owner.call.hears(scene.guest.who.tone);
  await scene.owner.who.room.revokeVoice('bob');
  await stillMuted(scene);
  return scene;
}

/** Bob is not heard, and hears; Carol is heard. */
async function stillMuted({ owner, guest, third }: Scene): Promise<void> {
  await owner.call.silentOf(guest.who.tone);
  await owner.call.hears(third.who.tone);
  await guest.call.hears(third.who.tone);
}

/** What the operator sees of Bob's call. */
const guestsCall = async (stack: MeetingStack, link: string): Promise<object | undefined> => {
  const persons = await personsOf(stack, link);
  return persons.find(({ jid }) => jid === stack.person('bob').jid)?.calls[0];
};
const muted = { muted: true, mutes: ['room'] };

describeStacks('In a meeting', { links }, (stack) => {
  it('whose bridge was killed, who was muted still is, and moderation goes on', async () => {
    const scene = await guestMuted(stack(), 'bridge');
    await stack().bridge.kill();
    if (stack().kind.sip === 'native') await stillMuted(scene);
    const began = performance.now();
    await stack().bridge.start();
    expect(performance.now() - began).toBeLessThan(recovery.timeout);
    await (stack().kind.sip === 'native' ? goesOn(scene) : redialled(scene));
  });

  /** drachtio and FreeSWITCH hold the calls: the new process has taken them over. */
  async function goesOn(scene: Scene): Promise<void> {
    const { owner, guest, third } = scene;
    await expect.poll(() => guestsCall(stack(), 'bridge'), recovery).toMatchObject(muted);
    await stillMuted(scene);
    await owner.who.room.grantVoice('bob');
    await owner.call.hears(guest.who.tone);
    await owner.who.room.revokeVoice('carol');
    await owner.call.silentOf(third.who.tone);
    await owner.who.room.kick('bob');
    await guest.call.ended();
    expect(owner.call.status).toBe('up');
  }

  /** The embedded mixer has died with the process: who calls again comes back into the state that was. */
  async function redialled({ owner, guest, third }: Scene): Promise<void> {
    await expect.poll(() => guestsCall(stack(), 'bridge'), recovery).toBeUndefined();
    const again: Scene = {
      owner: { who: owner.who, call: await owner.who.call() },
      guest: { who: guest.who, call: await guest.who.call() },
      third: { who: third.who, call: await third.who.call() },
    };
    await stillMuted(again);
    expect(await guestsCall(stack(), 'bridge')).toMatchObject(muted);
    await owner.who.room.grantVoice('bob');
    await again.owner.call.hears(guest.who.tone);
  }

  it('that was moderated while the bridge was away, what was done then holds for the calls', async () => {
    const { owner, guest, third } = await guestMuted(stack(), 'away');
    await stack().bridge.kill();
    await owner.who.room.revokeVoice('carol');
    await owner.who.room.ban(guest.who.jid);
    await stack().bridge.start();
    const goOn = stack().kind.sip === 'native';
    if (goOn) await expect.poll(() => guest.call.status, recovery).toBe('ended');
    const ownerCall = goOn ? owner.call : await owner.who.call();
    const thirdCall = goOn ? third.call : await third.who.call();
    await thirdCall.hears(owner.who.tone);
    await ownerCall.silentOf(third.who.tone);
    expect((await refusal(await guest.who.phone(), stack().link('away').conference)).status).toBe(403);
    await owner.who.room.grantVoice('carol');
    await ownerCall.hears(third.who.tone);
  });

  it('whose bridge was restarted in good order, calls are where they were if the media server outlives it', async () => {
    const scene = await guestMuted(stack(), 'orderly');
    await stack().bridge.restart();
    if (stack().kind.sip === 'embedded') {
      for (const { call } of [scene.owner, scene.guest, scene.third]) await call.ended();
      return;
    }
    await expect.poll(() => guestsCall(stack(), 'orderly'), recovery).toMatchObject(muted);
    await stillMuted(scene);
    for (const { call } of [scene.owner, scene.guest, scene.third]) expect(call.status).toBe('up');
  });
  async function survives(link: string, fall: () => Promise<void>): Promise<void> {
    const scene = await guestMuted(stack(), link);
    await fall();
    await expect.poll(async () => (await stack().bridge.readiness())?.ready, recovery).toBe(false);
    await stillMuted(scene);
    await stack().xmpp.restart();
    await stack().bridge.untilReady(recovery.timeout);
    await stillMuted(scene);
    // Voice that was taken is kept until it is given back, also where the room has forgotten it.
    const owner = await attend(stack(), link, 'alice');
    await attend(stack(), link, 'bob');
    await owner.room.until(() => owner.room.occupants.get('bob')?.role === 'visitor', 'bob as a visitor');
    await stillMuted(scene);
    await owner.room.grantVoice('bob');
    await scene.owner.call.hears(scene.guest.who.tone);
    for (const { call } of [scene.owner, scene.guest, scene.third]) expect(call.status).toBe('up');
  }

  it('whose XMPP server was killed, who was muted still is, and voice can be given back', () =>
    survives('chat', () => stack().xmpp.kill()));

  it('whose XMPP server was shut down, who was muted still is, and voice can be given back', () =>
    survives('shutdown', () => stack().xmpp.shutDown()));
  it('whose NATS was killed, what was done meanwhile stands, also for a bridge that is started later', async () => {
    const scene = await guestMuted(stack(), 'bus');
    const { owner, guest, third } = scene;
    await stack().nats.kill();
    await expect.poll(async () => (await stack().bridge.readiness())?.ready, recovery).toBe(false);
    await stillMuted(scene);
    // Room and call are in one process: moderation goes on without the bus.
    await owner.who.room.revokeVoice('carol');
    await owner.call.silentOf(third.who.tone);
    await stack().nats.restart();
    await stack().bridge.untilReady(recovery.timeout);
    await owner.call.silentOf(guest.who.tone);
    await owner.who.room.grantVoice('carol');
    await owner.call.hears(third.who.tone);
    for (const { call } of [owner, guest, third]) expect(call.status).toBe('up');
    await owner.who.room.leave();
    await stack().bridge.kill();
    await stack().bridge.start();
    const again = await attend(stack(), 'bus', 'alice');
    const adopted = stack().kind.sip === 'native' ? expect.objectContaining(muted) : undefined;
    await expect.poll(() => guestsCall(stack(), 'bus'), recovery).toEqual(adopted);
    expect(again.room.occupants.get('bob')?.role).toBe('visitor');
  });
});
