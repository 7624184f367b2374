/** What events in a room mean for the facts: cases, and a model of a room against which long random histories are held. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import type { Meeting } from '../../../src/conference-info/meeting.ts';
import { onlyKey } from '../../../src/conference-info/meeting.ts';
import type { Affiliation, OccupantFact, Role, RoomFact } from '../../../src/conference-info/occupant.ts';
import { createLog } from '../../../src/log.ts';
import type { RoomEvent } from '../../../src/muc-bridge/presence.ts';
import {
  affiliationsChanged,
  type FactChange,
  missingFromLists,
  missingFromSnapshot,
  nextFacts,
  type RoomOrder,
} from '../../../src/muc-bridge/room-state.ts';

const openRoom: RoomFact = {
  joined: true,
  name: null,
  subject: null,
  moderated: false,
  membersOnly: false,
  passwordProtected: false,
  nonAnonymous: false,
  advertised: 'room',
};

/** Facts of one link that take in what the functions say. */
class Facts {
  readonly bus = createMemoryBus(createLog({ level: 'silent' }));
  #ids = 0;

  constructor(room: Partial<RoomFact> = {}) {
    void this.bus.publish('tea', 'room', onlyKey, { ...openRoom, ...room });
  }

  get meeting(): Meeting {
    return this.bus.facts.meeting('tea');
  }

  take(changes: readonly FactChange[]): void {
    for (const { kind, key, value } of changes) {
      if (value === null) void this.bus.withdraw('tea', kind, key);
      else void this.bus.publish('tea', kind, key, value);
    }
  }

  hear(event: RoomEvent, phase: 'live' | 'snapshot' = 'live'): readonly RoomOrder[] {
    const { changes, orders } = nextFacts(event, this.meeting, { phase, newId: () => `id-${++this.#ids}` });
    this.take(changes);
    return orders;
  }

  occupant(nick: string): OccupantFact | undefined {
    return this.meeting.occupants.get(nick);
  }
}

const jidOf = (nick: string): string => `${nick.toLowerCase()}@x.example`;
const acted = { self: false, reason: null, by: null };
const present = (
  nick: string,
  role: Role,
  more: { affiliation?: Affiliation; jid?: string | null; by?: string } = {},
): RoomEvent => ({
  event: 'present',
  nick,
  jid: jidOf(nick),
  role,
  affiliation: 'none',
  hats: [],
  created: false,
  summary: false,
  ...acted,
  ...more,
});
const gone = (
  nick: string,
  departure: Extract<RoomEvent, { event: 'gone' }>['departure'],
  jid: string | null = jidOf(nick),
): RoomEvent => ({
  event: 'gone',
  nick,
  jid,
  role: 'none',
  affiliation: departure === 'ban' ? 'outcast' : 'none',
  departure,
  ...acted,
});

