/** RFC 7081 4: the room's disco#info says where its call is (`audio-video-uri`), and one who follows it is in the call. */
import { expect, it } from 'vitest';
import type { StackKind } from '../harness/meeting/find-stacks.ts';
import type { XmppUser } from '../harness/xmpp-user.ts';
import { attend, people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const FORM = 'http://jabber.org/protocol/muc#roominfo';
const FIELD = 'audio-video-uri';
/** Nick of the focus. */
const FOCUS = 'call';

/** What an address answers in the field of its form; asked again until `wanted`, because the bridge may still be at it. */
async function advertised(user: XmppUser, address: string, wanted: (uris: readonly string[]) => boolean) {
  await expect
    .poll(async () => wanted((await user.discoInfo(address)).forms.flatMap((form) => form[FORM]?.[FIELD] ?? [])), {
      timeout: 15_000,
    })
    .toBe(true);
  return (await user.discoInfo(address)).forms.flatMap((form) => form[FORM]?.[FIELD] ?? []);
}

const links = ['tea', 'cake', 'jam', { id: 'new', roomExists: false }];

describeStacks('A room with a call', { links }, (stack) => {
  it('advertises it to everybody, and the call can be made from that', async () => {
    const { room, conference } = stack().link('tea');
    const passerBy = await stack().user('frank');
    const [uri] = await advertised(passerBy, room, ([found]) => found !== undefined);
    expect(uri).toBe(conference);
    const call = await (await stack().phone('erin')).call(uri!);
    expect(call.remoteContact).toContain('isfocus');
  });

  it('advertises it too when the bridge had to make the room', async () => {
    const { room, conference } = stack().link('new');
    expect(await advertised(await stack().user('frank'), room, ([uri]) => uri === conference)).toEqual([conference]);
  });

  it('advertises it again after an owner has taken the advertisement away', async () => {
    const { owner } = await people(stack(), 'cake');
    const { room, conference } = stack().link('cake');
    await advertised(owner.user, room, ([uri]) => uri === conference);
    const changes = (): number => owner.room.messages.filter(({ statusCodes }) => statusCodes.includes(104)).length;
    const before = changes();
    await owner.room.configure({ [FIELD]: '' });
    await owner.room.until(
      () => changes() >= before + 2,
      'two changes of the configuration: the owner’s and the bridge’s',
    );
    expect(await advertised(owner.user, room, ([uri]) => uri === conference)).toEqual([conference]);
  });

  it('keeps the advertisement from those who are no owners', async () => {
    const carol = await attend(stack(), 'jam', 'carol');
    await expect(carol.room.configure({ [FIELD]: 'sip:elsewhere@conf.test' })).rejects.toMatchObject({
      condition: 'forbidden',
    });
  });
});

/** What the SIP side is made of does not matter here. */
const without = { links: ['tea'], xmppServer: { modules: false }, only: ({ sip }: StackKind) => sip === 'embedded' };

describeStacks('A room on a server without the module', without, (stack) => {
  it('lets the focus advertise the call, and the bridge says so', async () => {
    const { owner } = await people(stack(), 'tea');
    const { room, conference } = stack().link('tea');
    expect(await advertised(owner.user, `${room}/${FOCUS}`, ([uri]) => uri === conference)).toEqual([conference]);
    expect(await advertised(owner.user, room, (uris) => uris.length === 0)).toEqual([]);
    const { bridge } = stack();
    await expect
      .poll(async () => (await bridge.admin('GET', '/admin/links/tea')).body.advertised, { timeout: 15_000 })
      .toBe('focus');
    expect(bridge.logs().filter(({ msg }) => msg.includes('mod_muc_avuri'))).not.toEqual([]);
    const parts = (await bridge.readiness())?.parts ?? [];
    expect(parts.find(({ part }) => part === 'xmpp')).toMatchObject({
      ready: true,
      text: expect.stringMatching(/muc_avuri/),
    });
  });
});
