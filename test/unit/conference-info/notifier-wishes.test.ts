/** RFC 4575 8, RFC 5839, RFC 6446, RFC 6665 4.1.3: what one watcher is shown, wants and does not want to hear, and how patience ends. */
import { describe, expect, it } from 'vitest';
import {
  defaultNotifierSettings,
  Notifier,
  type NotifierSettings,
  type Order,
} from '../../../src/conference-info/notifier.ts';
import { paceOf } from '../../../src/conference-info/pace.ts';
import type { SubscribeOptions } from '../../../src/conference-info/subscribe-options.ts';
import { aor, LiveMeeting, leg, link, occupant, room } from './facts-sample.ts';
import { hour, textOf } from './watch-world.ts';

const tel = aor('tel:+493012345');
const phone = (muted = false) =>
  leg('l1', { aor: tel, proof: 'digest', contact: 'sip:+493012345@192.0.2.9', label: '+49 30 12345', muted });

class Stage {
  readonly live = new LiveMeeting();
  readonly notifier: Notifier;
  now = 0;

  constructor(settings: Partial<NotifierSettings> = {}) {
    this.live.meeting.room = room();
    this.live.apply({ kind: 'leg', key: 'l1', value: phone() });
    const all = { ...defaultNotifierSettings, tags: 'r4nd0m', ...settings };
    this.notifier = new Notifier(link, this.live.meeting, this.live.bindings, all);
  }

  watch(id: string, options: Partial<SubscribeOptions> = {}): Order {
    this.notifier.subscribe(id, { expiresAt: this.now + hour, view: 'ordinary', ...options }, this.now);
    const [order] = this.take();
    if (!order) throw new Error('no NOTIFY');
    return order;
  }

  /** What is due, each answered with 200. */
  take(status = 200): readonly Order[] {
    const orders = this.notifier.due(this.now);
    for (const { id } of orders) this.notifier.answered(id, status, this.now);
    return orders;
  }

  fact(kind: 'leg' | 'occupant', key: string, value: unknown): void {
    this.live.apply({ kind, key, value });
    this.notifier.change({ kind, key }, this.now);
  }

  /** To the next NOTIFY. */
  next(): readonly Order[] {
    this.now = this.notifier.nextDue() ?? Number.NaN;
    return this.take();
  }
}

describe('somebody who watches themselves', () => {
  const self = `aor:${tel}`;

  it('sees their own number, and nobody else does', () => {
    const stage = new Stage();
    expect(textOf(stage.watch('me', { self }))).toContain('+493012345');
    for (const other of [null, 'aor:sip:other@sip.example', 'leg:l1']) {
      expect(textOf(stage.watch('other', { self: other }))).not.toContain('3012345');
    }
  });

  it('alone is told what only they may know', () => {
    const stage = new Stage();
    stage.watch('me', { self });
    stage.watch('other');
    stage.now = 10_000;
    stage.fact('leg', 'l1', { ...phone(), label: '+49 30 123456' });
    const orders = stage.take();
    expect(orders.map(({ id }) => id)).toEqual(['me']);
    expect(textOf(orders[0] as Order)).toContain('<display-text>+49 30 123456</display-text>');
  });

  it('shares the documents about others with everybody, and gets one of their own about themselves', () => {
    const stage = new Stage();
    for (const id of ['me', 'my other phone']) stage.watch(id, { self });
    for (const id of ['a', 'b']) stage.watch(id);
    const { builds } = stage.notifier.counts;
    expect(builds).toBe(2);
    stage.now = 10_000;
    stage.fact('occupant', 'Bob', occupant('Bob'));
    expect(new Set(stage.take().map(({ document }) => document?.tail)).size).toBe(1);
    expect(stage.notifier.counts.builds).toBe(builds + 1);
    stage.now = 20_000;
    stage.fact('leg', 'l1', phone(true));
    const tails = stage.take().map(({ document }) => document?.tail ?? '');
    expect(tails.filter((tail) => tail.includes('3012345'))).toHaveLength(2);
    expect(new Set(tails).size).toBe(2);
    expect(stage.notifier.counts.builds).toBe(builds + 3);
  });

  it('keeps seeing it when so much has changed for the others that a full document is the smaller one', () => {
    const stage = new Stage({ maxBytes: 1_000_000 });
    const nicks = Array.from({ length: 40 }, (_, index) => `N${index}`);
    for (const nick of nicks) stage.fact('occupant', nick, occupant(nick));
    stage.watch('me', { self });
    stage.watch('other');
    stage.now = 10_000;
    for (const nick of nicks) stage.fact('occupant', nick, null);
    const [mine, others] = stage.take().map(textOf);
    for (const text of [mine, others]) expect(text).toContain('state="full"');
    expect(mine).toContain('+493012345');
    expect(others).not.toContain('3012345');
  });
});

