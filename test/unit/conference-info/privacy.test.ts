/** RFC 4575 8.1, 8.2, RFC 3323, RFC 3325: what an ordinary watcher may not know of somebody is in no byte that they are sent. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LegFact } from '../../../src/conference-info/leg.ts';
import { defaultNotifierSettings, Notifier } from '../../../src/conference-info/notifier.ts';
import type { View } from '../../../src/conference-info/user.ts';
import { NumberMask } from '../../../src/sip-focus/number-mask.ts';
import { aor, type Change, LiveMeeting, leg, link, occupant, room } from './facts-sample.ts';

/** Somebody who is in the meeting now and then. Everything that could lead to them is a word of its own. */
interface Somebody {
  readonly address: 'none' | 'account' | 'number' | 'extension';
  readonly bound: boolean;
  readonly withheld: boolean;
  readonly proof: 'digest' | 'trusted-peer';
  /** Comes into the room at times. */
  readonly reads: boolean;
  readonly numberInLabel: boolean;
}

const somebody: fc.Arbitrary<Somebody> = fc.record({
  address: fc.constantFrom('none', 'account', 'number', 'extension'),
  bound: fc.boolean(),
  withheld: fc.boolean(),
  proof: fc.constantFrom('digest', 'trusted-peer'),
  reads: fc.boolean(),
  numberInLabel: fc.boolean(),
});

const mask = new NumberMask('a key of the test');
const digits = (n: number): string => `49305557${n}1`;
const jidOf = (n: number): string => `jid-${n}@im.example`;
const chair = 'chair@im.example';

function addressOf(n: number, { address }: Somebody): string | null {
  if (address === 'none') return null;
  if (address === 'account') return `sip:aor-${n}@sip.example`;
  return address === 'number' ? `tel:+${digits(n)}` : `sip:${digits(n)}@pbx-${n}.example`;
}

const onTelephone = ({ address }: Somebody): boolean => address === 'number' || address === 'extension';

function legOf(n: number, who: Somebody, over: Partial<LegFact>): LegFact {
  const address = addressOf(n, who);
  const proved = address === null ? null : aor(address);
  const masked = proved === null || who.withheld ? null : mask.entityOf(proved, link.id);
  return leg(`leg-${n}`, {
    aor: proved,
    proof: proved === null ? null : who.proof,
    ...(masked === null ? {} : { masked }),
    ...(who.withheld ? { withheld: true } : {}),
    pseudonym: `sip:p${n}@anonymous.invalid`,
    label: `label-${n}${who.numberInLabel ? ` +${digits(n)}` : ''}`,
    contact: `sip:${onTelephone(who) ? digits(n) : `user-${n}`}@contact-${n}.example`,
    cascadedFocus: `sip:conf-${n}@focus-${n}.example`,
    callId: `call-id-${n}`,
    fromTag: `from-tag-${n}`,
    toTag: `to-tag-${n}`,
    dialogId: `dialog-${n}`,
    instance: 'instance-name',
    mixer: 'mixer-name',
    mixerRef: { uuid: `mixer-ref-${n}` },
    referred: { when: null, reason: null, by: `xmpp:${chair}` },
    ...over,
  });
}

/** Words that no ordinary watcher may ever read. */
function secretsOf(n: number, who: Somebody, nonAnonymous: boolean): readonly string[] {
  const { bound, withheld, proof, reads, address } = who;
  const hasJid = bound && address !== 'none';
  const nameless = withheld || (hasJid && !nonAnonymous);
  const always = [
    `call-id-${n}`,
    `from-tag-${n}`,
    `to-tag-${n}`,
    `dialog-${n}`,
    `mixer-ref-${n}`,
    digits(n),
    `pbx-${n}`,
  ];
  const opaque = nameless || onTelephone(who);
  return [
    ...always,
    ...(nonAnonymous && reads ? [] : [jidOf(n)]),
    ...(nameless ? [`aor-${n}`, `label-${n}`, `focus-${n}`] : []),
    ...(onTelephone(who) ? [`focus-${n}`] : []),
    ...(opaque || (proof === 'trusted-peer' && address !== 'none') ? [`contact-${n}`] : []),
  ];
}

/** Nor may a moderator read these, of a caller who wants privacy. */
const withheldFrom = (n: number): readonly string[] => [
  ...['aor', 'label', 'contact', 'focus', 'call-id', 'from-tag', 'to-tag', 'pbx'].map((word) => `${word}-${n}`),
  digits(n),
];

type Move = { readonly n: number; readonly what: 'call' | 'end' | 'gone' | 'enter' | 'leave' | 'mute' };

