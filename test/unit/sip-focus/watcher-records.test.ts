import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { createLog } from '../../../src/log.ts';
import { WatcherRecords } from '../../../src/sip-focus/watcher-records.ts';

const log = createLog({ level: 'silent' });
const watcher = (dialogId: string) => ({ dialogId, event: 'conference', contact: '<sip:tea@192.0.2.1>;isfocus' });

describe('records of watchers', () => {
  it('are taken over from earlier processes of the same instance, once, and from nobody else', async () => {
    const bus = createMemoryBus(log);
    await bus.start();
    const of = (instance: string, generation: string) => new WatcherRecords(bus, { instance, generation }, log);
    of('focus-1', 'old').keep('tea', watcher('a'));
    of('focus-1', 'old').keep('milk', watcher('b'));
    of('focus-1', 'old').keep('tea', watcher('gone'));
    of('focus-1', 'old').drop('tea', watcher('gone'));
    of('focus-2', 'old').keep('tea', watcher('c'));
    const next = of('focus-1', 'new');
    next.keep('tea', watcher('d'));
    expect(next.takeOver().map(({ dialogId }) => dialogId)).toEqual(['a', 'b']);
    expect(next.takeOver()).toEqual([]);
    const left = [...bus.facts.meeting('tea').watchers.values()];
    expect(left.map(({ dialogId }) => dialogId).sort()).toEqual(['c', 'd']);
  });

  it('that the bus refuses cost nothing but the record', async () => {
    const bus = createMemoryBus(log);
    await bus.start();
    const records = new WatcherRecords(bus, { instance: 'focus-1', generation: 'g' }, log);
    records.keep('tea', watcher('x'.repeat(100_000)));
    records.drop('tea', watcher('x'.repeat(100_000)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(bus.facts.meeting('tea').watchers.size).toBe(0);
  });
});
