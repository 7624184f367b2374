/** Phones that call the conference URI are one conference (RFC 4353, RFC 4579), and who they are counts only when proved. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Call, CallRefused } from '../harness/sip/phone.ts';
import { calledAgain } from './in-the-call.ts';
import { attend, patience, people, personsOf } from './meeting.ts';
import { describeStacks } from './stacks.ts';

const links = ['pair', 'three', 'wire', 'leaving', 'redial', 'many', 'proof', 'guess', 'label'];

/** Everybody hears all the others, and not themselves. */
async function mixed(parties: ReadonlyArray<{ readonly call: Call; readonly tone: number }>): Promise<void> {
  for (const listener of parties) {
    for (const speaker of parties) if (speaker !== listener) await listener.call.hears(speaker.tone);
    await listener.call.silentOf(listener.tone);
  }
}

describeStacks('Callers of a conference', { links }, (stack) => {
  it('are answered by a focus and hear each other, not themselves', async () => {
    const { owner, guest } = await people(stack(), 'pair');
    const parties = [
      { call: await owner.call(), tone: owner.tone },
      { call: await guest.call(), tone: guest.tone },
    ];
    for (const { call } of parties) {
      expect(call.remoteContact).toMatch(/;isfocus\b/);
      expect(call.response.header('allow-events')).toMatch(/\bconference\b/);
    }
    await mixed(parties);
  });

  it('are mixed whatever their codec and transport: three, one of them a stranger', async () => {
    const { owner, guest } = await people(stack(), 'three');
    const stranger = await stack().phone('zoe', { codec: 'PCMA' });
    await mixed([
      { call: await owner.call({ codec: 'PCMU' }), tone: owner.tone },
      { call: await guest.call({ codec: 'PCMA', transport: 'tcp' }), tone: guest.tone },
      { call: await stranger.call(stack().link('three').conference), tone: stack().person('zoe').tone },
    ]);
  });

  it('are no longer heard once they hang up; the others go on', async () => {
    const { owner, guest } = await people(stack(), 'leaving');
    const carol = await attend(stack(), 'leaving', 'carol');
    const [ownerCall, guestCall, carolCall] = [await owner.call(), await guest.call(), await carol.call()];
    await ownerCall.hears(guest.tone);
    await guestCall.hangUp();
    await ownerCall.silentOf(guest.tone);
    await ownerCall.hears(carol.tone);
    await carolCall.hears(owner.tone);
  });

  it('are let in again when the last one hangs up and calls at once', async () => {
    const bob = stack().person('bob');
    const phone = await stack().phone('bob');
    // The pauses spread over what a mixer may need to close a conference that has become empty.
    for (const pauseMs of [0, 0, 0, 20, 50, 100, 150, 200, 300, 400, 500, 600]) {
      const call = await phone.call(stack().link('redial').conference);
      await call.hangUp();
      await sleep(pauseMs);
    }
    const other = await (await stack().phone('zoe')).call(stack().link('redial').conference);
    await phone.call(stack().link('redial').conference);
    await other.hears(bob.tone);
  });

  it.each(['SHA-256', 'MD5'] as const)('prove their account by digest (%s)', async (algorithm) => {
    const { conference, id } = stack().link('proof');
    const { password, aor, jid } = stack().person('bob');
    const phone = await stack().phone('bob', { credentials: { username: 'bob', password, algorithm } });
    const call = await phone.call(conference);
    const known = [{ jid, involvement: 'media', nicks: [], calls: [{ aor }] }];
    await expect.poll(() => personsOf(stack(), id), patience).toMatchObject(known);
    await call.hangUp();
    await expect.poll(() => personsOf(stack(), id), patience).toEqual([]);
  });

  it('do not get in under an account that they cannot prove', async () => {
    const { conference, id } = stack().link('guess');
    const { aor, password } = stack().person('bob');
    const attempts = {
      'no answer to the challenge': { aor: aor! },
      'a wrong password': { aor: aor!, credentials: { username: 'bob', password: `${password}!` } },
      'no such user': { aor: aor!, credentials: { username: 'nobody', password } },
    };
    for (const [attempt, wishes] of Object.entries(attempts)) {
      const outcome = await (await stack().phone('zoe', wishes)).tryCall(conference);
      expect(outcome, attempt).toBeInstanceOf(CallRefused);
      expect((outcome as CallRefused).status, attempt).toBe(401);
    }
    expect(await personsOf(stack(), id)).toEqual([]);
  });

  it('who prove nothing are known by a label only', async () => {
    const { conference, id } = stack().link('label');
    const phone = await stack().phone('zoe', { headers: { 'P-Asserted-Identity': `<${stack().person('bob').aor}>` } });
    await phone.call(conference);
    const known = [{ jid: null, calls: [{ aor: null, label: 'Zoe' }] }];
    await expect.poll(() => personsOf(stack(), id), patience).toMatchObject(known);
  });

  it('have no more calls each than one person may have, and take no place from others', async () => {
    const { guest } = await people(stack(), 'many');
    const { conference } = stack().link('many');
    const calls = [await guest.call(), await guest.call(), await guest.call(), await guest.call()];
    const phone = await guest.phone();
    const refused = { status: 486, reason: 'No more than 4 calls of one person' };
    expect(await phone.tryCall(conference)).toMatchObject(refused);
    await (await stack().phone('zoe')).call(conference);
    await calls[0]!.hangUp();
    await calledAgain(phone, conference);
  });

  it('of a conference that is not there get 404', async () => {
    const outcome = await (await stack().phone('bob')).tryCall('sip:nowhere@conf.test');
    expect(outcome).toMatchObject({ status: 404 });
    expect(await stack().bridge.metrics()).toMatch(/^cusax_calls_refused_total\{status="404"\} [1-9]/m);
  });
});
