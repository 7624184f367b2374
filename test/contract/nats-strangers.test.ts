/** What strangers write on the subjects of facts: nothing is lost by it, nothing comes back, and nobody fights without end. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type MsgHdrs } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { createNatsBus, type NatsBusSettings } from '../../src/bus/nats-bus.ts';
import { NatsLink } from '../../src/bus/nats-link.ts';
import { factStream } from '../../src/bus/nats-stream.ts';
import type { VoiceTakenFact } from '../../src/conference-info/occupant.ts';
import { createLog, type Logger } from '../../src/log.ts';
import { findNats, startNats } from '../harness/servers/nats.ts';
import { layWire } from './tcp-wire.ts';

const silent = createLog({ level: 'silent' });
const taken = (by: string): VoiceTakenFact => ({ jid: 'a@x', by });
/** Lets a process see what stands before it, and do about it what it will do. */
async function seen(bus: Bus): Promise<void> {
  for (const jid of ['seen-1@x', 'seen-2@x']) {
    await bus.publish('tea', 'voice-taken', jid, { jid, by: null });
    await bus.flush(20_000);
  }
}

const subject = `cusax.v1.tea.voice-taken.${Buffer.from('a@x').toString('base64url')}`;

function head(entries: Record<string, string>): MsgHdrs {
  const made = headers();
  for (const [name, value] of Object.entries(entries)) made.set(name, value);
  return made;
}

