/** SIP clients of others at the focus, on the embedded SIP agent and mixer: what they are told, what they hear, how they are let go. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Baresip, type BaresipOptions, baresipLacks } from '../harness/baresip.ts';
import { ConferenceReader } from '../harness/conference/reader.ts';
import { countsAgree } from '../harness/conference/rules.ts';
import { validateCollected } from '../harness/conference/schema.ts';
import { SipPhone } from '../harness/sip/phone.ts';
import { Watcher } from '../harness/sip/watcher.ts';
import { findSipp, runSipp, type SippMessage, type SippOptions, type SippResult, startSipp } from '../harness/sipp.ts';
import { startEmbedded } from './embedded-place.ts';
import { authorize, headerOf, statusOf } from './sip-focus-peer.ts';
import { alice, aliceAor, eventually, link, room, type Stage, secret, stage, uri } from './sip-focus-stage.ts';

const credentials = { username: secret.user, password: secret.password };
const cleanUp: Array<() => unknown> = [];
let at: Stage;

beforeEach(async () => {
  // both clients stumble over a challenge for SHA-256
  at = await stage(startEmbedded, { algorithms: ['MD5'], watching: 'anyone' });
});

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  await validateCollected();
});

const server = (transport: 'udp' | 'tcp' = 'udp') => ({
  host: '127.0.0.1',
  port: (transport === 'tcp' ? at.place.sipTcpPort : at.place.sipPort) ?? 0,
});

/** A phone of our own, in the call. */
async function ownPhone(tone: number) {
  const phone = await SipPhone.open({ server: server(), aor: 'sip:ruth@elsewhere.example', tone });
  cleanUp.push(() => phone.close());
  return phone.call(uri);
}

async function watcher(): Promise<Watcher> {
  const watch = await Watcher.subscribe({ server: server(), aor: 'sip:walt@elsewhere.example' }, uri);
  cleanUp.push(() => watch.close());
  return watch;
}

/** Alice is in the room, and her SIP address is known. */
async function aliceInTheRoom(): Promise<void> {
  await at.bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
  await at.bus.publish(link.id, 'occupant', 'alice', alice);
}

const kick = () =>
  at.bus.publish(link.id, 'expulsion', 'alice@example.com', {
    ...{ id: 'x1', jid: 'alice@example.com', cause: 'kick' as const, reason: null, by: 'bob' },
  });

const nobodyIsLeft = async (): Promise<void> => {
  await eventually(() => at.legs().length === 0, 'no leg is left');
  await vi.waitFor(async () => expect(await at.mixer.list()).toEqual([]), 10_000);
};

it('takes no answer with an algorithm that is not on offer', async () => {
  const dialog = at.peer.dialog('alice', uri, 'example.com');
  const challenge = await at.call(dialog);
  const asIfOffered = {
    ...challenge,
    headers: new Map([
      ['www-authenticate', [headerOf(challenge, 'www-authenticate').replace('algorithm=MD5', 'algorithm=SHA-256')]],
    ]),
  };
  const Authorization = authorize(asIfOffered, 'SHA-256', secret, 'INVITE', uri);
  const answer = await at.call(dialog, { Authorization });
  expect([statusOf(answer), headerOf(answer, 'www-authenticate').includes('SHA-256')]).toEqual([401, false]);
  expect(at.legs()).toEqual([]);
});

const sippIsMissing = findSipp() === null ? ' (skipped: sipp is not on PATH)' : '';
const baresipIsMissing = baresipLacks() === null ? '' : ` (skipped: ${baresipLacks()})`;

const stranger = { conference: 'tea@conf.example', caller: 'carol@elsewhere.example' };
const member = { conference: 'tea@conf.example', caller: 'alice@example.com', credentials };
type Who = Pick<SippOptions, 'conference' | 'caller' | 'credentials'>;

