/**
 * RFC 4575, 6665, 6446, 5839: whatever happens to a conference and to those who watch it, every rule holds for each of them. The rules are
 * in `watch-world.ts`; here is what happens.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { validateAll } from '../../harness/conference/schema.ts';
import { aor, type Change, change, leg } from './facts-sample.ts';
import { type Sight, WatchWorld } from './watch-world.ts';

const sight: fc.Arbitrary<Sight> = fc.constantFrom<Sight>(
  { view: 'ordinary', self: null },
  { view: 'moderator', self: null },
  { view: 'ordinary', self: 'jid:amy@im.example' },
  { view: 'ordinary', self: 'aor:tel:+493012345' },
  { view: 'ordinary', self: 'leg:l1' },
  { view: 'moderator', self: 'jid:bob@im.example' },
);
const rates = fc.option(
  fc.record({
    maxRate: fc.option(fc.constantFrom(0.05, 0.1, 99)),
    minRate: fc.option(fc.constantFrom(0.02, 0.3, 50)),
    adaptiveMinRate: fc.option(fc.constantFrom(0.05, 0.5)),
  }),
);
/** One person who calls with several phones. */
const phoneChange = fc
  .record({ id: fc.constantFrom('p1', 'p2', 'p3'), muted: fc.boolean(), gone: fc.boolean() })
  .map(({ id, muted, gone }): Change => {
    const over = { aor: aor('sip:phones@sip.example'), contact: `sip:${id}@192.0.2.5`, muted };
    return { kind: 'leg', key: id, value: gone ? null : leg(id, over) };
  });
const who = fc.nat(3);
const answer = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ status: 200, read: true }) },
  { weight: 2, arbitrary: fc.record({ status: fc.constantFrom(400, 500, 503), read: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ status: fc.constantFrom(408, 481), read: fc.boolean() }) },
);
const seconds = fc.constantFrom(60, 600, 3600, 100_000);

type Step = (world: WatchWorld) => void;
const watcherOf = (world: WatchWorld, place: number) => {
  const watcher = world.watchers[place];
  if (!watcher) throw new Error('no such watcher');
  return watcher;
};
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.oneof({ weight: 2, arbitrary: change }, { weight: 1, arbitrary: phoneChange }).map(
      (each): Step =>
        (world) =>
          world.change(each),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(0, 400, 1000, 5000, 9000, 70_000).map(
      (ms): Step =>
        (world) =>
          world.wait(ms),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(who, answer).map(
      ([place, how]): Step =>
        (world) =>
          world.answer(watcherOf(world, place), how),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(who, sight, fc.oneof(fc.constant(0), seconds), rates, fc.boolean()).map(
      ([place, may, time, wanted, conditional]): Step =>
        (world) =>
          world.subscribe(watcherOf(world, place), may, time, wanted, conditional),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(who, fc.oneof(fc.constant(0), seconds), fc.constantFrom('none' as const, 'tag' as const, 'any' as const))
      .map(
        ([place, time, condition]): Step =>
          (world) =>
            world.refresh(watcherOf(world, place), time, condition),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(who, sight).map(
      ([place, may]): Step =>
        (world) =>
          world.look(watcherOf(world, place), may),
    ),
  },
);

const documents: string[] = [];

describe('watchers', () => {
  it('are told everything that they may know, in order, in time, and nothing else, whatever happens', () => {
    const run = (steps: readonly Step[], gap: number, maxBytes: number, memory: number): void => {
      const world = new WatchWorld(4, { gap, maxBytes, memory });
      for (const watcher of world.watchers.slice(0, 2)) {
        world.subscribe(watcher, { view: 'ordinary', self: null }, 100_000, null, false);
      }
      for (const each of steps) each(world);
      world.finish();
      documents.push(...world.documents);
    };
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.constantFrom(0, 5000),
        fc.constantFrom(1500, 2500, 11_264),
        fc.constantFrom(3, 4096),
        run,
      ),
      { numRuns: 100 },
    );
  }, 120_000);
});

afterAll(async () => {
  const kinds = [
    / state="full" version/,
    / state="partial" version/,
    /<user [^>]*state="partial"/,
    /<endpoint [^>]*state="deleted"/,
  ];
  for (const kind of kinds) expect(documents.some((each) => kind.test(each))).toBe(true);
  const spread = Math.max(1, Math.floor(documents.length / 250));
  expect(await validateAll(documents.filter((_, place) => place % spread === 0))).toEqual([]);
}, 60_000);
