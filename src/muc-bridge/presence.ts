/** XEP-0045 7.2.2, 7.4-7.6, 8.2, 9, 10: what a stanza from a room says. Nothing else interprets presence. */

import { type Affiliation, affiliations, type Role, roles } from '../conference-info/occupant.ts';
import { bareJid, resourceOf } from '../identity/jid.ts';
import { hasSummary } from './call-summary.ts';
import { readRefusal } from './data-form.ts';
import { childOf, childrenOf, childText, type XmlElement } from './element.ts';

const mucUser = 'http://jabber.org/protocol/muc#user';
const hatsNamespaces = ['xmpp:prosody.im/protocol/hats:1', 'urn:xmpp:hats:0'];

/** Why an occupant is gone. `left` = by themselves or their connection; `technical` = 333; `shutdown` = 332. */
type Departure = 'left' | 'kick' | 'ban' | 'membership' | 'shutdown' | 'technical' | 'destroyed';

/** An occupant as a presence shows them. */
export interface SeenOccupant {
  readonly nick: string;
  /** Bare real JID, null where the room hides it. Several sessions under one nick are one person. */
  readonly jid: string | null;
  readonly role: Role;
  readonly affiliation: Affiliation;
}

interface Acted {
  /** Our own occupant. */
  readonly self: boolean;
  readonly reason: string | null;
  /** Who did it: bare JID, else nick. */
  readonly by: string | null;
}

/** One thing that a room says. */
export type RoomEvent =
  | ({
      readonly event: 'present';
      readonly hats: readonly string[];
      readonly created: boolean;
      /** The presence has a summary of the call. */
      readonly summary: boolean;
    } & SeenOccupant &
      Acted)
  | ({ readonly event: 'gone'; readonly departure: Departure } & SeenOccupant & Acted)
  | ({ readonly event: 'renamed'; readonly to: string } & SeenOccupant & Acted)
  | { readonly event: 'destroyed'; readonly reason: string | null; readonly alternate: string | null }
  | { readonly event: 'affiliation'; readonly jid: string; readonly affiliation: Affiliation }
  | { readonly event: 'configured' }
  | { readonly event: 'subject'; readonly subject: string }
  | { readonly event: 'refused'; readonly nick: string; readonly condition: string; readonly text: string };

const oneOf = <T extends string>(values: readonly T[], text: string | undefined, fallback: T): T =>
  values.find((value) => value === text) ?? fallback;

const codesOf = (x: XmlElement | null): ReadonlySet<string> =>
  new Set(x ? childrenOf(x, 'status').map((status) => status.attrs.code ?? '') : []);

/** Reads a presence or message from a room. `nick` is ours. Stanzas that say nothing of the room's state give no events. */
export function readRoomStanza(stanza: XmlElement, nick: string): readonly RoomEvent[] {
  if (stanza.name === 'presence') return readPresence(stanza, nick);
  if (stanza.name === 'message' && stanza.attrs.type !== 'error') return readMessage(stanza);
  return [];
}

function seenOccupant(nick: string, items: readonly XmlElement[]): SeenOccupant {
  const item = items[0];
  const jids = items.map((each) => (each.attrs.jid ? bareJid(each.attrs.jid) : null));
  return {
    nick,
    jid: jids.find((jid) => jid !== null) ?? null,
    role: oneOf(roles, item?.attrs.role, 'none'),
    affiliation: items.some((each) => each.attrs.affiliation === 'outcast')
      ? 'outcast'
      : oneOf(affiliations, item?.attrs.affiliation, 'none'),
  };
}

function acted(items: readonly XmlElement[], self: boolean): Acted {
  const item = items[0];
  const actor = childOf(item, 'actor');
  const by = actor?.attrs.jid ? bareJid(actor.attrs.jid) : null;
  return { self, reason: childText(item, 'reason') || null, by: by ?? actor?.attrs.nick ?? null };
}

function readPresence(stanza: XmlElement, ownNick: string): readonly RoomEvent[] {
  const nick = resourceOf(stanza.attrs.from ?? '');
  const x = childOf(stanza, 'x', mucUser);
  if (stanza.attrs.type === 'error') return [{ event: 'refused', nick: nick ?? '', ...readRefusal(stanza) }];
  if (stanza.attrs.type === 'unavailable') return readUnavailable(x, nick, ownNick);
  // Without a nick it is the room's own presence (capabilities, avatar), not an occupant's.
  if (stanza.attrs.type !== undefined || nick === null || x === null) return [];
  const codes = codesOf(x);
  const items = childrenOf(x, 'item');
  return [
    {
      event: 'present',
      ...seenOccupant(nick, items),
      ...acted(items, codes.has('110')),
      hats: hatsOf(stanza),
      created: codes.has('201'),
      summary: hasSummary(stanza),
    },
  ];
}

const hatsOf = (stanza: XmlElement): readonly string[] =>
  hatsNamespaces
    .flatMap((xmlns) => childrenOf(stanza, 'hats', xmlns))
    .flatMap((hats) => childrenOf(hats, 'hat').map((hat) => hat.attrs.uri ?? ''));

function departureOf(codes: ReadonlySet<string>, affiliation: Affiliation): Departure {
  if (codes.has('301') || affiliation === 'outcast') return 'ban';
  // A code for what befell the connection outweighs 307, which servers add to it (XEP-0045 9.1 and 10.9 notes).
  if (codes.has('332')) return 'shutdown';
  if (codes.has('333')) return 'technical';
  if (codes.has('321') || codes.has('322')) return 'membership';
  return codes.has('307') ? 'kick' : 'left';
}

function readUnavailable(x: XmlElement | null, nick: string | null, ownNick: string): readonly RoomEvent[] {
  const destroy = childOf(x, 'destroy');
  if (destroy) {
    const alternate = destroy.attrs.jid ? bareJid(destroy.attrs.jid) : null;
    return [{ event: 'destroyed', reason: childText(destroy, 'reason') || null, alternate }];
  }
  if (nick === null) return [];
  const codes = codesOf(x);
  const items = x ? childrenOf(x, 'item') : [];
  const seen = seenOccupant(nick, items);
  const how = acted(items, codes.has('110') || nick === ownNick);
  const to = items[0]?.attrs.nick;
  if (codes.has('303') && to) return [{ event: 'renamed', ...seen, ...how, to }];
  return [{ event: 'gone', ...seen, ...how, departure: departureOf(codes, seen.affiliation) }];
}

const configurationCodes = ['104', '170', '171', '172', '173', '174'];

function readMessage(stanza: XmlElement): readonly RoomEvent[] {
  const fromRoom = resourceOf(stanza.attrs.from ?? '') === null;
  const x = childOf(stanza, 'x', mucUser);
  const events: RoomEvent[] = [];
  const subject = childText(stanza, 'subject');
  // A subject change has no body and no thread (XEP-0045 8.1).
  if (stanza.attrs.type === 'groupchat' && subject !== null && childOf(stanza, 'body') === null) {
    events.push({ event: 'subject', subject });
  }
  if (!fromRoom || x === null) return events;
  const codes = codesOf(x);
  if (configurationCodes.some((code) => codes.has(code))) events.push({ event: 'configured' });
  for (const item of childrenOf(x, 'item')) {
    const jid = item.attrs.jid ? bareJid(item.attrs.jid) : null;
    const affiliation = affiliations.find((each) => each === item.attrs.affiliation);
    if (jid !== null && affiliation !== undefined) events.push({ event: 'affiliation', jid, affiliation });
  }
  return events;
}
