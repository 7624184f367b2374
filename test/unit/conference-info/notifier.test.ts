/** RFC 4575 and RFC 6665: the notifier against a subscriber that keeps to the RFC's algorithm, and its rules of time and count. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Coherent } from '../../../src/conference-info/coherent-state.ts';
import { composeConference } from '../../../src/conference-info/conference.ts';
import { defaultNotifierSettings, Notifier, type Order } from '../../../src/conference-info/notifier.ts';
import { conferenceOf, type ReadConference } from '../../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../../src/conference-info/read-document.ts';
import type { View } from '../../../src/conference-info/user.ts';
import { aor, type Change, change, LiveMeeting, leg, link, occupant } from './facts-sample.ts';

const hour = 3_600_000;
const text = (order: Order): string =>
  order.document ? `${order.document.head}${order.document.version}${order.document.tail}` : '';

/** A watcher that applies what it gets and fails on a gap in the versions. */
class Watcher {
  known: Coherent | null = null;
  versions: number[] = [];

  take(order: Order): void {
    const document = readDocument(text(order));
    if ('refused' in document) throw new Error(`${document.refused}: ${text(order)}`);
    const applied = takeDocument(this.known, document);
    expect(applied.outcome).toBe('applied');
    this.known = applied.state;
    this.versions.push(document.version);
  }

  get conference(): ReadConference | null {
    return this.known?.root ? conferenceOf(this.known.root) : null;
  }
}

/** The model's own conference in the form of the reader. */
function model(live: LiveMeeting, view: View): ReadConference {
  const conference = composeConference(link, live.meeting, live.bindings, view);
  return {
    entity: conference.entity,
    ...conference.description,
    ...conference.state,
    host: conference.host,
    users: [...conference.users.values()],
    sidebarsByRef: [],
    sidebarsByVal: [],
  };
}

const byEntity = (conference: ReadConference | null) =>
  conference && { ...conference, users: [...conference.users].sort((a, b) => (a.entity < b.entity ? -1 : 1)) };

/** What a subscriber reads must be what was written, but for white space at the ends. */
const trimmed = (conference: ReadConference): unknown =>
  JSON.parse(JSON.stringify(conference), (_key, value) => (typeof value === 'string' ? value.trim() : value));

describe('a watcher', () => {
  it('ends with exactly the model, whatever changes, whenever it is told, whatever is lost', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: change.map((each) => ({ change: each })) },
      { weight: 2, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 9000 }) }) },
      { weight: 1, arbitrary: fc.constant({ fail: true }) },
      { weight: 1, arbitrary: fc.constant({ refresh: true }) },
    );
    const run = (steps: readonly object[], view: View, maxBytes: number, changesRemembered: number): void => {
      const live = new LiveMeeting();
      const settings = { ...defaultNotifierSettings, changesRemembered };
      const notifier = new Notifier(link, live.meeting, live.bindings, settings);
      const watcher = new Watcher();
      let now = 0;
      let failing = false;
      notifier.subscribe('w', { expiresAt: hour * 100, view, maxBytes }, now);
      const pump = (): void => {
        for (let orders = notifier.due(now); orders.length > 0; orders = notifier.due(now)) {
          for (const order of orders) {
            if (failing) {
              // Lost: the watcher sees a gap, and must get a full document next.
              failing = false;
              notifier.answered(order.id, 500, now);
            } else {
              watcher.take(order);
              notifier.answered(order.id, 200, now);
            }
          }
        }
      };
      pump();
      for (const each of steps) {
        if ('change' in each) {
          live.apply(each.change as Change);
          notifier.change(each.change as Change, now);
        } else if ('wait' in each) now += each.wait as number;
        else if ('fail' in each) failing = true;
        else notifier.refresh('w', hour * 100, now);
        pump();
      }
      failing = false;
      now += hour;
      pump();
      expect(byEntity(watcher.conference)).toEqual(trimmed(model(live, view)));
      for (let place = 1; place < watcher.versions.length; place += 1) {
        expect(watcher.versions[place]).toBeGreaterThan(watcher.versions[place - 1] ?? 0);
      }
    };
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom<View>('ordinary', 'moderator'),
        fc.constantFrom(1200, 2500, 11_264),
        fc.constantFrom(3, 4096),
        run,
      ),
      { numRuns: 300 },
    );
  });
});

/** A conference with one caller and so many subscribers, the first documents sent and answered. */
function fanOut(count: number): { live: LiveMeeting; notifier: Notifier } {
  const live = new LiveMeeting();
  live.apply({ kind: 'leg', key: 'l1', value: leg('l1', { aor: aor('sip:solo@sip.example'), proof: 'digest' }) });
  const notifier = new Notifier(link, live.meeting, live.bindings);
  for (let index = 0; index < count; index += 1)
    notifier.subscribe(`s${index}`, { expiresAt: hour, view: 'ordinary' }, 0);
  for (const order of notifier.due(0)) notifier.answered(order.id, 200, 0);
  return { live, notifier };
}

const mute = (live: LiveMeeting, notifier: Notifier, now: number, muted = true): void => {
  const value = leg('l1', {
    aor: aor('sip:solo@sip.example'),
    proof: 'digest',
    muted,
    mutes: muted ? ['operator'] : [],
  });
  live.apply({ kind: 'leg', key: 'l1', value });
  notifier.change({ kind: 'leg', key: 'l1' }, now);
};

