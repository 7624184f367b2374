/** A conference with watchers that come, go, refresh, answer late or not at all, change what they may see; and every rule checked on the way. */
import { expect } from 'vitest';
import type { Coherent } from '../../../src/conference-info/coherent-state.ts';
import { composeConference } from '../../../src/conference-info/conference.ts';
import { defaultNotifierSettings, Notifier, type Order } from '../../../src/conference-info/notifier.ts';
import { paceOf, type Rates } from '../../../src/conference-info/pace.ts';
import { conferenceOf, type ReadConference } from '../../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../../src/conference-info/read-document.ts';
import { Roster } from '../../../src/conference-info/roster.ts';
import type { User, View } from '../../../src/conference-info/user.ts';
import { escapeXml } from '../../../src/conference-info/xml-text.ts';
import { checkDocument, checkState } from '../../harness/conference/rules.ts';
import { parseXml } from '../../harness/conference/xml.ts';
import { type Change, LiveMeeting, link as plainLink } from './facts-sample.ts';

export const hour = 3_600_000;
const host = { name: 'The hosts', webPage: 'https://conf.example/tea', uris: ['sip:hosts@conf.example'] };
const mediaNames = { audio: 'Voices', chat: null };
const link = {
  ...plainLink,
  about: { freeText: 'Bring a cup', keywords: ['tea', 'milk'], furtherUris: [], host, mediaNames },
};

/** What a watcher may see. */
export interface Sight {
  readonly view: View;
  readonly self: string | null;
}

/** The whole text of a NOTIFY's body. */
export const textOf = ({ document }: Order): string =>
  document ? `${document.head}${document.version}${document.tail}` : '';

/** The model's own conference in the form of the reader, for who sees so much. */
export function modelOf(live: LiveMeeting, { view, self }: Sight): ReadConference {
  const conference = composeConference(link, live.meeting, live.bindings, view);
  const own = new Map<string, User>();
  if (self !== null && view === 'ordinary') {
    const roster = new Roster(link.room, live.meeting, live.bindings);
    for (const user of roster.usersOf(self, 'self')) own.set(user.entity, user);
  }
  return {
    entity: conference.entity,
    ...conference.description,
    ...conference.state,
    host: conference.host,
    users: [...conference.users.values()].map((user) => own.get(user.entity) ?? user),
    sidebarsByRef: [],
    sidebarsByVal: [],
  };
}

/** A moderator sees everything, of themselves too. */
const keyOf = ({ view, self }: Sight): string => `${view} ${view === 'ordinary' ? self : null}`;

const byEntity = (one: { entity: string }, other: { entity: string }): number => (one.entity < other.entity ? -1 : 1);

/** Without what does not count: the order of users and endpoints, and white space at the ends of texts. */
export function settled(conference: ReadConference): unknown {
  const users = conference.users
    .map((user) => ({ ...user, endpoints: [...user.endpoints].sort(byEntity) }))
    .sort(byEntity);
  return JSON.parse(JSON.stringify({ ...conference, users }), (_key, value) =>
    typeof value === 'string' ? value.trim() : value,
  );
}

/** Every word that a conference consists of, as it stands in XML. */
function wordsOf(value: unknown, words: Set<string>): void {
  // Lists of XML stand in one text.
  if (Array.isArray(value)) words.add(value.join(' '));
  if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) wordsOf(each, words);
  else words.add(escapeXml(String(value)).trim());
}

/** Words of a document: texts and values of attributes. */
const saidIn = (xml: string): readonly string[] =>
  [...xml.matchAll(/>([^<]+)<|"([^"]*)"/g)].map(([, text, value]) => (text ?? value ?? '').trim());

const always = new Set(
  ['1.0', 'UTF-8', 'urn:ietf:params:xml:ns:conference-info', 'full', 'partial', 'deleted', ''].map(String),
);

