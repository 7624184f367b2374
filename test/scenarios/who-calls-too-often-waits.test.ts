/** RFC 3261 21.5.4: nobody floods a conference with new calls; who calls too often is told when to come again, and others notice nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { refusal } from './in-the-call.ts';
import { people } from './meeting.ts';
import { describeStacks } from './stacks.ts';

/** Long enough for a few calls on a busy machine. */
const seconds = 10;
const wishes = { links: ['often'], settings: { sip: { 'call-rate': { 'per-account': 2, seconds } } } };

describeStacks('Who calls too often', wishes, (stack) => {
  it('is told when to call again, is let in then, and keeps nobody else out', async () => {
    const { owner, guest } = await people(stack(), 'often');
    const { conference } = stack().link('often');
    const phone = await guest.phone();
    for (let call = 0; call < 2; call += 1) await (await phone.call(conference)).hangUp();
    const refused = await refusal(phone, conference);
    expect(refused).toMatchObject({ status: 503, reason: 'Too many calls' });
    const wait = Number(refused.response.header('retry-after'));
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(seconds);
    const metrics = await stack().bridge.metrics();
    expect(metrics).toMatch(/^cusax_calls_over_rate_total 1$/m);
    expect(metrics).toMatch(/^cusax_calls_refused_total\{status="503"\} 1$/m);

    const ownerCall = await owner.call();
    await sleep(wait * 1000);
    await phone.call(conference);
    await ownerCall.hears(guest.tone);
  });
});