describe.skipIf(sippIsMissing !== '')(`SIPp${sippIsMissing}`, () => {
  /** What went wrong stands in the message of a failed assertion. */
  const expectSuccess = (result: SippResult, calls = 1): void => {
    const wire = result.messages.map(({ direction, text }) => `${direction}\n${text}`).join('\n\n');
    expect(result.code, `${result.errors}\n${wire}`).toBe(0);
    expect(result.calls).toEqual({ ok: calls, failed: 0 });
  };
  const received = (result: SippResult, start: string): readonly SippMessage[] =>
    result.messages.filter((message) => message.direction === 'received' && message.text.startsWith(start));

  it.each<['udp' | 'tcp', string, Who]>([
    ['udp', 'without a password', stranger],
    ['udp', 'with a password', member],
    ['tcp', 'without a password', stranger],
    ['tcp', 'with a password', member],
  ])('calls a focus over %s %s and hangs up', async (transport, _how, who) => {
    const run = await startSipp({ scenario: 'call', server: server(transport), transport, ...who });
    cleanUp.push(() => run.stop());
    await eventually(() => at.legs().length === 1, 'the leg is known');
    expect(at.legs()[0]?.aor).toBe('credentials' in who ? aliceAor : null);
    const result = await run.finished;
    expectSuccess(result);
    // without a transport its ACK and BYE would go by UDP
    const contact = /^Contact: (.*)$/m.exec(received(result, 'SIP/2.0 200 OK')[0]?.text ?? '')?.[1] ?? '';
    expect(contact.includes(';transport=tcp>;isfocus')).toBe(transport === 'tcp');
    await nobodyIsLeft();
  });

  it('makes calls at once, as many as there is room for', async () => {
    const result = await runSipp({
      scenario: 'call',
      server: server(),
      ...stranger,
      calls: 3,
      rate: 100,
      holdMs: 1000,
    });
    expectSuccess(result, 3);
    await nobodyIsLeft();
    at.place.expectNothingLeft();
  });

  it('is refused and says so when the password is wrong', async () => {
    const wrong = { ...member, credentials: { username: 'alice', password: 'x' } };
    const result = await runSipp({ scenario: 'call', server: server(), ...wrong });
    expect(result.code).toBe(1);
    expect(result.calls).toEqual({ ok: 0, failed: 1 });
    expect(result.errors).toContain('401');
    expect(at.legs()).toEqual([]);
  });

  it('is let go with a reason when the room sends the caller out', async () => {
    await aliceInTheRoom();
    const run = await startSipp({ scenario: 'kicked', server: server(), ...member });
    cleanUp.push(() => run.stop());
    await eventually(() => at.legs().length === 1, 'the leg is known');
    await kick();
    const result = await run.finished;
    expectSuccess(result);
    expect(received(result, 'BYE ')[0]?.text).toContain('Reason: SIP;cause=603;text="Removed from the room"');
    await nobodyIsLeft();
  });

  it('is refused for good: who is banned, and who is no member of a room for members', async () => {
    await at.bus.publish(link.id, 'caller-ban', aliceAor, { aor: aliceAor, reason: null, by: 'operator' });
    const banned = await runSipp({ scenario: 'refused', server: server(), ...member });
    expectSuccess(banned);
    expect(received(banned, 'SIP/2.0 403')[0]?.text).toMatch(/^SIP\/2\.0 403 Banned/);
    await at.bus.publish(link.id, 'room', '-', { ...room, membersOnly: true });
    const outsider = await runSipp({ scenario: 'refused', server: server(), ...stranger });
    expectSuccess(outsider);
    expect(received(outsider, 'SIP/2.0 401')).toEqual([]);
    expect(at.legs()).toEqual([]);
  });

  it.each<[string, 'udp' | 'tcp', Who]>([
    ['with a password', 'udp', member],
    ['without', 'udp', stranger],
    ['with a password over tcp', 'tcp', member],
  ])('watches the conference %s', async (_how, transport, who) => {
    await aliceInTheRoom();
    const result = await runSipp({ scenario: 'watch', server: server(transport), transport, ...who });
    expectSuccess(result);
    const reader = new ConferenceReader(uri);
    const notifications = received(result, 'NOTIFY ');
    for (const { text } of notifications) {
      const body = /\r?\n\r?\n(<[\s\S]*)/.exec(text)?.[1];
      if (body) reader.accept(body.trimEnd());
    }
    expect(notifications).toHaveLength(3);
    expect(notifications[2]?.text).toContain('Subscription-State: terminated;reason=timeout');
    expect(reader.version).toBeGreaterThanOrEqual(2);
    expect(reader.view.users.map((user) => user.displayText)).toEqual(['alice']);
    expect(countsAgree(reader.view)).toBe(true);
    await eventually(() => at.focus.debug().subscriptions === 0, 'nobody watches');
  });

  it('is told which events there are', async () => {
    expectSuccess(await runSipp({ scenario: 'other-event', server: server(), ...stranger }));
  });

  it('sounds, and others hear it as long as it does', async () => {
    const call = await ownPhone(700);
    const run = await startSipp({ scenario: 'talk', server: server(), ...stranger, tone: 1100, holdMs: 3000 });
    cleanUp.push(() => run.stop());
    await call.hears(1100);
    expectSuccess(await run.finished);
    await call.silentOf(1100);
  });
});

