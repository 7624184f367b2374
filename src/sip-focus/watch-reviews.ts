/** RFC 4575 3.5, RFC 6665 4.2.2: whose right to watch must be looked at again when a fact has changed. Pure. */
import type { FactEvent } from '../bus/bus.ts';
import type { Watcher, WatcherRegister } from './watcher-register.ts';

const personOfJid = (jid: string): string => `jid:${jid}`;

function* inConference(link: string, watchers: Iterable<Watcher>): Iterable<Watcher> {
  for (const watcher of watchers) if (watcher.link === link) yield watcher;
}

/** Values that stand on either side of a change, without null. */
function sides<T>(before: T | null | undefined, after: T | null | undefined): ReadonlySet<T> {
  const both = new Set<T>();
  for (const side of [before, after]) if (side !== null && side !== undefined) both.add(side);
  return both;
}

type RoomEvent = Extract<FactEvent, { kind: 'room' }>;

const roomRights = (room: RoomEvent['value']): string => `${room?.membersOnly ?? ''} ${room?.joined ?? ''}`;

/** Watchers of a conference whose rights, or whose own person, the fact may have changed; without a look at all the others. */
export function concernedBy(event: FactEvent, link: string, watchers: WatcherRegister): readonly Watcher[] {
  const found = new Set<Watcher>();
  const note = (group: Iterable<Watcher>): void => {
    for (const watcher of inConference(link, group)) found.add(watcher);
  };
  switch (event.kind) {
    case 'occupant':
      for (const jid of sides(event.previous?.jid, event.value?.jid)) note(watchers.ofPerson(personOfJid(jid)));
      break;
    case 'affiliation':
    case 'expulsion':
      note(watchers.ofPerson(personOfJid(event.key)));
      break;
    case 'caller-ban':
    case 'binding':
      note(watchers.ofAor(event.key));
      break;
    case 'leg': {
      const [before, after] = [event.previous?.aor ?? null, event.value?.aor ?? null];
      if (before !== after) for (const aor of sides(before, after)) note(watchers.ofAor(aor));
      break;
    }
    case 'room':
      if (roomRights(event.previous) !== roomRights(event.value)) note(watchers.ofLink(link));
      break;
    default:
  }
  return [...found];
}
