/** From the moderator's taking of voice in the room to silence in the call, and what its parts take by themselves in the same run. */
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import { type Call, CallRefused, SipPhone } from '../harness/sip/phone.ts';
import { RtpSession } from '../harness/sip/rtp-session.ts';
import type { XmppRoom } from '../harness/xmpp-room.ts';
import { BareEventSocket } from './bare-event-socket.ts';
import type { BareMixerOrder, BareMixerReport } from './bare-mixer.ts';
import { openBareStream, type Way } from './bare-stream.ts';
import { Child } from './child.ts';
import { Ear } from './ear.ts';
import { oneMessage } from './kick-latency.ts';
import { clock, pause } from './measure.ts';

/** All in ms; one entry per change of role. */
export interface VoiceTimes {
  readonly total: number[];
  /** Until a bare client in the room sees the new role. */
  readonly stanza: number[];
  /** Bare publish until the consumer has it. */
  readonly bus: number[];
  /** Bare mute at the same kind of mixer until silence. */
  readonly mute: number[];
}

const host = '127.0.0.1';
const tone = 610;
/** Entries of one call stand together. */
export const changesPerCall = 10;
const emptyMs = 500;
/** Changes that do not count. */
const warmUp = changesPerCall;
/** Audio goes in packets of 20 ms: orders must come at any time within one, else the luck of their phase is measured. */
const anyPhase = (): Promise<void> => pause(Math.random() * 20);

/** A mixer of the same kind with two callers and no focus. */
interface BareMixing {
  readonly ear: Ear;
  /** Gives the time of the order. */
  mute(muted: boolean): Promise<number>;
  stop(): Promise<void>;
}

async function bareFreeswitch(stack: MeetingStack): Promise<BareMixing> {
  const { sipPort, eventPort, password } = stack.freeswitch;
  const server = { host, port: sipPort };
  const [talker, listener] = await Promise.all([
    SipPhone.open({ server, aor: 'sip:talker@elsewhere.test', tone }),
    SipPhone.open({ server, aor: 'sip:listener@elsewhere.test' }),
  ]);
  const uri = `sip:cusax.floor@${host}:${sipPort}`;
  await talker.call(uri);
  const socket = await BareEventSocket.open(eventPort, password);
  // The talker is alone yet, so the list has one line, which begins with the member's number.
  const member = /^(\d+);/m.exec((await socket.api('conference cusax.floor list')).split('\n\n').at(-1) ?? '')?.[1];
  const heard = await listener.call(uri);
  const ear = new Ear(tone);
  heard.onAudio((samples) => ear.hear(samples));
  return {
    ear,
    async mute(muted) {
      const at = clock();
      await socket.api(`conference cusax.floor ${muted ? 'mute' : 'unmute'} ${member ?? 'last'}`);
      return at;
    },
    async stop() {
      await Promise.all([talker.close(), listener.close()]);
      socket.close();
    },
  };
}

async function bareEmbedded(): Promise<BareMixing> {
  const mixer: Child<BareMixerOrder, BareMixerReport> = await Child.start(new URL('./bare-mixer.ts', import.meta.url));
  await mixer.ask({ kind: 'start' }, 'ready');
  const enter = async (leg: string, hz: number): Promise<RtpSession> => {
    const session = await RtpSession.open(hz);
    session.accept([{ codec: 'PCMU', payloadType: 0 }]);
    const lines = ['v=0', `o=- 1 1 IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0'];
    const offer = `${lines.join('\r\n')}\r\nm=audio ${session.port} RTP/AVP 0\r\n`;
    const { sdp } = await mixer.ask({ kind: 'join', leg, offer }, 'joined');
    const port = Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
    session.sendTo({ host, port, codec: 'PCMU', payloadType: 0, sending: true });
    return session;
  };
  const [talker, listener] = [await enter('talker', tone), await enter('listener', 0)];
  const ear = new Ear(tone);
  listener.hearing.onPacket = (samples) => ear.hear(samples);
  return {
    ear,
    mute: async (muted) => (await mixer.ask({ kind: 'mute', leg: 'talker', muted }, 'muted')).at,
    async stop() {
      talker.close();
      listener.close();
      await mixer.stop();
    },
  };
}

/** What one measurement needs. */
interface Scene {
  /** The room as the moderator has it, and as somebody else sees it. */
  readonly room: XmppRoom;
  readonly seen: XmppRoom;
  readonly stream: Way;
}

/** Calls, again after a refusal: FreeSWITCH takes no call while it takes down a conference that has become empty. */
async function enter(phone: SipPhone, conference: string): Promise<Call> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const outcome = await phone.tryCall(conference);
    if (!(outcome instanceof CallRefused)) return outcome;
    await pause(emptyMs);
  }
  throw new Error('the conference takes no calls');
}

/** Takes bob's voice once and gives it back, then measures each part once. */
async function measureOnce(
  { room, seen, stream }: Scene,
  ear: Ear,
  bare: BareMixing,
): Promise<[keyof VoiceTimes, number][]> {
  await Promise.all([ear.until(true), bare.ear.until(true)]);
  await anyPhase();
  const at = clock();
  const isVisitor = ({ occupants }: XmppRoom): boolean => occupants.get('bob')?.role === 'visitor';
  const visitor = seen.until(isVisitor, 'bob is a visitor').then(clock);
  await Promise.all([room.revokeVoice('bob'), visitor]);
  const silent = await ear.until(false);
  await room.grantVoice('bob');
  const bus = await oneMessage(stream, 0);
  await anyPhase();
  const ordered = await bare.mute(true);
  const quiet = await bare.ear.until(false);
  await bare.mute(false);
  return [
    ['total', silent - at],
    ['stanza', (await visitor) - at],
    ['bus', bus],
    ['mute', quiet - ordered],
  ];
}

/** Takes bob's voice so many times, over several calls: how the packets of a call lie to the mixer's clock stays for the whole call. */
export async function measureVoice(stack: MeetingStack, changes: number): Promise<VoiceTimes> {
  const [moderator, observer, talker] = await Promise.all(['alice', 'dave', 'bob'].map((name) => stack.user(name)));
  if (!moderator || !observer || !talker) throw new Error('somebody is missing');
  const room = await moderator.join(stack.room, 'alice');
  const seen = await observer.join(stack.room, 'dave');
  await talker.join(stack.room, 'bob');
  const stream = await openBareStream(stack.nats.url, { nick: 'bob', jid: 'bob@xmpp.test', role: 'visitor' });
  const phones = [await stack.phone('bob', { tone }), await stack.phone('carol', { tone: 0 })];
  const times: VoiceTimes = { total: [], stanza: [], bus: [], mute: [] };
  for (let done = -warmUp; done < changes; done += changesPerCall) {
    // The talker first, as in the part: who enters when decides how deep FreeSWITCH buffers a leg.
    const calls: Call[] = [];
    for (const phone of phones) calls.push(await enter(phone, stack.conference));
    const ear = new Ear(tone);
    calls.at(-1)?.onAudio((samples) => ear.hear(samples));
    const bare = stack.kind.sip === 'native' ? await bareFreeswitch(stack) : await bareEmbedded();
    for (let index = 0; index < changesPerCall; index += 1) {
      const measured = await measureOnce({ room, seen, stream }, ear, bare);
      if (done >= 0) for (const [part, ms] of measured) times[part].push(ms);
    }
    await bare.stop();
    await Promise.all(calls.map((call) => call.hangUp()));
    await pause(emptyMs);
  }
  await stream.stop();
  return times;
}
