/** A focus on the embedded SIP agent and mixer in one process, for the contract of the harness's own phones and watchers. */
import { createHash } from 'node:crypto';
import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { createSipAgent } from '../../src/embedded/sip-agent/agent.ts';
import { canonicalAor } from '../../src/identity/aor.ts';
import type { Credentials } from '../../src/identity/credentials.ts';
import { createLog } from '../../src/log.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import { unboundedLimits } from '../../src/sip-focus/flow-gate.ts';
import { createSipFocus, type SipFocusSettings } from '../../src/sip-focus/sip-focus.ts';

const log = createLog({ level: (process.env.TEST_LOG as 'debug' | undefined) ?? 'silent' });
const link = { id: 'tea', room: 'tea@rooms.example', conference: 'sip:tea@conf.example', name: 'Tea', maximumUsers: 5 };
const realm = 'example.com';

/** The one account there is. */
export const account = { username: 'alice', password: 'won"der\\land' };

const ha1 = (algorithm: string): string =>
  createHash(algorithm).update(`${account.username}:${realm}:${account.password}`).digest('hex');
const credentials: Credentials = {
  async find(username, asked) {
    const aor = canonicalAor('sip:alice@example.com');
    if (username !== account.username || asked !== realm || aor === null) return null;
    return { username, aor, ha1: { md5: ha1('md5'), sha256: ha1('sha256') } };
  },
};

async function eventually(holds: () => boolean): Promise<void> {
  for (const limit = performance.now() + 10_000; !holds(); ) {
    if (performance.now() > limit) throw new Error('the focus did not get ready');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export type HarnessStage = Awaited<ReturnType<typeof startHarnessStage>>;

/** Starts everything on free ports; `stop` ends it. Callers from other domains need no password. */
export async function startHarnessStage(settings: Partial<SipFocusSettings> = {}) {
  const agent = await createSipAgent({
    admin: { host: '127.0.0.1', port: 0 },
    secret: 'cymru',
    listen: [
      { protocol: 'udp', host: '127.0.0.1', port: 0 },
      { protocol: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    log,
  });
  const mixer = createEmbeddedMixer({ host: '127.0.0.1', log });
  const onReport = mixer.onReport.bind(mixer);
  let digits = '';
  mixer.onReport = (listener) =>
    onReport((report) => {
      if (report.kind === 'dtmf') digits += report.digit;
      listener(report);
    });
  await mixer.start();
  const bus = createMemoryBus(log);
  await bus.start();
  const asks = createMemoryAsks(log);
  const open = { room: link.room, conference: link.conference, state: 'open', reason: null } as const;
  await bus.publish(link.id, 'link', '-', open);
  await bus.publish(link.id, 'room', '-', {
    joined: true,
    name: 'Tea',
    subject: null,
    moderated: false,
    membersOnly: false,
    passwordProtected: false,
    nonAnonymous: false,
    advertised: 'room',
  });
  const focus = createSipFocus({
    settings: {
      host: '127.0.0.1',
      port: agent.adminPort,
      secret: 'cymru',
      limits: unboundedLimits,
      realm,
      accountDomains: [realm],
      trustedPeers: [],
      authentication: 'offer',
      watching: 'anyone',
      notifier: { minimumGapMs: 0 },
      ...settings,
    },
    links: [link],
    policy: defaultPolicy,
    bus,
    asks,
    mixer,
    credentials,
    log,
    instance: 'focus-1',
    generation: 'g1',
  });
  await focus.start();
  await eventually(() => focus.ready() && focus.debug().notifyConnected);
  const server = (protocol: 'udp' | 'tcp') => {
    const address = agent.addresses.find((one) => one.protocol === protocol);
    if (address === undefined) throw new Error(`the agent does not listen on ${protocol}`);
    return { host: '127.0.0.1', port: address.port };
  };
  return {
    conference: link.conference,
    server,
    focus,
    mixer,
    bus,
    /** The keys that the mixer heard, of all legs so far. */
    digits: () => digits,
    legs: () => [...bus.facts.meeting(link.id).legs.values()],
    ask: (act: 'mute' | 'unmute' | 'remove', leg: string, reason: string | null = null) =>
      asks.ask(
        { owner: 'focus', instance: 'focus-1' },
        { link: link.id, by: 'operator', reason, to: 'focus', act, leg },
      ),
    closeConference: () => bus.publish(link.id, 'link', '-', { ...open, state: 'closed', reason: 'over' }),
    async stop() {
      await focus.stop();
      await mixer.stop();
      await agent.stop();
    },
  };
}
