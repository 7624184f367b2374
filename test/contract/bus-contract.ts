/** What every Bus and Asks must do, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Asks } from '../../src/bus/asks.ts';
import type { Bus, FactEvent } from '../../src/bus/bus.ts';
import type { VoiceTakenFact } from '../../src/conference-info/occupant.ts';
import type { Aor } from '../../src/identity/aor.ts';
import { currentTrace, withTrace } from '../../src/trace.ts';

/** One process's connection to a shared bus. */
export interface BusSide {
  readonly bus: Bus;
  readonly asks: Asks;
}

/** Makes sides that share facts. `stop` ends all. */
export interface BusWorld {
  side(): Promise<BusSide>;
  stop(): Promise<void>;
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
};

const taken = (jid: string, by: string | null = null): VoiceTakenFact => ({ jid, by });

/** Runs the suite; `separate` when two sides are two processes' views. */
export function busContract(name: string, makeWorld: () => Promise<BusWorld>): void {
  describe(`bus: ${name}`, () => {
    let world: BusWorld;
    let one: BusSide;
    beforeEach(async () => {
      world = await makeWorld();
      one = await world.side();
    });
    afterEach(async () => world.stop());

    it('has a fact as soon as publish resolves', async () => {
      await one.bus.publish('tea', 'voice-taken', 'bob@x', taken('bob@x'));
      expect(one.bus.facts.meeting('tea').voicesTaken.get('bob@x')).toEqual(taken('bob@x'));
    });

    it('keeps the last value and tells what stood before', async () => {
      const heard: FactEvent[] = [];
      one.bus.listen((event) => heard.push(event));
      await one.bus.publish('tea', 'voice-taken', 'bob@x', taken('bob@x'));
      await one.bus.publish('tea', 'voice-taken', 'bob@x', taken('bob@x', 'alice'));
      await one.bus.withdraw('tea', 'voice-taken', 'bob@x');
      await until(() => heard.length === 3);
      expect(heard.map((event) => [event.value, event.previous])).toEqual([
        [taken('bob@x'), null],
        [taken('bob@x', 'alice'), taken('bob@x')],
        [null, taken('bob@x', 'alice')],
      ]);
      expect(one.bus.facts.meeting('tea').voicesTaken.size).toBe(0);
    });

    it('says nothing when a fact already stands so, or is withdrawn twice', async () => {
      const heard: FactEvent[] = [];
      await one.bus.publish('tea', 'voice-taken', 'bob@x', taken('bob@x'));
      one.bus.listen((event) => heard.push(event));
      await one.bus.publish('tea', 'voice-taken', 'bob@x', taken('bob@x'));
      await one.bus.withdraw('tea', 'voice-taken', 'carol@x');
      await one.bus.publish('tea', 'voice-taken', 'last', taken('last'));
      await until(() => heard.length > 0);
      expect(heard.map((event) => event.key)).toEqual(['last']);
    });

    it('gives a late starter every current fact and none that was withdrawn', async () => {
      for (let i = 0; i < 50; i++) await one.bus.publish('tea', 'voice-taken', `n${i}@x`, taken(`n${i}@x`));
      await one.bus.withdraw('tea', 'voice-taken', 'n7@x');
      const binding = { aor: 'sip:a@b' as Aor, jid: 'a@b', proof: 'directory' } as const;
      await one.bus.publish('_', 'binding', 'sip:a@b', binding);
      await one.bus.flush(5000);
      const two = await world.side();
      expect(two.bus.facts.meeting('tea').voicesTaken.size).toBe(49);
      expect(two.bus.facts.bindings.get('sip:a@b')).toEqual(binding);
    });

    it('shares facts and their trace between sides', async () => {
      const two = await world.side();
      const heard: (FactEvent & { readonly under: string | undefined })[] = [];
      two.bus.listen((event) => heard.push({ ...event, under: currentTrace() }));
      await withTrace(() => one.bus.publish('tea', 'voice-taken', 'é*.>@x', taken('é*.>@x')), 'trace-1');
      await until(() => heard.length === 1);
      expect(heard[0]).toMatchObject({ link: 'tea', key: 'é*.>@x', trace: 'trace-1', under: 'trace-1' });
      expect(two.bus.facts.meeting('tea').voicesTaken.has('é*.>@x')).toBe(true);
    });

    it('refuses a value that has not the form of its kind, naming the place and not the value', async () => {
      const wrong = { jid: 4711, by: null } as unknown as VoiceTakenFact;
      await expect(one.bus.publish('tea', 'voice-taken', 'x', wrong)).rejects.toMatchObject({
        code: 'BUS_MESSAGE_INVALID',
        message: expect.stringContaining('jid'),
      });
      await expect(one.bus.publish('Not a link', 'voice-taken', 'x', taken('x'))).rejects.toMatchObject({
        code: 'BUS_MESSAGE_INVALID',
      });
    });

    it('goes on after a listener that throws', async () => {
      const heard: string[] = [];
      one.bus.listen(() => {
        throw new Error('bad listener');
      });
      one.bus.listen((event) => heard.push(event.key));
      await one.bus.publish('tea', 'voice-taken', 'bob@x', taken('bob@x'));
      await until(() => heard.length === 1);
    });

    it('carries an ask to its owner and the answer back', async () => {
      const two = await world.side();
      two.asks.serve({ owner: 'room' }, async (ask) => ({ ok: true, notes: [ask.act, ask.by] }));
      const ask = { to: 'room', act: 'kick', nick: 'Bob', link: 'tea', by: 'ops', reason: null } as const;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await one.asks.ask({ owner: 'room' }, ask)).toEqual({ ok: true, notes: ['kick', 'ops'] });
    });

    it('rejects an ask that nobody answers, and answers for a handler that fails', async () => {
      const ask = { to: 'focus', act: 'mute', leg: 'l1', link: 'tea', by: 'ops', reason: null } as const;
      await expect(one.asks.ask({ owner: 'focus', instance: 'a' }, ask, 200)).rejects.toMatchObject({
        code: 'ASK_UNANSWERED',
      });
      one.asks.serve({ owner: 'focus', instance: 'a' }, async () => {
        throw new Error('broken');
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await one.asks.ask({ owner: 'focus', instance: 'a' }, ask)).toMatchObject({
        ok: false,
        condition: 'internal-error',
      });
    });
  });
}