describe('nextFacts', () => {
  it('takes a newcomer as the room lets them in', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    expect(facts.occupant('Bob')).toEqual({
      nick: 'Bob',
      jid: 'bob@x.example',
      role: 'participant',
      affiliation: 'none',
      cause: 'default',
    });
  });

  it("tells a moderated room's default from a role that an unmoderated one remembered", () => {
    const moderated = new Facts({ moderated: true });
    moderated.hear(present('Bob', 'visitor'));
    expect(moderated.occupant('Bob')?.cause).toBe('default');
    const open = new Facts();
    open.hear(present('Bob', 'visitor'));
    expect(open.occupant('Bob')?.cause).toBe('left-over');
  });

  it('counts a visitor found without any fact as unknown', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'visitor'), 'snapshot');
    expect(facts.occupant('Bob')?.cause).toBe('unknown');
    expect(facts.meeting.voicesTaken.size).toBe(0);
  });

  it('keeps the cause when presence says nothing new', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    facts.hear(present('Bob', 'visitor', { by: 'alice@x.example' }));
    facts.hear(present('Bob', 'visitor'));
    facts.hear(present('Bob', 'visitor'), 'snapshot');
    expect(facts.occupant('Bob')?.cause).toBe('revoked');
    expect(facts.meeting.voicesTaken.get('bob@x.example')?.by).toBe('alice@x.example');
  });

  it('remembers voice taken over a visit and orders it to be taken again', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    facts.hear(present('Bob', 'visitor'));
    facts.hear(gone('Bob', 'left'));
    expect(facts.hear(present('Robert', 'participant', { jid: 'bob@x.example' }))).toEqual([
      { order: 'take-voice', nick: 'Robert', jid: 'bob@x.example' },
    ]);
    expect(facts.meeting.voicesTaken.has('bob@x.example')).toBe(true);
    expect(facts.hear(present('Robert', 'visitor', { jid: 'bob@x.example' }))).toEqual([]);
    facts.hear(present('Robert', 'participant', { jid: 'bob@x.example' }));
    expect(facts.meeting.voicesTaken.size).toBe(0);
    expect(facts.occupant('Robert')?.cause).toBe('granted');
  });

  it('lets a moderator role found after a restart stand: no visit gives that by default', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    facts.hear(present('Bob', 'visitor'));
    expect(facts.hear(present('Bob', 'moderator', { affiliation: 'admin' }), 'snapshot')).toEqual([]);
    expect(facts.meeting.voicesTaken.size).toBe(0);
  });

  it('gives voice back only when no other occupant of the person is without', () => {
    const facts = new Facts();
    for (const nick of ['One', 'Two']) {
      facts.hear(present(nick, 'participant', { jid: 'bob@x.example' }));
      facts.hear(present(nick, 'visitor', { jid: 'bob@x.example' }));
    }
    facts.hear(present('One', 'participant', { jid: 'bob@x.example' }));
    expect(facts.meeting.voicesTaken.size).toBe(1);
    facts.hear(present('Two', 'participant', { jid: 'bob@x.example' }));
    expect(facts.meeting.voicesTaken.size).toBe(0);
  });

  it.each(['left', 'technical', 'shutdown'] as const)('expels nobody who is gone as %s', (departure) => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    facts.hear(gone('Bob', departure));
    expect(facts.meeting.occupants.size + facts.meeting.expulsions.size).toBe(0);
  });

  it('gives each expulsion an id of its own, with the JID known from before where the server leaves it out', () => {
    const facts = new Facts();
    const ids = [0, 1].map(() => {
      facts.hear(present('Bob', 'participant'));
      facts.hear(gone('Bob', 'kick', null));
      return facts.meeting.expulsions.get('bob@x.example')?.id;
    });
    expect(new Set(ids).size).toBe(2);
    expect(ids).not.toContain(undefined);
  });

  it('says the ban before the expulsion, so that no call slips in between, and with the words of both', () => {
    const occupant = { nick: 'Bob', jid: 'bob@x.example', role: 'none', affiliation: 'outcast' } as const;
    const event = {
      event: 'gone',
      self: false,
      ...occupant,
      departure: 'ban',
      reason: 'spam',
      by: 'Alice',
    } as unknown as RoomEvent;
    const room = createMemoryBus(createLog({ level: 'silent' })).facts.meeting('tea');
    const { changes } = nextFacts(event, room, { phase: 'live', newId: () => 'e1' });
    expect(changes.map(({ kind }) => kind)).toEqual(['affiliation', 'expulsion']);
    for (const { value } of changes) expect(value).toMatchObject({ reason: 'spam', by: 'Alice' });
  });

  it('takes an outcast who is still there as banned, once, and has them kicked', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    expect(facts.hear(present('Bob', 'participant', { affiliation: 'outcast' }))).toEqual([
      { order: 'kick-outcast', nick: 'Bob' },
    ]);
    const { id } = facts.meeting.expulsions.get('bob@x.example') ?? {};
    facts.hear(gone('Bob', 'ban'));
    expect(facts.meeting.expulsions.get('bob@x.example')).toMatchObject({ id, cause: 'ban' });
    expect(facts.meeting.affiliations.get('bob@x.example')?.affiliation).toBe('outcast');
    expect(facts.meeting.occupants.size).toBe(0);
  });

  it('follows two people who swap their nicks', () => {
    const facts = new Facts();
    const renamed = (nick: string, to: string, person: string): RoomEvent => ({
      event: 'renamed',
      nick,
      to,
      jid: jidOf(person),
      role: 'participant',
      affiliation: 'none',
      ...acted,
    });
    facts.hear(present('Ann', 'participant'));
    facts.hear(present('Bob', 'participant'));
    facts.hear(present('Bob', 'visitor'));
    for (const [from, to, person] of [
      ['Bob', 'x', 'Bob'],
      ['Ann', 'Bob', 'Ann'],
      ['x', 'Ann', 'Bob'],
    ] as const) {
      facts.hear(renamed(from, to, person));
      expect(facts.occupant(to)?.jid).toBe(jidOf(person));
      const role = person === 'Bob' ? 'visitor' : 'participant';
      facts.hear(present(to, role, { jid: jidOf(person) }));
    }
    expect(facts.occupant('Ann')).toMatchObject({ jid: jidOf('Bob'), role: 'visitor', cause: 'revoked' });
    expect(facts.occupant('Bob')).toMatchObject({ jid: jidOf('Ann'), role: 'participant', cause: 'default' });
  });

  it('does not take a nick for its former owner', () => {
    const facts = new Facts();
    facts.hear(present('Bob', 'participant'));
    facts.hear(present('Bob', 'visitor', { jid: 'mallory@x.example' }), 'snapshot');
    expect(facts.meeting.voicesTaken.size).toBe(0);
    expect(facts.occupant('Bob')).toMatchObject({ jid: 'mallory@x.example', cause: 'unknown' });
  });
});

