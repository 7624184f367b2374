/** RFC 4575 and RFC 6665: the notifier's rules of time, count and size, one by one. */
import { describe, expect, it } from 'vitest';
import {
  defaultNotifierSettings,
  Notifier,
  type NotifierSettings,
  type Order,
} from '../../../src/conference-info/notifier.ts';
import { isOfPart } from '../../../src/conference-info/subscription.ts';
import { aor, LiveMeeting, leg, link, occupant } from './facts-sample.ts';
import { hour, textOf } from './watch-world.ts';

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

describe('size of a change', () => {
  const phone = (muted: boolean) =>
    leg('p1', {
      aor: aor('sip:solo@sip.example'),
      contact: 'sip:solo@192.0.2.1',
      muted,
      mutes: muted ? ['operator'] : [],
    });
  const changed = (size: number): { tail: string; builds: number } => {
    const { live, notifier } = crowd(size, { maxBytes: 1_000_000 });
    live.apply({ kind: 'leg', key: 'p1', value: phone(false) });
    notifier.change({ kind: 'leg', key: 'p1' }, 0);
    for (const id of ['a', 'b', 'c']) notifier.subscribe(id, { expiresAt: hour, view: 'ordinary' }, 0);
    for (const order of notifier.due(0)) notifier.answered(order.id, 200, 0);
    const { builds } = notifier.counts;
    live.apply({ kind: 'leg', key: 'p1', value: phone(true) });
    notifier.change({ kind: 'leg', key: 'p1' }, 10_000);
    const tails = new Set(notifier.due(10_000).map((order) => order.document?.tail ?? ''));
    expect(tails.size).toBe(1);
    return { tail: [...tails].join(), builds: notifier.counts.builds - builds };
  };

  it('is that of the endpoint, in a room of ten and of two thousand', () => {
    const few = changed(10);
    expect(few.builds).toBe(1);
    expect(changed(2000)).toEqual(few);
    expect(few.tail).toBe(
      '"><users state="partial"><user entity="sip:solo@sip.example" state="partial"><endpoint entity="sip:solo@192.0.2.1">' +
        '<status>muted-via-focus</status><joining-method>dialed-in</joining-method><joining-info><when>2026-11-25T10:00:00Z</when>' +
        '</joining-info><media id="1"><type>audio</type><label>audio</label><status>recvonly</status></media></endpoint></user>' +
        '</users></conference-info>',
    );
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
    expect(textOf(orders[0] as Order)).toMatch(/state="deleted" version="2"\/>$/);
    expect(notifier.due(hour)).toEqual([]);
  });
});

describe('answers', () => {
  it.each([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604])('%i removes', (status) => {
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

function crowd(size: number, settings: Partial<NotifierSettings> = {}) {
  const live = new LiveMeeting();
  for (let index = 0; index < size; index += 1) {
    live.apply({ kind: 'occupant', key: `Nick ${index}`, value: occupant(`Nick ${index}`) });
  }
  return {
    live,
    notifier: new Notifier(link, live.meeting, live.bindings, { ...defaultNotifierSettings, ...settings }),
  };
}

describe('size', () => {
  it('splits what does not fit: the true count first, then the rest without waiting', () => {
    const { notifier } = crowd(100);
    notifier.subscribe('w', { expiresAt: hour, view: 'ordinary' }, 0);
    const documents: string[] = [];
    for (let orders = notifier.due(0); orders.length > 0; orders = notifier.due(0)) {
      expect(orders).toHaveLength(1);
      for (const order of orders) {
        expect(Buffer.byteLength(textOf(order))).toBeLessThanOrEqual(defaultNotifierSettings.maxBytes);
        documents.push(textOf(order));
        notifier.answered('w', 200, 0);
      }
    }
    expect(documents[0]).toContain('<user-count>100</user-count>');
    expect(documents.join('').match(/<user /g)).toHaveLength(100);
    expect(documents.length).toBeGreaterThan(2);
  });

  it('tells a fetch what fits and the true count, and says that something is missing', () => {
    const { notifier } = crowd(100, { tags: 'some+1' });
    notifier.subscribe('fetch', { expiresAt: 0, view: 'ordinary' }, 0);
    const [order] = notifier.due(0);
    expect(order?.subscriptionState).toBe('terminated;reason=timeout');
    expect(textOf(order as Order)).toContain('<user-count>100</user-count>');
    expect(textOf(order as Order).match(/<user /g)?.length).toBeGreaterThan(20);
    expect(notifier.counts).toMatchObject({ cut: 1, subscriptions: 0, omitted: 0 });
    expect(isOfPart((order as Order).entityTag)).toBe(true);
    const small = crowd(3, { tags: 'some+1' }).notifier;
    small.subscribe('fetch', { expiresAt: 0, view: 'ordinary' }, 0);
    expect(small.due(0).map(({ entityTag }) => isOfPart(entityTag))).toEqual([false]);
  });

  it('ends with what is new where the whole would not fit', () => {
    const { live, notifier } = crowd(100);
    notifier.subscribe('w', { expiresAt: hour, view: 'ordinary' }, 0);
    for (let orders = notifier.due(0); orders.length > 0; orders = notifier.due(0)) notifier.answered('w', 200, 0);
    live.apply({ kind: 'occupant', key: 'Nick 7', value: null });
    notifier.change({ kind: 'occupant', key: 'Nick 7' }, 100);
    notifier.terminate('w', 'deactivated');
    const [order] = notifier.due(100);
    expect(textOf(order as Order)).toMatch(/state="partial".*<user entity="[^"]*Nick%207" state="deleted"\/>/);
    expect(notifier.counts.cut).toBe(0);
  });
});
