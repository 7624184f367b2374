/** RFC 3325: a configured peer's word on who is calling counts as proof, and needs no digest. */
import { expect, it } from 'vitest';
import { type ConferenceView, involvementOf } from '../harness/conference/view.ts';
import type { StackKind } from '../harness/meeting/find-stacks.ts';
import { patience, people, personsOf } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const wishes = {
  links: ['asserted', 'from', 'open', 'private', 'banned'],
  settings: { sip: { 'trusted-peers': ['127.0.0.1'] } },
  // Who is calling has nothing to do with the kind of XMPP server.
  only: ({ xmpp }: StackKind) => xmpp === 'prosody',
};

describeStacks('A call through a trusted peer', wishes, (stack) => {
  it('is from whom the peer asserts, whatever From says', async () => {
    const { guest } = await people(stack(), 'asserted');
    const { conference } = stack().link('asserted');
    const headers = { 'P-Asserted-Identity': `"Robert" <${guest.aor}>` };
    await (await stack().phone('zoe', { headers })).call(conference);
    const known = expect.arrayContaining([
      expect.objectContaining({
        jid: guest.jid,
        involvement: 'both',
        calls: [expect.objectContaining({ aor: guest.aor })],
      }),
    ]);
    await expect.poll(() => personsOf(stack(), 'asserted'), patience).toEqual(known);
  });

  it('is from whom From says when nothing is asserted', async () => {
    const { conference } = stack().link('from');
    const { aor, jid } = stack().person('carol');
    await (await stack().phone('zoe', { aor: aor! })).call(conference);
    await expect.poll(() => personsOf(stack(), 'from'), patience).toMatchObject([{ jid, calls: [{ aor }] }]);
  });

  it.each([
    ['shows the address of a caller who does not mind', {}, true],
    ['keeps the address of a caller who wants privacy from the others', { Privacy: 'id' }, false],
  ])('%s', async (_what, privacy, shown) => {
    const { conference } = stack().link(shown ? 'open' : 'private');
    const { aor } = stack().person('erin'); // whom no room hides, being bound to no JID
    const headers = { 'P-Asserted-Identity': `"Erin" <${aor}>`, ...privacy };
    const identity = { aor: 'sip:anonymous@anonymous.invalid', displayName: 'Anonymous' };
    await (await stack().phone('erin', { headers, ...(shown ? {} : identity) })).call(conference);
    const call = await (await stack().phone('carol')).call(conference);
    const watcher = await stack().watcher('carol', conference, { inDialogOf: call });
    const callers = (view: ConferenceView) => view.users.filter((user) => involvementOf(user) === 'audio');
    await watcher.until((view) => callers(view).length === 2, 'both callers');
    expect(/erin/i.test(watcher.documents.map(({ xml }) => xml).join())).toBe(shown);
  });

  it('is refused when the person whom the peer asserts is banned', async () => {
    const { owner, guest } = await people(stack(), 'banned');
    const { conference } = stack().link('banned');
    const headers = { 'P-Asserted-Identity': `<${guest.aor}>` };
    await owner.room.ban(guest.jid);
    const phone = await stack().phone('zoe', { headers });
    await expect.poll(async () => statusOf(await phone.tryCall(conference)), patience).toBe(403);
  });
});

const statusOf = (outcome: object): number =>
  'status' in outcome && typeof outcome.status === 'number' ? outcome.status : 200;