/** A watcher that does as RFC 4575 4.6 says. */
export class Watcher {
  readonly id: string;
  alive = false;
  sight: Sight = { view: 'ordinary', self: null };
  gap = 0;
  longest = Number.POSITIVE_INFINITY;
  /** Of an earlier subscription, as long as `fresh`. */
  known: Coherent | null = null;
  /** No document of this subscription has been read, so that it must be a full one. */
  fresh = true;
  tag: string | null = null;
  version = 0;
  sentAt = Number.NEGATIVE_INFINITY;
  /** The next NOTIFY is one that the RFC wants at once. */
  owed = false;
  /** More documents of one state are to come. */
  continued = false;
  failing = false;
  pending: Order[] = [];

  constructor(id: string) {
    this.id = id;
  }
}

/** How the next NOTIFY to a watcher is answered. */
export interface Answer {
  readonly status: number;
  /** Whether the watcher has taken it in all the same. */
  readonly read: boolean;
}

export class WatchWorld {
  readonly live = new LiveMeeting();
  readonly notifier: Notifier;
  readonly watchers: readonly Watcher[];
  /** Every document that went out. */
  readonly documents: string[] = [];
  now = 0;
  readonly #gap: number;
  readonly #maxBytes: number;
  /** Words that somebody with a certain sight may have been told so far. */
  readonly #words = new Map<string, Set<string>>();

  constructor(count: number, options: { gap: number; maxBytes: number; memory: number }) {
    this.#gap = options.gap;
    this.#maxBytes = options.maxBytes;
    this.notifier = new Notifier(link, this.live.meeting, this.live.bindings, {
      ...defaultNotifierSettings,
      minimumGapMs: options.gap,
      maxBytes: options.maxBytes,
      changesRemembered: options.memory,
      tags: 'random',
    });
    this.watchers = Array.from({ length: count }, (_, place) => new Watcher(`w${place}`));
  }

  change(change: Change): void {
    this.live.apply(change);
    this.notifier.change(change, this.now);
    for (const watcher of this.watchers) this.#learn(watcher.sight);
    this.pump();
  }

