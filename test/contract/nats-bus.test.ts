/** The bus on a real nats-server: the contract, and what happens when the server goes away. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bus, BusStatus, FactEvent } from '../../src/bus/bus.ts';
import type { Leases } from '../../src/bus/leases.ts';
import { createNatsAsks } from '../../src/bus/nats-asks.ts';
import { createNatsBus } from '../../src/bus/nats-bus.ts';
import { createNatsLeases } from '../../src/bus/nats-leases.ts';
import { NatsLink } from '../../src/bus/nats-link.ts';
import { factStream } from '../../src/bus/nats-stream.ts';
import type { VoiceTakenFact } from '../../src/conference-info/occupant.ts';
import { createLog } from '../../src/log.ts';
import { findNats, type NatsServer, startNats } from '../harness/servers/nats.ts';
import { type BusSide, busContract } from './bus-contract.ts';
import { layWire } from './tcp-wire.ts';

const log = createLog({ level: 'silent' });
const taken = (jid: string, by: string | null = null): VoiceTakenFact => ({ jid, by });

interface Side extends BusSide {
  readonly bus: Bus;
  readonly link: NatsLink;
  readonly leases: Leases;
}

function sideOf(server: NatsServer, name = 'test', waitingLimit = 10_000, withdrawalsKept = 86_400_000): Side {
  const link = new NatsLink({ servers: [server.url], name, pingInterval: 200 }, log);
  const bus = createNatsBus(link, log, { startLimit: 15_000, waitingLimit, withdrawalsKept });
  return { link, bus, asks: createNatsAsks(link, log), leases: createNatsLeases(link, log, { term: 2_000 }) };
}

describe.skipIf(findNats() === null)('on nats-server', () => {
  busContract('NATS', async () => {
    const server = await startNats();
    const sides: Side[] = [];
    return {
      async side() {
        const side = sideOf(server);
        sides.push(side);
        await side.bus.start();
        return side;
      },
      async stop() {
        for (const { bus } of sides) await bus.close();
        await server.stop();
      },
    };
  });

  describe('a server that fails', () => {
    const cleanUp: Array<() => Promise<unknown>> = [];

    afterEach(async () => {
      for (const step of cleanUp.splice(0).reverse()) await step();
    });

    async function world(sides: number, waitingLimit?: number) {
      const server = await startNats();
      cleanUp.push(() => server.stop());
      const made = Array.from({ length: sides }, (_, index) => sideOf(server, `side-${index}`, waitingLimit));
      for (const { bus } of made) {
        cleanUp.push(() => bus.close());
        await bus.start();
      }
      return { server, sides: made, one: made[0]!, two: made[1]! };
    }

    const becomes = (bus: Bus, status: BusStatus): Promise<void> =>
      expect.poll(() => bus.status(), { timeout: 20_000 }).toBe(status);
    const voices = ({ bus }: BusSide) => bus.facts.meeting('tea').voicesTaken;
    const say = ({ bus }: BusSide, jid: string, by: string | null = null): Promise<void> =>
      bus.publish('tea', 'voice-taken', jid, taken(jid, by));

    it('cannot be started without a server', async () => {
      const { server } = await world(0);
      await server.kill();
      const link = new NatsLink({ servers: [server.url], name: 'x' }, log);
      const bus = createNatsBus(link, log, { startLimit: 300 });
      await expect(bus.start()).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
      expect(bus.status()).toBe('closed');
    });

    it('loses no fact that was acknowledged before it was killed', async () => {
      const { server, one } = await world(1);
      for (let i = 0; i < 200; i += 1) await say(one, `n${i}@x`);
      await one.bus.flush(5_000);
      await server.kill();
      await server.restart();
      await becomes(one.bus, 'connected');
      const late = sideOf(server);
      cleanUp.push(() => late.bus.close());
      await late.bus.start();
      await expect.poll(() => voices(late).size, { timeout: 20_000 }).toBe(200);
    });

    it('gets what was said while it was away, the last value of each, and gives it to the others', async () => {
      const { server, one, two } = await world(2);
      await say(one, 'a@x');
      await say(one, 'gone@x');
      await server.kill();
      await becomes(one.bus, 'degraded');
      const heard: FactEvent[] = [];
      one.bus.listen((event) => heard.push(event));
      for (const by of ['1', '2', '3']) await say(one, 'a@x', by);
      await say(one, 'b@x');
      await one.bus.withdraw('tea', 'voice-taken', 'gone@x');
      expect([...voices(one).keys()].sort()).toEqual(['a@x', 'b@x']);
      expect(voices(one).get('a@x')?.by).toBe('3');
      await expect(one.bus.flush(50)).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
      await server.restart();
      await one.bus.flush(20_000);
      await expect.poll(() => [...voices(two).keys()].sort(), { timeout: 20_000 }).toEqual(['a@x', 'b@x']);
      expect(voices(two).get('a@x')?.by).toBe('3');
      // What was shown without the server is not told a second time when it comes back.
      expect(heard.map(({ key, value }) => [key, value && (value as VoiceTakenFact).by])).toEqual([
        ['a@x', '1'],
        ['a@x', '2'],
        ['a@x', '3'],
        ['b@x', null],
        ['gone@x', null],
      ]);
    });

    it('is told nothing twice by a fact said again after its return', async () => {
      const { server, one } = await world(1);
      await say(one, 'a@x', '1');
      await server.kill();
      await becomes(one.bus, 'degraded');
      await say(one, 'a@x', '2');
      await server.restart();
      await one.bus.flush(20_000);
      await say(one, 'a@x', '3');
      expect(voices(one).get('a@x')?.by).toBe('3');
    });

    it('is not turned back by its own echo that the broken link had kept from it', async () => {
      const { server } = await world(0);
      const wire = await layWire(server.port);
      const one = sideOf({ ...server, url: `nats://127.0.0.1:${wire.port}` });
      cleanUp.push(async () => {
        await one.bus.close();
        wire.close();
      });
      await one.bus.start();
      const other = await connect({ servers: server.url });
      cleanUp.push(() => other.close());
      const manager = await jetstreamManager(other);
      wire.hush();
      void say(one, 'a@x', '1');
      await expect
        .poll(async () => (await manager.streams.info(factStream)).state.messages, { timeout: 10_000 })
        .toBe(1);
      wire.cut();
      await becomes(one.bus, 'degraded');
      await say(one, 'a@x', '2');
      const heard: unknown[] = [];
      one.bus.listen(({ value }) => heard.push(value));
      wire.mend();
      await one.bus.flush(20_000);
      expect(heard).toEqual([]);
      expect(voices(one).get('a@x')?.by).toBe('2');
    });

    it('limits how many facts wait', async () => {
      const { server, one } = await world(1, 5);
      await server.kill();
      await becomes(one.bus, 'degraded');
      for (let i = 0; i < 5; i += 1) await say(one, `n${i}@x`);
      await expect(say(one, 'n5@x')).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
      await say(one, 'n4@x', 'again');
      await server.restart();
      await one.bus.flush(20_000);
      expect(voices(one).size).toBe(5);
    });

    it('lets the newer fact of another process stand against one that waited', async () => {
      const { server, one, two } = await world(2);
      await say(one, 'a@x', 'first');
      await expect.poll(() => voices(two).get('a@x')?.by).toBe('first');
      // One is cut off, as by a partition: its link is gone while the other's lives.
      const cut = sideOf(server, 'cut');
      cleanUp.push(() => cut.bus.close());
      await cut.bus.start();
      await server.kill();
      await Promise.all([one, two, cut].map(({ bus }) => becomes(bus, 'degraded')));
      await say(cut, 'a@x', 'stale');
      await say(two, 'a@x', 'newer');
      await server.restart();
      await Promise.all([one, two, cut].map(({ bus }) => bus.flush(20_000)));
      await Promise.all([one, two, cut].map(({ bus }) => becomes(bus, 'connected')));
      // Either may come first; what matters is that all agree and nothing is left over.
      await expect
        .poll(() => new Set([one, two, cut].map((side) => voices(side).get('a@x')?.by)).size, { timeout: 20_000 })
        .toBe(1);
    });

    it('rejects the slower of two processes that speak at once', async () => {
      const { one, two } = await world(2);
      for (let round = 0; round < 20; round += 1) {
        const outcomes = await Promise.allSettled([say(one, 'a@x', `one ${round}`), say(two, 'a@x', `two ${round}`)]);
        const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(failed.length).toBeLessThan(2);
        for (const { reason } of failed) expect(reason).toMatchObject({ code: 'BUS_CONFLICT' });
        await expect.poll(() => voices(one).get('a@x')).toEqual(voices(two).get('a@x'));
        await expect.poll(() => voices(one).get('a@x')?.by).toMatch(new RegExp(` ${round}$`));
      }
    });

    it('is given all facts again when it has lost its store', async () => {
      const { server, one, two } = await world(2);
      for (let i = 0; i < 20; i += 1) await say(i % 2 === 0 ? one : two, `n${i}@x`);
      await one.bus.withdraw('tea', 'voice-taken', 'n0@x');
      await expect.poll(() => voices(two).has('n0@x')).toBe(false);
      const other = await connect({ servers: server.url });
      const manager = await jetstreamManager(other);
      await manager.streams.delete(factStream);
      await other.close();
      const stored = async (): Promise<boolean> => {
        await say(one, 'later@x');
        return one.bus.flush(100).then(
          () => true,
          () => false,
        );
      };
      await expect.poll(stored, { timeout: 25_000 }).toBe(true);
      const late = sideOf(server);
      cleanUp.push(() => late.bus.close());
      await late.bus.start();
      await expect.poll(() => voices(late).size, { timeout: 25_000 }).toBe(20);
      expect(voices(late).has('n0@x')).toBe(false);
    });

    it('clears old withdrawals away at a start, and others notice nothing', async () => {
      const { server, one } = await world(1);
      await say(one, 'a@x');
      await say(one, 'b@x');
      await one.bus.withdraw('tea', 'voice-taken', 'a@x');
      const tidy = sideOf(server, 'tidy', 10_000, -60_000);
      cleanUp.push(() => tidy.bus.close());
      await tidy.bus.start();
      const other = await connect({ servers: server.url });
      const manager = await jetstreamManager(other);
      const count = async (): Promise<number> => (await manager.streams.info(factStream)).state.messages;
      await expect.poll(count, { timeout: 20_000 }).toBe(1);
      await other.close();
      // `one` still knows the revision of the withdrawal.
      await say(one, 'a@x', 'again');
      await expect.poll(() => voices(tidy).get('a@x')?.by, { timeout: 20_000 }).toBe('again');
    });

    it('leaves messages aside that are no facts', async () => {
      const { server, one } = await world(1);
      const other = await connect({ servers: server.url });
      for (const payload of ['not json', '{"value":{"jid":1}}', '{}', '']) {
        other.publish(`cusax.v1.tea.voice-taken.${Buffer.from('bad').toString('base64url')}`, payload);
      }
      other.publish('cusax.v1.tea.no-such-kind.AAAA', '{}');
      await other.close();
      await say(one, 'good@x');
      expect([...voices(one).keys()]).toEqual(['good@x']);
    });

    it('passes asks on again after its return', async () => {
      const { server, one, two } = await world(2);
      two.asks.serve({ owner: 'focus', instance: 'a.b' }, async (ask) => ({ ok: true, notes: [ask.act] }));
      const ask = { to: 'focus', act: 'mute', leg: 'l1', link: 'tea', by: 'ops', reason: null } as const;
      await server.kill();
      await becomes(one.bus, 'degraded');
      await expect(one.asks.ask({ owner: 'focus', instance: 'a.b' }, ask, 300)).rejects.toMatchObject({
        code: 'ASK_UNANSWERED',
      });
      await server.restart();
      await Promise.all([one, two].map(({ bus }) => becomes(bus, 'connected')));
      await expect
        .poll(() => one.asks.ask({ owner: 'focus', instance: 'a.b' }, ask, 1_000).catch(() => null), {
          timeout: 20_000,
        })
        .toEqual({ ok: true, notes: ['mute'] });
    });

    it('holds a lease for one at a time', async () => {
      const { one, two } = await world(2);
      const first = await one.leases.acquire('domain bridge.x', 'one');
      expect(first?.held()).toBe(true);
      expect(await two.leases.acquire('domain bridge.x', 'two')).toBeNull();
      expect(await two.leases.acquire('another', 'two')).not.toBeNull();
      const waiting = two.leases.wait('domain bridge.x', 'two', AbortSignal.timeout(20_000));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      // Longer than the term: it lives by renewal.
      expect(first?.held()).toBe(true);
      await first?.release();
      expect(first?.held()).toBe(false);
      expect((await waiting).held()).toBe(true);
    });

    it('gives the lease of a silent holder to who waits, and the holder knows before', async () => {
      const { server, one, two } = await world(2);
      const cut = await layWire(server.port);
      const far = sideOf({ ...server, url: `nats://127.0.0.1:${cut.port}` });
      cleanUp.push(async () => {
        await far.bus.close();
        cut.close();
      });
      await far.bus.start();
      const first = await far.leases.acquire('d', 'far');
      let lostAt = 0;
      first?.onLost(() => {
        lostAt = performance.now();
      });
      const waiting = two.leases.wait('d', 'two', AbortSignal.timeout(20_000));
      // The holder must have seen that somebody waits.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(await one.leases.acquire('d', 'one')).toBeNull();
      cut.cut();
      const second = await waiting;
      const takenAt = performance.now();
      expect(second.held()).toBe(true);
      expect(first?.held()).toBe(false);
      expect(lostAt).toBeGreaterThan(0);
      expect(lostAt).toBeLessThan(takenAt);
    });

    it('leaves the lease to a holder who is alone while the server is away', async () => {
      const { server, one } = await world(1);
      const lease = await one.leases.acquire('d', 'one');
      let lost = false;
      lease?.onLost(() => {
        lost = true;
      });
      await server.kill();
      await expect.poll(() => lease?.held(), { timeout: 10_000 }).toBe(false);
      await server.restart();
      await expect.poll(() => lease?.held(), { timeout: 20_000 }).toBe(true);
      expect(lost).toBe(false);
    });

    it('gives the lease to a later run of the same holder at once, and the earlier run loses it for good', async () => {
      const { one, two } = await world(2);
      const earlier = await one.leases.acquire('d', 'the same');
      let losses = 0;
      earlier?.onLost(() => {
        losses += 1;
      });
      const later = await two.leases.acquire('d', 'the same');
      expect(later?.held()).toBe(true);
      await expect.poll(() => losses, { timeout: 5_000 }).toBe(1);
      expect(later?.held()).toBe(true);
      expect(earlier?.held()).toBe(false);
    });

    it('ends a wait with the signal', async () => {
      const { one, two } = await world(2);
      await one.leases.acquire('d', 'one');
      await expect(two.leases.wait('d', 'two', AbortSignal.timeout(100))).rejects.toThrow();
    });
  });
});