describe('another view', () => {
  it('begins with a full document after the gap, and what was to follow of the former one is never sent', () => {
    const stage = new Stage({ maxBytes: 2000 });
    for (let index = 0; index < 30; index += 1) stage.fact('occupant', `N${index}`, occupant(`N${index}`));
    stage.notifier.subscribe('w', { expiresAt: hour, view: 'moderator' }, 0);
    const [first] = stage.notifier.due(0);
    expect(first?.entityTag).toMatch(/^r4nd0m-tea-moderator-\d+\+\d+$/);
    stage.notifier.setView('w', 'ordinary', null, 0);
    expect(stage.take()).toEqual([]);
    stage.notifier.answered('w', 200, 1000);
    expect(stage.notifier.nextDue()).toBe(5000);
    const [next] = stage.next();
    expect(textOf(next as Order)).toContain('state="full"');
    expect(textOf(next as Order)).not.toContain('3012345');
  });

  it('that is the same one costs nothing', () => {
    const stage = new Stage();
    stage.watch('w', { view: 'moderator' });
    stage.notifier.setView('w', 'moderator', 'jid:amy@im.example', 0);
    expect(stage.notifier.nextDue()).toBe(hour - 999);
  });
});

describe('Suppress-If-Match (RFC 5839)', () => {
  it('makes a refresh cost nothing when nothing has changed', () => {
    const stage = new Stage();
    const { entityTag } = stage.watch('w');
    expect(entityTag).toBe('r4nd0m-tea-ordinary-3');
    expect(stage.notifier.refresh('w', 2 * hour, 100, { suppressIfMatch: entityTag })).toBe(204);
    expect(stage.notifier.due(100)).toEqual([]);
    expect(stage.notifier.nextDue()).toBe(2 * hour - 999);
    stage.fact('leg', 'l1', phone(true));
    stage.now = 200;
    expect(stage.notifier.refresh('w', 2 * hour, 200, { suppressIfMatch: entityTag })).toBe(200);
    expect(stage.take().map(textOf).join()).toContain('state="full"');
  });

  it('is true of every state when it says *, which hides no later change', () => {
    const stage = new Stage();
    stage.watch('w');
    stage.fact('leg', 'l1', phone(true));
    expect(stage.notifier.refresh('w', hour, 100, { suppressIfMatch: '*' })).toBe(204);
    expect(stage.next()).toHaveLength(1);
    expect(stage.now).toBe(5000);
    expect(stage.notifier.refresh('w', 5000, 5000, { suppressIfMatch: '*' })).toBe(204);
    expect(stage.notifier.has('w')).toBe(false);
    expect(stage.notifier.nextDue()).toBeNull();
  });

  it('leaves the body out of the first NOTIFY, and the first document is a full one all the same', () => {
    const stage = new Stage();
    const { entityTag } = stage.watch('before');
    stage.notifier.drop('before');
    const again = stage.watch('again', { suppressIfMatch: entityTag });
    expect(again).toMatchObject({ document: null, entityTag, subscriptionState: 'active;expires=3600' });
    const fetched = stage.watch('fetch', { expiresAt: 0, suppressIfMatch: entityTag });
    expect(fetched).toMatchObject({ document: null, entityTag, subscriptionState: 'terminated;reason=timeout' });
    stage.now = 10_000;
    stage.fact('leg', 'l1', phone(true));
    const [order] = stage.take();
    expect(textOf(order as Order)).toMatch(/state="full" version="1"/);
  });

  it('does not make up for a version that was missed: the next document is a full one', () => {
    const stage = new Stage();
    const { entityTag } = stage.watch('w');
    stage.notifier.refresh('w', hour, 1000);
    stage.now = 1000;
    expect(stage.take(500)).toHaveLength(1);
    expect(stage.notifier.refresh('w', hour, 2000, { suppressIfMatch: entityTag })).toBe(204);
    expect(stage.notifier.nextDue()).toBe(hour - 999);
    stage.now = 60_000;
    stage.fact('leg', 'l1', phone(true));
    expect(stage.take().map(textOf).join()).toMatch(/state="full" version="3"/);
  });

  it('never matches in another view, or the state of a former process, or where no tags are given', () => {
    const stage = new Stage();
    const { entityTag } = stage.watch('moderator', { view: 'moderator' });
    for (const self of [null, `aor:${tel}`]) {
      expect(stage.watch('w', { self, suppressIfMatch: entityTag }).document).not.toBeNull();
    }
    const former = new Stage({ tags: 'f0rm3r' });
    expect(former.watch('w', { view: 'moderator', suppressIfMatch: entityTag }).document).not.toBeNull();
    const none = new Stage({ tags: null });
    expect(none.watch('w', { suppressIfMatch: '*' })).toMatchObject({ entityTag: null, document: { version: 1 } });
  });
});