describe('comparing with lists', () => {
  it('withdraws whom the snapshot lacks, expelling nobody', () => {
    const facts = new Facts({ membersOnly: true });
    facts.hear(present('Ann', 'participant'));
    facts.hear(present('Bob', 'participant'));
    facts.take(missingFromSnapshot(new Set(['Ann']), facts.meeting));
    expect([...facts.meeting.occupants.keys()]).toEqual(['Ann']);
    expect(facts.meeting.expulsions.size).toBe(0);
  });

  it('expels from a members-only room only those who are no members and were not told of since', () => {
    const facts = new Facts({ membersOnly: true });
    for (const nick of ['Ann', 'Bob', 'Carl', 'Dora']) facts.hear(present(nick, 'participant'));
    facts.take([{ kind: 'affiliation', key: jidOf('Carl'), value: { jid: jidOf('Carl'), affiliation: 'member' } }]);
    const listed = [{ nick: 'Ann', jid: jidOf('Ann'), role: 'participant' as const }];
    facts.take(missingFromLists(listed, new Set(['Dora']), facts.meeting, { newId: () => 'id-x' }));
    expect([...facts.meeting.occupants.keys()]).toEqual(['Ann', 'Dora']);
    expect([...facts.meeting.expulsions.keys()]).toEqual([jidOf('Bob')]);
  });

  it('takes affiliations as listed, but for the focus and for people told of since', () => {
    const facts = new Facts();
    for (const nick of ['Ann', 'Bob']) facts.hear({ event: 'affiliation', jid: jidOf(nick), affiliation: 'outcast' });
    const lists = [
      { jid: 'focus@bridge.example', affiliation: 'owner' as const },
      { jid: jidOf('Carl'), affiliation: 'member' as const },
    ];
    facts.take(affiliationsChanged(lists, new Set([jidOf('Bob')]), 'focus@bridge.example', facts.meeting));
    expect([...facts.meeting.affiliations.keys()].sort()).toEqual([jidOf('Bob'), jidOf('Carl')]);
  });
});

