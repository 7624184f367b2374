/** From the moderator's kick in the room to the BYE at the phone, and what its parts take by themselves in the same run. */
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import { startDrachtio } from '../harness/servers/drachtio.ts';
import { SipPhone } from '../harness/sip/phone.ts';
import type { AgentOrder, AgentReport } from './agent-process.ts';
import type { BareCallOrder, BareCallReport } from './bare-call.ts';
import { openBareStream, type Way } from './bare-stream.ts';
import { Child } from './child.ts';
import { clock, pause } from './measure.ts';

/** All in ms; one entry per kick. */
export interface KickTimes {
  readonly total: number[];
  /** Kick until a bare client in the room sees the victim gone. */
  readonly stanza: number[];
  /** Bare publish until the consumer has it. */
  readonly bus: number[];
  /** `destroy` of a bare application until the BYE is at the phone. */
  readonly bye: number[];
}

/** The same kind of SIP server as the stack has, with a bare application on it. */
interface BareCalls {
  /** Calls, has the call ended by the application, and gives the time until the BYE. */
  once(): Promise<number>;
  stop(): Promise<void>;
}

const host = '127.0.0.1';
/** Kicks that do not count: compilation, caches. */
const warmUp = 20;
/** What a join still has to do when the call is up, as telling its fact, is over by then. */
const settledMs = 60;

async function bareServer(native: boolean) {
  if (native) {
    const server = await startDrachtio();
    return { ...server, stop: () => server.stop() };
  }
  const agent: Child<AgentOrder, AgentReport> = await Child.start(new URL('./agent-process.ts', import.meta.url));
  const secret = 'bench';
  return { ...(await agent.ask({ kind: 'start', secret }, 'ready')), secret, stop: () => agent.stop() };
}

async function openBareCalls(native: boolean): Promise<BareCalls> {
  const server = await bareServer(native);
  const application: Child<BareCallOrder, BareCallReport> = await Child.start(
    new URL('./bare-call.ts', import.meta.url),
  );
  await application.ask({ kind: 'start', port: server.adminPort, secret: server.secret }, 'ready');
  const phone = await SipPhone.open({ server: { host, port: server.sipPort }, aor: 'sip:bare@elsewhere.test' });
  return {
    async once() {
      const call = await phone.call('sip:anybody@conf.test');
      const ended = call.ended().then(clock);
      const { at } = await application.ask({ kind: 'destroy' }, 'destroyed');
      return (await ended) - at;
    },
    async stop() {
      await phone.close();
      await application.stop();
      await server.stop();
    },
  };
}

/** Time until a message sent by itself is heard. */
export async function oneMessage(way: Way, index: number): Promise<number> {
  const heard = new Promise<number>((resolve) => {
    way.onHeard = () => resolve(clock());
  });
  const at = clock();
  await Promise.all([way.send(index % 100), heard]);
  return (await heard) - at;
}

/** Kicks bob so many times, each time from a call that is up; after each kick the parts are measured once. */
export async function measureKicks(stack: MeetingStack, kicks: number): Promise<KickTimes> {
  const [moderator, observer, victim] = await Promise.all(['alice', 'dave', 'bob'].map((name) => stack.user(name)));
  if (!moderator || !observer || !victim) throw new Error('somebody is missing');
  const room = await moderator.join(stack.room, 'alice');
  const seen = await observer.join(stack.room, 'dave');
  const phone = await stack.phone('bob');
  const stream = await openBareStream(stack.nats.url, { nick: 'bob', jid: 'bob@xmpp.test', role: 'none' });
  const calls = await openBareCalls(stack.kind.sip === 'native');
  const times: KickTimes = { total: [], stanza: [], bus: [], bye: [] };
  for (let index = 0; index < kicks + warmUp; index += 1) {
    await victim.join(stack.room, 'bob');
    const call = await phone.call(stack.conference);
    await Promise.all([room, seen].map((each) => each.until(({ occupants }) => occupants.has('bob'), 'bob is there')));
    await pause(settledMs);
    const at = clock();
    const gone = seen.until(({ occupants }) => !occupants.has('bob'), 'bob is gone').then(clock);
    const ended = call.ended(30_000).then(clock);
    await Promise.all([room.kick('bob'), gone, ended]);
    const parts = { bus: await oneMessage(stream, index), bye: await calls.once() };
    if (index < warmUp) continue;
    times.total.push((await ended) - at);
    times.stanza.push((await gone) - at);
    times.bus.push(parts.bus);
    times.bye.push(parts.bye);
  }
  await calls.stop();
  await stream.stop();
  await Promise.all([room.leave(), seen.leave()]);
  return times;
}