describe('cost', () => {
  it.each([1, 100, 5000])('builds one document per change for %i subscriptions', (count) => {
    const { live, notifier } = fanOut(count);
    expect(notifier.counts.builds).toBe(1);
    mute(live, notifier, 10_000);
    const orders = notifier.due(10_000);
    expect(orders).toHaveLength(count);
    expect(notifier.counts.builds).toBe(2);
    expect(new Set(orders.map((order) => order.document?.tail)).size).toBe(1);
  });
});

describe('time', () => {
  it('merges what changes within the gap, and is silent when it changed back', () => {
    const { live, notifier } = fanOut(1);
    mute(live, notifier, 1000);
    expect(notifier.due(1000)).toEqual([]);
    expect(notifier.nextDue()).toBe(5000);
    mute(live, notifier, 2000, false);
    expect(notifier.due(5000)).toEqual([]);
    mute(live, notifier, 6000);
    const [order] = notifier.due(6000);
    expect(order?.document?.version).toBe(2);
    expect(order?.document?.head).toContain('state="partial"');
    expect(order?.subscriptionState).toBe('active;expires=3594');
  });

  it('sends no second NOTIFY while one is unanswered', () => {
    const { live, notifier } = fanOut(1);
    mute(live, notifier, 6000);
    expect(notifier.due(6000)).toHaveLength(1);
    mute(live, notifier, 20_000, false);
    expect(notifier.due(20_000)).toEqual([]);
    notifier.answered('s0', 200, 21_000);
    expect(notifier.due(21_000)).toHaveLength(1);
  });

  it('answers a refresh at once with the whole state, also while a NOTIFY is unanswered', () => {
    const { live, notifier } = fanOut(1);
    mute(live, notifier, 6000);
    notifier.due(6000);
    expect(notifier.refresh('s0', 6100 + hour, 6100)).toBe(200);
    const [order] = notifier.due(6100);
    expect(order?.document?.head).toContain('state="full"');
    expect(order?.subscriptionState).toBe('active;expires=3600');
  });

  it('ends with the whole state when the subscription expires or is given up, and tells a fetch once', () => {
    const { notifier } = fanOut(1);
    expect(notifier.nextDue()).toBe(hour - 999);
    const [expired] = notifier.due(hour);
    expect(expired?.subscriptionState).toBe('terminated;reason=timeout');
    expect(expired?.document?.tail).toContain('sip:solo@sip.example');
    expect(notifier.refresh('s0', 2 * hour, hour)).toBe(481);
    notifier.subscribe('fetch', { expiresAt: 50, view: 'ordinary' }, 50);
    expect(notifier.due(50).map((order) => order.subscriptionState)).toEqual(['terminated;reason=timeout']);
    expect(notifier.counts.subscriptions).toBe(0);
    expect(notifier.nextDue()).toBeNull();
    notifier.subscribe('left', { expiresAt: hour, view: 'ordinary' }, 100);
    notifier.due(100);
    notifier.refresh('left', 200, 200);
    expect(notifier.due(200).map((order) => order.subscriptionState)).toEqual(['terminated;reason=timeout']);
  });

  it('ends all when the conference is over', () => {
    const { notifier } = fanOut(2);
    notifier.end('noresource');
    const orders = notifier.due(10);
    expect(orders.map((order) => order.subscriptionState)).toEqual(Array(2).fill('terminated;reason=noresource'));
    expect(text(orders[0] as Order)).toMatch(/state="deleted" version="2"\/>$/);
    expect(notifier.due(hour)).toEqual([]);
  });
});

describe('answers', () => {
  it.each([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])('%i removes', (status) => {
    const { notifier } = fanOut(1);
    expect(notifier.answered('s0', status, 1)).toBe('removed');
    expect(notifier.has('s0')).toBe(false);
    expect(notifier.answered('s0', 200, 1)).toBe('unknown');
  });

  it.each([400, 486, 500, 503, 603])('%i keeps, and the next document is a full one, later and later', (status) => {
    const { notifier } = fanOut(1);
    expect(notifier.answered('s0', status, 0)).toBe('kept');
    expect(notifier.nextDue()).toBe(10_000);
    expect(notifier.due(10_000)[0]?.document?.head).toContain('state="full"');
    notifier.answered('s0', status, 10_000);
    expect(notifier.nextDue()).toBe(30_000);
  });
});

describe('size', () => {
  it('splits what does not fit: the true count first, then the rest without waiting', () => {
    const live = new LiveMeeting();
    for (let index = 0; index < 100; index += 1) {
      live.apply({ kind: 'occupant', key: `Nick ${index}`, value: occupant(`Nick ${index}`) });
    }
    const notifier = new Notifier(link, live.meeting, live.bindings);
    notifier.subscribe('w', { expiresAt: hour, view: 'ordinary' }, 0);
    const watcher = new Watcher();
    let documents = 0;
    for (let orders = notifier.due(0); orders.length > 0; orders = notifier.due(0)) {
      expect(orders).toHaveLength(1);
      for (const order of orders) {
        expect(Buffer.byteLength(text(order))).toBeLessThanOrEqual(defaultNotifierSettings.maxBytes);
        if (documents === 0) expect(text(order)).toContain('<user-count>100</user-count>');
        watcher.take(order);
        notifier.answered('w', 200, 0);
        documents += 1;
      }
    }
    expect(documents).toBeGreaterThan(2);
    expect(watcher.conference?.users).toHaveLength(100);
  });
});