describe('rates (RFC 6446)', () => {
  const rates = (maxRate: number | null, minRate: number | null, adaptiveMinRate: number | null = null) => ({
    maxRate,
    minRate,
    adaptiveMinRate,
  });

  it('are granted as far as they go, and said', () => {
    expect(paceOf(null, 5000, hour)).toMatchObject({ gap: 5000, longest: Number.POSITIVE_INFINITY, parameters: '' });
    expect(paceOf(rates(0.1, null), 5000, hour)).toMatchObject({ gap: 10_000, parameters: ';max-rate=0.1' });
    expect(paceOf(rates(99, null), 5000, hour)).toMatchObject({ gap: 5000, parameters: ';max-rate=0.2' });
    // 5.3: there is one more NOTIFY before the end.
    expect(paceOf(rates(1e-10, null), 5000, 50_000)).toMatchObject({ gap: 50_000, parameters: ';max-rate=0.02' });
    expect(paceOf(rates(null, 50), 0, hour)).toMatchObject({ gap: 0, longest: 1000, parameters: ';min-rate=1' });
    expect(paceOf(rates(0.01, 0.05, 0.02), 0, hour)).toMatchObject({
      longest: 100_000,
      parameters: ';max-rate=0.01;min-rate=0.01;adaptive-min-rate=0.01',
    });
  });

  it('make a NOTIFY come though nothing has changed, with a document that says so', () => {
    const stage = new Stage();
    stage.watch('w', { rates: rates(null, 0.05) });
    const [order] = stage.next();
    expect(stage.now).toBe(20_000);
    expect(order?.subscriptionState).toBe('active;expires=3580;min-rate=0.05');
    expect(textOf(order as Order)).toMatch(/state="partial" version="2"\/>$/);
    stage.next();
    expect(stage.now).toBe(40_000);
    // A refresh that does not ask again.
    stage.notifier.refresh('w', 2 * hour, 40_000);
    stage.take();
    expect(stage.notifier.nextDue()).toBe(2 * hour - 999);
    // And an answer that does.
    stage.fact('leg', 'l1', phone(true));
    stage.now = 50_000;
    for (const { id } of stage.notifier.due(50_000))
      stage.notifier.answered(id, 200, 50_000, { rates: rates(null, 0.1) });
    expect(stage.notifier.nextDue()).toBe(60_000);
  });

  it('come on the average: after many NOTIFYs the next may be long in coming', () => {
    const stage = new Stage({ minimumGapMs: 0 });
    stage.watch('w', { rates: rates(null, null, 0.1), expiresAt: 100 * hour });
    expect(stage.notifier.nextDue()).toBe(10_000);
    const quiet = Array.from({ length: 30 }, () => {
      const before = stage.now;
      stage.next();
      return stage.now - before;
    });
    for (const silence of quiet) expect(silence).toBeGreaterThanOrEqual(9000);
    for (const silence of quiet) expect(silence).toBeLessThanOrEqual(11_000);
    for (let turn = 0; turn < 40; turn += 1) {
      stage.now += 1000;
      stage.fact('leg', 'l1', phone(turn % 2 === 0));
      stage.take();
    }
    expect((stage.notifier.nextDue() ?? 0) - stage.now).toBeGreaterThan(20_000);
  });
});

describe('patience', () => {
  it('waits as long as Retry-After says, and then tells everything', () => {
    const stage = new Stage();
    stage.watch('w');
    stage.now = 10_000;
    stage.fact('leg', 'l1', phone(true));
    for (const { id } of stage.notifier.due(stage.now)) stage.notifier.answered(id, 503, 10_000, { retryAfter: 120 });
    const [order] = stage.next();
    expect(stage.now).toBe(130_000);
    expect(textOf(order as Order)).toContain('state="full"');
  });

  it('has an end: a watcher whose NOTIFYs all fail is told to come back later', () => {
    const stage = new Stage({ mostFailures: 3 });
    stage.notifier.subscribe('w', { expiresAt: hour, view: 'ordinary' }, 0);
    for (let failure = 0; failure < 3; failure += 1) {
      stage.now = Math.max(0, stage.notifier.nextDue() ?? Number.NaN);
      expect(stage.take(500)[0]?.subscriptionState).toMatch(/^active/);
    }
    const [last] = stage.take();
    expect(last).toEqual({
      ...{ id: 'w', subscriptionState: 'terminated;reason=probation;retry-after=40' },
      ...{ entityTag: null, document: null },
    });
    expect(stage.notifier.has('w')).toBe(false);
  });

  it.each(['probation', 'giveup', 'deactivated', 'noresource'] as const)(
    'tells %s when to come back, if ever',
    (reason) => {
      const stage = new Stage();
      stage.watch('w');
      stage.notifier.end(reason, 30);
      const later = reason === 'probation' || reason === 'giveup' ? ';retry-after=30' : '';
      expect(stage.take()[0]?.subscriptionState).toBe(`terminated;reason=${reason}${later}`);
    },
  );
});