  subscribe(watcher: Watcher, sight: Sight, seconds: number, rates: Rates | null, conditional: boolean): void {
    if (watcher.alive) return;
    const pace = paceOf(rates, this.#gap, seconds * 1000);
    Object.assign(watcher, { alive: true, sight, gap: pace.gap, longest: pace.longest, version: 0, owed: true });
    Object.assign(watcher, {
      sentAt: Number.NEGATIVE_INFINITY,
      continued: false,
      failing: false,
      fresh: true,
      pending: [],
    });
    this.#learn(sight);
    const suppressIfMatch = conditional ? watcher.tag : null;
    const expiresAt = this.now + seconds * 1000;
    this.notifier.subscribe(watcher.id, { expiresAt, ...sight, rates, suppressIfMatch }, this.now);
    this.pump();
  }

  refresh(watcher: Watcher, seconds: number, condition: 'none' | 'tag' | 'any'): void {
    if (!watcher.alive) return;
    const suppressIfMatch = { none: null, tag: watcher.tag, any: '*' }[condition];
    const answer = this.notifier.refresh(watcher.id, this.now + seconds * 1000, this.now, { suppressIfMatch });
    const pace = paceOf(null, this.#gap, seconds * 1000);
    if (answer === 481) throw new Error('the notifier has forgotten somebody');
    watcher.gap = pace.gap;
    watcher.longest = pace.longest;
    watcher.failing = false;
    if (answer === 200) watcher.owed = true;
    else if (condition === 'tag') this.#expectKnows(watcher);
    if (answer === 204 && seconds === 0) watcher.alive = false;
    this.pump();
  }

  look(watcher: Watcher, sight: Sight): void {
    if (!watcher.alive) return;
    watcher.sight = sight;
    this.#learn(sight);
    this.notifier.setView(watcher.id, sight.view, sight.self, this.now);
    this.pump();
  }

  /** Answers the oldest NOTIFY that waits. */
  answer(watcher: Watcher, { status, read }: Answer): void {
    const order = watcher.pending.shift();
    if (!order) return;
    if (read || status < 300) this.#read(watcher, order);
    if (!watcher.alive) return;
    watcher.failing = status >= 300;
    const details = status === 503 ? { retryAfter: 7 } : {};
    if (this.notifier.answered(watcher.id, status, this.now, details) === 'removed') watcher.alive = false;
    this.pump();
  }

  /** Lets time pass, from one thing that is due to the next. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (let next = this.notifier.nextDue(); next !== null && next <= end; next = this.notifier.nextDue()) {
      this.now = Math.max(this.now, next);
      this.pump();
    }
    this.now = end;
  }

  /** All answer with 200 from now on, until nothing is to be said any more; then everybody knows what they may. */
  finish(): void {
    for (let round = 0; round < 8; round += 1) {
      for (const watcher of this.watchers)
        while (watcher.pending.length > 0) this.answer(watcher, { status: 200, read: true });
      this.wait(60_000);
    }
    for (const watcher of this.watchers) {
      while (watcher.pending.length > 0) this.answer(watcher, { status: 200, read: true });
      if (watcher.alive) this.#expectKnows(watcher);
    }
    expect(this.notifier.counts.omitted).toBe(0);
  }

  pump(): void {
    for (const order of this.notifier.due(this.now)) this.#send(order);
    for (const { alive, pending, failing, sentAt, longest } of this.watchers) {
      if (alive && pending.length === 0 && !failing) expect(this.now - sentAt).toBeLessThanOrEqual(longest);
    }
  }

  #send(order: Order): void {
    const watcher = this.watchers.find(({ id }) => id === order.id);
    if (!watcher?.alive) throw new Error('a NOTIFY for nobody');
    const last = order.subscriptionState.startsWith('terminated');
    if (!last && !watcher.owed) {
      expect(watcher.pending).toEqual([]);
      if (!watcher.continued) expect(this.now - watcher.sentAt).toBeGreaterThanOrEqual(watcher.gap);
    }
    if (order.document) {
      watcher.version += 1;
      expect(order.document.version).toBe(watcher.version);
      this.#judge(watcher, textOf(order));
      // What was cut is known as far as it was told before.
    } else if (order.entityTag !== null && !order.entityTag.includes('+')) this.#expectKnows(watcher);
    watcher.owed = false;
    watcher.continued = order.entityTag?.includes('+') ?? false;
    watcher.sentAt = this.now;
    if (!last) {
      watcher.pending.push(order);
      return;
    }
    watcher.alive = false;
    watcher.pending = [];
    if (order.document === null && order.entityTag === null) return;
    this.#read(watcher, order);
    if (!order.entityTag?.includes('+')) this.#expectKnows(watcher);
  }

  /** (a) and (e): rules of the RFC that hold for each document, its size, and that it says nothing that is hidden. */
  #judge(watcher: Watcher, xml: string): void {
    this.documents.push(xml);
    const root = parseXml(xml);
    checkDocument(root, { entity: link.conference, chat: 'both' });
    checkState(root);
    if (xml.includes('<user ')) expect(Buffer.byteLength(xml)).toBeLessThanOrEqual(this.#maxBytes);
    const allowed = this.#words.get(keyOf(watcher.sight));
    const version = String(watcher.version);
    for (const word of saidIn(xml)) if (word !== version && !always.has(word)) expect(allowed).toContain(word);
    const { view, self } = watcher.sight;
    if (view === 'ordinary' && self === null) expect(xml).not.toMatch(/493012345|192\.0\.2\.9|call-l\d|d-l\d/);
  }

  #read(watcher: Watcher, order: Order): void {
    watcher.tag = order.entityTag;
    if (!order.document) return;
    const document = readDocument(textOf(order));
    if ('refused' in document) throw new Error(`${document.refused}: ${textOf(order)}`);
    if (watcher.fresh) expect(document.state).not.toBe('partial');
    const applied = takeDocument(watcher.fresh ? null : watcher.known, document);
    watcher.fresh = false;
    expect(applied.outcome).toBe('applied');
    watcher.known = applied.state;
  }

  #expectKnows(watcher: Watcher): void {
    const root = watcher.known?.root;
    expect(root ? settled(conferenceOf(root)) : null).toEqual(settled(modelOf(this.live, watcher.sight)));
  }

  #learn(sight: Sight): void {
    const key = keyOf(sight);
    const words = this.#words.get(key) ?? new Set();
    wordsOf(modelOf(this.live, sight), words);
    this.#words.set(key, words);
  }
}