describe('a long history', () => {
  type Act = 'enter' | 'leave' | 'kick' | 'ban' | 'revoke' | 'grant' | 'rename' | 'blind';
  const acts = fc.tuple(
    fc.constantFrom<Act>('enter', 'leave', 'kick', 'ban', 'revoke', 'grant', 'rename', 'blind'),
    fc.constantFrom('Ann', 'Bob', 'Carl'),
  );

  /** A room that carries out orders as a server does, and what must be known of it. */
  class Model {
    readonly facts = new Facts();
    readonly inside = new Map<string, { nick: string; role: Role }>();
    readonly taken = new Set<string>();
    expulsions = 0;

    hear(event: RoomEvent, phase: 'live' | 'snapshot' = 'live'): void {
      for (const order of this.facts.hear(event, phase)) {
        const person = [...this.inside].find(([, { nick }]) => nick === order.nick);
        if (order.order === 'take-voice' && person) this.setRole(person[0], 'visitor');
      }
    }

    setRole(person: string, role: Role): void {
      const occupant = this.inside.get(person);
      if (!occupant) return;
      occupant.role = role;
      this.hear(present(occupant.nick, role, { jid: jidOf(person) }));
    }

    act(act: Act, person: string): void {
      const occupant = this.inside.get(person);
      if (act === 'blind') this.blind(person);
      else if (!occupant) this.enter(act, person);
      else if (act === 'revoke' || act === 'grant') {
        if (act === 'revoke') this.taken.add(person);
        else this.taken.delete(person);
        this.setRole(person, act === 'revoke' ? 'visitor' : 'participant');
      } else if (act === 'rename') {
        const to = `${occupant.nick}x`;
        this.hear({
          event: 'renamed',
          nick: occupant.nick,
          to,
          jid: jidOf(person),
          role: occupant.role,
          affiliation: 'none',
          ...acted,
        });
        occupant.nick = to;
        this.setRole(person, occupant.role);
      } else if (act !== 'enter') {
        this.inside.delete(person);
        if (act !== 'leave') this.expulsions += 1;
        this.hear(gone(occupant.nick, act === 'leave' ? 'left' : act, jidOf(person)));
      }
    }

    enter(act: Act, person: string): void {
      if (act !== 'enter') return;
      this.inside.set(person, { nick: person, role: 'participant' });
      this.hear(present(person, 'participant'));
    }

    /** The bridge looks away while somebody leaves; then the whole room is seen anew. */
    blind(person: string): void {
      this.inside.delete(person);
      const list = [...this.inside].map(([who, { nick, role }]) => ({ who, nick, role }));
      for (const { who, nick, role } of list) this.hear(present(nick, role, { jid: jidOf(who) }), 'snapshot');
      this.facts.take(missingFromSnapshot(new Set(list.map(({ nick }) => nick)), this.facts.meeting));
    }
  }

  it('ends with the facts as the room is: right people, right roles, right voices', () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 20, maxLength: 120, size: 'max' }), (history) => {
        const model = new Model();
        const ids = new Set<string>();
        model.facts.bus.listen((event) => {
          if (event.kind === 'expulsion' && event.value) ids.add(event.value.id);
        });
        for (const [act, person] of history) {
          model.act(act, person);
          const { occupants, voicesTaken } = model.facts.meeting;
          const seen = [...occupants.values()].map(({ nick, jid, role }) => ({ nick, jid, role }));
          const real = [...model.inside].map(([who, { nick, role }]) => ({ nick, jid: jidOf(who), role }));
          const order = (one: { nick: string }, other: { nick: string }) => (one.nick < other.nick ? -1 : 1);
          expect(seen.sort(order)).toEqual(real.sort(order));
          expect([...voicesTaken.keys()].sort()).toEqual([...model.taken].map(jidOf).sort());
          expect(ids.size).toBe(model.expulsions);
          // Whoever's voice stands as taken is a visitor wherever they are.
          for (const who of model.taken) expect(model.inside.get(who)?.role ?? 'visitor').toBe('visitor');
        }
      }),
      { numRuns: 100 },
    );
  });
});
