/** XEP-0045 7.2 and 9, XEP-0317: what the presences of a room say about an occupant, as the tests read it. */
import type { Element } from '@xmpp/client';

export type Role = 'none' | 'visitor' | 'participant' | 'moderator';
export type Affiliation = 'outcast' | 'none' | 'member' | 'admin' | 'owner';

/** An occupant, after the last presence seen of him. */
export interface Occupant {
  readonly nick: string;
  readonly role: Role;
  readonly affiliation: Affiliation;
  /** Full JID, where the room shows it. */
  readonly jid?: string;
  readonly show?: string;
  readonly status?: string;
  readonly hats: ReadonlyArray<{ uri: string; title: string }>;
  readonly statusCodes: readonly number[];
  readonly raw: Element;
}

/** An occupant's unavailable presence: kicked (307), banned (301), renamed (303), or simply gone (no code). */
export interface Removal {
  readonly nick: string;
  readonly statusCodes: readonly number[];
  readonly affiliation: Affiliation;
  readonly reason?: string;
  readonly actor?: { readonly nick?: string; readonly jid?: string };
  /** After 303. */
  readonly newNick?: string;
  /** The room was destroyed. */
  readonly destroyed?: { readonly reason?: string; readonly alternate?: string };
  readonly raw: Element;
}

const NS_USER = 'http://jabber.org/protocol/muc#user';
/** What both servers and today's clients use. */
const NS_HATS = 'xmpp:prosody.im/protocol/hats:1';

/** The status codes of a presence or message from a room. */
export function statusCodes(stanza: Element): number[] {
  const x = stanza.getChild('x', NS_USER);
  return x === undefined ? [] : x.getChildren('status').map((status) => Number(status.attrs.code));
}

/** Reads an available presence. */
export function readOccupant(nick: string, stanza: Element): Occupant {
  const item = stanza.getChild('x', NS_USER)?.getChild('item');
  const [show, status] = [stanza.getChildText('show'), stanza.getChildText('status')];
  const hats = stanza.getChild('hats', NS_HATS)?.getChildren('hat') ?? [];
  return {
    nick,
    role: (item?.attrs.role ?? 'none') as Role,
    affiliation: (item?.attrs.affiliation ?? 'none') as Affiliation,
    ...(item?.attrs.jid === undefined ? {} : { jid: item.attrs.jid }),
    ...(show === null ? {} : { show }),
    ...(status === null ? {} : { status }),
    hats: hats.map(({ attrs }) => ({ uri: attrs.uri ?? '', title: attrs.title ?? '' })),
    statusCodes: statusCodes(stanza),
    raw: stanza,
  };
}

/** Reads an unavailable presence. */
export function readRemoval(nick: string, stanza: Element): Removal {
  const x = stanza.getChild('x', NS_USER);
  const item = x?.getChild('item');
  const codes = statusCodes(stanza);
  const destroy = x?.getChild('destroy');
  const actor = item?.getChild('actor');
  const destroyReason = destroy?.getChildText('reason');
  return {
    nick,
    statusCodes: codes,
    affiliation: (item?.attrs.affiliation ?? 'none') as Affiliation,
    ...optional('reason', item?.getChildText('reason')),
    ...(actor === undefined
      ? {}
      : { actor: { ...optional('nick', actor.attrs.nick), ...optional('jid', actor.attrs.jid) } }),
    ...(codes.includes(303) ? optional('newNick', item?.attrs.nick) : {}),
    ...(destroy === undefined
      ? {}
      : { destroyed: { ...optional('reason', destroyReason), ...optional('alternate', destroy.attrs.jid) } }),
    raw: stanza,
  };
}

function optional<K extends string>(key: K, value: string | null | undefined): { [P in K]?: string } {
  return value === null || value === undefined ? {} : ({ [key]: value } as { [P in K]?: string });
}