describe.skipIf(findNats() === null)('strangers on NATS', () => {
  const cleanUp: Array<() => Promise<unknown>> = [];

  afterEach(async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  });

  /** A server, a stranger on it, and a maker of processes. */
  async function world() {
    const server = await startNats();
    cleanUp.push(() => server.stop());
    const connection = await connect({ servers: server.url });
    cleanUp.push(() => connection.close());
    const manager = await jetstreamManager(connection);
    const stranger = jetstream(connection);
    const start = async (settings: NatsBusSettings = {}, log: Logger = silent, port = server.port) => {
      const link = new NatsLink({ servers: [`nats://127.0.0.1:${port}`], name: 'test', pingInterval: 200 }, log);
      const bus = createNatsBus(link, log, { startLimit: 15_000, ...settings });
      cleanUp.push(() => bus.close());
      await bus.start();
      const voice = (): string | null | undefined => bus.facts.meeting('tea').voicesTaken.get('a@x')?.by;
      const say = (by: string): Promise<void> => bus.publish('tea', 'voice-taken', 'a@x', taken(by));
      return { bus, voice, say };
    };
    /** What stands on the server under the subject: the value's `by`, null for a withdrawal, or the text of what is no fact. */
    const standing = async (): Promise<string | null> => {
      const message = await manager.streams.getMessage(factStream, { last_by_subj: subject });
      const content = message?.string() ?? '';
      if (!content.startsWith('{"value":{"jid":"a@x"') && !content.startsWith('{"value":null')) return content;
      return (JSON.parse(content) as { value: VoiceTakenFact | null }).value?.by ?? null;
    };
    const stands = (by: string | null): Promise<void> => expect.poll(standing, { timeout: 20_000 }).toBe(by);
    return { server, manager, stranger, start, standing, stands };
  }

  const shapes: Array<[string, string, MsgHdrs?]> = [
    ['no JSON', 'not json'],
    ['nothing', ''],
    ['a delete marker', '', head({ 'KV-Operation': 'DEL' })],
    ['a purge marker', '', head({ 'KV-Operation': 'PURGE', 'Nats-Rollup': 'sub' })],
    ['no value', '{}'],
    ['a value of another form', '{"value":{"jid":1}}'],
    ['a value that is too long', JSON.stringify({ value: { jid: 'j'.repeat(500_000), by: null } })],
    ['a lot of noise', '~'.repeat(900_000)],
  ];

  it.each(shapes)('gives a late starter the fact in whose place %s was written', async (_, payload, heading) => {
    const { stranger, start, stands } = await world();
    const [owner, other] = [await start(), await start()];
    await owner.say('one');
    // A stream that forbids markers refuses them itself; then nothing has to be mended.
    await stranger.publish(subject, payload, heading ? { headers: heading } : {}).catch(() => undefined);
    await stands('one');
    expect((await start()).voice()).toBe('one');
    expect([owner.voice(), other.voice()]).toEqual(['one', 'one']);
    await owner.say('two');
    await expect.poll(other.voice, { timeout: 10_000 }).toBe('two');
  });

  it('withdraws again what was withdrawn before', async () => {
    const { stranger, start, stands } = await world();
    const owner = await start();
    await owner.say('one');
    await owner.bus.withdraw('tea', 'voice-taken', 'a@x');
    await stranger.publish(subject, 'not json');
    await stands(null);
    expect((await start()).voice()).toBeUndefined();
  });

  it('leaves it to the process that spoke last, also when it only confirmed what stood', async () => {
    const { stranger, start, standing, stands } = await world();
    const [earlier, listener] = [await start(), await start({ repairPause: 1 })];
    await listener.say('zero');
    await expect.poll(earlier.voice, { timeout: 10_000 }).toBe('zero');
    await earlier.say('one');
    const later = await start();
    await later.say('one');
    await earlier.bus.close();
    await stranger.publish(subject, 'not json');
    await stands('one');
    await later.bus.close();
    await stranger.publish(subject, 'not json');
    await seen(listener.bus);
    expect(await standing()).toBe('not json');
    expect(listener.voice()).toBe('one');
    // Now it speaks of it, and says nothing new: a late starter must have that too.
    await listener.say('one');
    await stands('one');
  });

  it('brings nothing back after a restart; what is said then stands', async () => {
    const { stranger, start, standing, stands } = await world();
    const before = await start();
    await before.say('one');
    await before.bus.close();
    await stranger.publish(subject, 'not json');
    const after = await start();
    expect(after.voice()).toBeUndefined();
    await seen(after.bus);
    expect(await standing()).toBe('not json');
    await after.say('one');
    await stands('one');
    expect(after.voice()).toBe('one');
  });

  it('brings nothing back that was withdrawn while it was away', async () => {
    const { server, stranger, start, standing, stands } = await world();
    const wire = await layWire(server.port);
    cleanUp.push(async () => wire.close());
    const [owner, successor] = [await start({}, silent, wire.port), await start()];
    await owner.say('one');
    await expect.poll(successor.voice, { timeout: 10_000 }).toBe('one');
    wire.cut();
    await expect.poll(() => owner.bus.status(), { timeout: 20_000 }).toBe('degraded');
    await successor.bus.withdraw('tea', 'voice-taken', 'a@x');
    await successor.bus.close();
    await stranger.publish(subject, 'not json');
    wire.mend();
    await expect.poll(() => owner.bus.status(), { timeout: 20_000 }).toBe('connected');
    await seen(owner.bus);
    expect(await standing()).toBe('not json');
    await owner.say('two');
    await stands('two');
  });

  it('does not lose what is being said while a stranger writes there', async () => {
    const { stranger, start, stands } = await world();
    const owner = await start({ repairPause: 50 });
    for (let round = 0; round < 20; round += 1) {
      const noise = [stranger.publish(subject, 'not json'), stranger.publish(subject, '')];
      await Promise.all([owner.say(`round ${round}`), ...noise]);
      expect(owner.voice()).toBe(`round ${round}`);
    }
    await stands('round 19');
    await owner.bus.flush(20_000);
  });

  it('does not fight a flood, and logs it a few times only', async () => {
    const lines: string[] = [];
    const log = createLog({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const { manager, stranger, start, stands } = await world();
    const owner = await start({ repairPause: 60_000 }, log);
    await owner.say('one');
    await stranger.publish(subject, 'not json');
    await stands('one');
    for (let i = 0; i < 200; i += 1) await stranger.publish(subject, 'not json');
    // Its own fact, the one repair, what the stranger wrote, and the two facts that show that all of this was seen.
    await seen(owner.bus);
    expect((await manager.streams.info(factStream)).state.last_seq).toBe(1 + 1 + 201 + 2);
    const counted = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ messages }) => messages);
    expect(counted.map(({ link, kind, messages }) => [link, kind, messages])).toEqual([
      ['tea', 'voice-taken', 1],
      ['tea', 'voice-taken', 10],
      ['tea', 'voice-taken', 100],
    ]);
    expect(lines.join('')).not.toContain('a@x');
    expect(owner.voice()).toBe('one');
    await owner.say('two');
    await stands('two');
  });

  it('lets a message stand that another process of the service wrote and this one cannot read', async () => {
    const { stranger, start, standing } = await world();
    const owner = await start();
    await owner.say('one');
    const newer = '{"value":{"of-a-newer-release":1}}';
    await stranger.publish(subject, newer, { headers: head({ 'Cusax-Origin': 'another', 'Cusax-Version': '1' }) });
    await seen(owner.bus);
    expect(await standing()).toBe(newer);
    expect(owner.voice()).toBe('one');
  });
});