describe.skipIf(baresipIsMissing !== '')(`baresip${baresipIsMissing}`, () => {
  async function started(options: Partial<BaresipOptions> = {}): Promise<Baresip> {
    const phone = await Baresip.start({
      server: server(options.transport),
      aor: 'sip:carol@elsewhere.example',
      ...options,
    });
    cleanUp.push(() => phone.stop());
    return phone;
  }

  it('hears whom it calls with, and they it, but not itself', async () => {
    const phone = await started({ tone: 500 });
    const call = await ownPhone(900);
    await phone.dial(uri);
    await Promise.all([phone.hears(900), call.hears(500)]);
    await Promise.all([phone.silentOf(500), call.silentOf(900)]);
  });

  it.each(['udp', 'tcp'] as const)(
    'proves who it is over %s, is shown, and goes when it hangs up',
    async (transport) => {
      await aliceInTheRoom();
      const watch = await watcher();
      const phone = await started({ transport, aor: 'sip:alice@example.com', credentials });
      await phone.dial(uri);
      const speaks = (user: Watcher['view']['users'][number]): boolean =>
        user.endpoints.some((endpoint) => endpoint.joiningMethod === 'dialed-in');
      await watch.until(({ users }) => users.some(speaks), 'the phone is shown');
      expect(at.legs()[0]).toMatchObject({ aor: aliceAor, proof: 'digest' });
      await phone.hangUp();
      await phone.waitFor('CALL_CLOSED');
      await watch.until(({ users }) => !users.some(speaks), 'the phone is shown no more');
      await nobodyIsLeft();
      // its trace: everything of a call goes the way that the call came
      const ways = [...phone.output().matchAll(/^(TCP|UDP) 127\.0\.0\.1:\d+ -> /gm)].map((each) => each[1]);
      expect(new Set(ways)).toEqual(new Set([transport.toUpperCase()]));
    },
  );

  it('tells its person why it may not call', async () => {
    await at.bus.publish(link.id, 'room', '-', { ...room, membersOnly: true });
    const phone = await started();
    await expect(phone.dial(uri)).rejects.toThrow(/refused: 403 Members only/);
    await expect(phone.dial('sip:nobody@conf.example')).rejects.toThrow(/refused: 404/);
  });

  it('mutes itself, and holds and resumes the call', async () => {
    const phone = await started({ tone: 500 });
    const call = await ownPhone(900);
    await phone.dial(uri);
    await call.hears(500);
    await phone.mute();
    await call.silentOf(500);
    await phone.mute(false);
    await call.hears(500);
    await phone.hold();
    await eventually(() => at.legs().some((leg) => leg.status === 'on-hold'), 'on hold');
    await call.silentOf(500);
    await phone.resume();
    await call.hears(500);
  });

  it('is muted when the room takes its person’s voice, still hears, and speaks again when it is given back', async () => {
    await aliceInTheRoom();
    const phone = await started({ tone: 500, aor: 'sip:alice@example.com', credentials });
    const call = await ownPhone(900);
    await phone.dial(uri);
    await call.hears(500);
    await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
    await Promise.all([call.silentOf(500), phone.hears(900)]);
    await at.bus.publish(link.id, 'occupant', 'alice', { ...alice, cause: 'granted' });
    await call.hears(500);
  });

  it('is let go when the room sends its person out', async () => {
    await aliceInTheRoom();
    const phone = await started({ aor: 'sip:alice@example.com', credentials });
    await phone.dial(uri);
    await eventually(() => at.legs().length === 1, 'the leg is known');
    await kick();
    // it shows this for a BYE, whatever its Reason says
    expect(await phone.waitFor('CALL_CLOSED')).toMatchObject({ param: 'Connection reset by peer' });
    await nobodyIsLeft();
  });

  it('hears SIPp, where that is installed', async (context) => {
    if (sippIsMissing) context.skip(sippIsMissing);
    const phone = await started({ tone: 500 });
    await phone.dial(uri);
    const run = await startSipp({ scenario: 'talk', server: server(), ...stranger, tone: 1300, holdMs: 60_000 });
    cleanUp.push(() => run.stop());
    await phone.hears(1300);
    await run.stop();
    // a caller who vanished without BYE sends no more
    await phone.silentOf(1300);
  });
});