function changesOf({ n, what }: Move, who: Somebody, nonAnonymous: boolean): readonly Change[] {
  const id = `leg-${n}`;
  const nick = `Nick${n}`;
  switch (what) {
    case 'call':
      return [{ kind: 'leg', key: id, value: legOf(n, who, {}) }];
    case 'mute':
      return [{ kind: 'leg', key: id, value: legOf(n, who, { muted: true, mutes: ['operator'] }) }];
    case 'end': {
      const departure = { leg: legOf(n, who, {}), method: 'booted', when: '2026-11-25T10:01:00Z', reason: 'Loud' };
      return [
        { kind: 'departure', key: id, value: { ...departure, by: `xmpp:${chair}` } },
        { kind: 'leg', key: id, value: null },
      ];
    }
    case 'gone':
      return [{ kind: 'departure', key: id, value: null }];
    case 'enter':
      // A room that hides JIDs tells the focus all the same.
      return who.reads ? [{ kind: 'occupant', key: nick, value: occupant(nick, { jid: jidOf(n) }) }] : [];
    case 'leave':
      return [
        { kind: 'occupant', key: nick, value: null },
        { kind: 'room', key: '-', value: room({ nonAnonymous, moderated: true }) },
      ];
  }
}

/** Key of the person that somebody is by their call. */
function personOf(n: number, who: Somebody): string {
  const address = addressOf(n, who);
  if (address === null) return `leg:leg-${n}`;
  return who.bound ? `jid:${jidOf(n)}` : `aor:${aor(address)}`;
}

/** All that a watcher was sent while this happened; `self`: who of them watches. */
function sent(
  people: readonly Somebody[],
  nonAnonymous: boolean,
  moves: readonly Move[],
  view: View,
  self: string | null = null,
): string {
  const live = new LiveMeeting();
  live.meeting.room = room({ nonAnonymous });
  for (const [n, who] of people.entries()) {
    const address = addressOf(n, who);
    if (who.bound && address !== null) live.bind(aor(address), jidOf(n));
  }
  const notifier = new Notifier(link, live.meeting, live.bindings, { ...defaultNotifierSettings, minimumGapMs: 0 });
  notifier.subscribe('w', { expiresAt: 1e9, view, self }, 0);
  let bytes = '';
  let now = 0;
  const read = (): void => {
    for (const { id, document } of notifier.due(now)) {
      bytes += document === null ? '' : document.head + document.tail;
      notifier.answered(id, 200, now);
    }
  };
  read();
  for (const move of moves) {
    const who = people[move.n % people.length];
    if (!who) continue;
    for (const change of changesOf({ ...move, n: move.n % people.length }, who, nonAnonymous)) {
      live.apply(change);
      now += 1000;
      notifier.change(change, now);
      read();
    }
  }
  return bytes;
}

const move: fc.Arbitrary<Move> = fc.record({
  n: fc.nat(3),
  what: fc.constantFrom('call', 'end', 'gone', 'enter', 'leave', 'mute'),
});
const meeting = [
  fc.array(somebody, { minLength: 1, maxLength: 4 }),
  fc.boolean(),
  fc.array(move, { maxLength: 30 }),
] as const;

describe('a moderator', () => {
  it('is sent nothing of who calls with privacy, whatever happens', () => {
    fc.assert(
      fc.property(...meeting, (people, nonAnonymous, moves) => {
        const bytes = sent(people, nonAnonymous, moves, 'moderator');
        const secrets = people.flatMap((who, n) => (who.withheld ? withheldFrom(n) : []));
        expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an ordinary watcher', () => {
  it('is sent nothing of what is not for them, whatever happens', () => {
    fc.assert(
      fc.property(...meeting, (people, nonAnonymous, moves) => {
        const bytes = sent(people, nonAnonymous, moves, 'ordinary');
        const secrets = people.flatMap((who, n) => secretsOf(n, who, nonAnonymous));
        const all = [...secrets, 'instance-name', 'mixer-name', ...(nonAnonymous ? [] : [chair])];
        expect(all.filter((secret) => bytes.includes(secret))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is sent nothing of what is not for them of the others when they are one of those in the meeting', () => {
    let own = 0;
    fc.assert(
      fc.property(...meeting, (people, nonAnonymous, moves) => {
        const [first] = people;
        const bytes = sent(people, nonAnonymous, moves, 'ordinary', first ? personOf(0, first) : null);
        const secrets = people.flatMap((who, n) => (n === 0 ? [] : secretsOf(n, who, nonAnonymous)));
        expect([...secrets, 'instance-name', 'mixer-name'].filter((secret) => bytes.includes(secret))).toEqual([]);
        if (bytes.includes('call-id-0')) own += 1;
      }),
      { numRuns: 300 },
    );
    expect(own).toBeGreaterThan(0);
  });

  it('is told what a moderator is told of who hides nothing, so that the words are there to be found', () => {
    const open: Somebody = {
      address: 'account',
      bound: false,
      withheld: false,
      proof: 'digest',
      reads: true,
      numberInLabel: false,
    };
    const moves: Move[] = [
      { n: 0, what: 'call' },
      { n: 0, what: 'enter' },
      { n: 0, what: 'end' },
    ];
    for (const word of ['aor-0', 'label-0', 'contact-0', 'focus-0'])
      expect(sent([open], true, moves, 'ordinary')).toContain(word);
    const told = sent([{ ...open, address: 'number', bound: true }], false, moves, 'moderator');
    for (const word of [digits(0), jidOf(0), 'call-id-0', 'to-tag-0', 'label-0', chair, 'Loud'])
      expect(told).toContain(word);
    for (const word of ['instance-name', 'mixer-name', 'mixer-ref-0', 'dialog-0']) expect(told).not.toContain(word);
  });
});
