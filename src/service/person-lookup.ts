/** Finds the person that an operator names in a meeting, and says to whom an act upon them must be addressed (law 5: to the owner of the fact). Pure. */
import type { Ask, AskTarget, FocusAsk, RoomAsk } from '../bus/asks.ts';
import type { LegFact } from '../conference-info/leg.ts';
import { jidOfLeg, type Meeting } from '../conference-info/meeting.ts';
import { type Aor, canonicalAor } from '../identity/aor.ts';
import type { Bindings } from '../identity/binding.ts';
import { bareJid } from '../identity/jid.ts';

/** Who is meant: at least one of JID, AOR, nick or leg is known. */
export interface Found {
  readonly jid: string | null;
  readonly aor: Aor | null;
  readonly nicks: readonly string[];
  readonly legs: readonly LegFact[];
}

export type Lookup =
  | { readonly found: Found }
  | { readonly condition: 'item-not-found' | 'ambiguous'; readonly text: string };

const ofJid = (jid: string, meeting: Meeting, bindings: Bindings): Found => ({
  jid,
  aor: null,
  nicks: [...meeting.occupants.values()].filter((occupant) => occupant.jid === jid).map(({ nick }) => nick),
  legs: [...meeting.legs.values()].filter((leg) => jidOfLeg(leg, bindings) === jid),
});

function ofAor(aor: Aor, meeting: Meeting, bindings: Bindings): Found {
  const jid = jidOfLeg({ aor }, bindings);
  if (jid !== null) return { ...ofJid(jid, meeting, bindings), aor };
  return { jid: null, aor, nicks: [], legs: [...meeting.legs.values()].filter((leg) => leg.aor === aor) };
}

function ofLeg(leg: LegFact, meeting: Meeting, bindings: Bindings): Found {
  if (leg.aor !== null) return ofAor(leg.aor, meeting, bindings);
  return { jid: null, aor: null, nicks: [], legs: [leg] };
}

function ofNick(nick: string, meeting: Meeting, bindings: Bindings): Found | null {
  const occupant = meeting.occupants.get(nick);
  if (!occupant) return null;
  return occupant.jid === null
    ? { jid: null, aor: null, nicks: [nick], legs: [] }
    : ofJid(occupant.jid, meeting, bindings);
}

/**
 * A person by call id, SIP address (`sip:`, `tel:`), nick in the room, JID, or the label that a caller without a proved address shows.
 * A nick goes before a JID of the same text; a label counts only when one caller alone has it.
 */
export function lookUp(name: string, meeting: Meeting, bindings: Bindings): Lookup {
  const leg = meeting.legs.get(name);
  if (leg) return { found: ofLeg(leg, meeting, bindings) };
  const aor = canonicalAor(name);
  if (aor !== null) return { found: ofAor(aor, meeting, bindings) };
  const byNick = ofNick(name, meeting, bindings);
  if (byNick) return { found: byNick };
  const labelled = [...meeting.legs.values()].filter((each) => each.label === name);
  if (labelled.length > 1) {
    const ids = labelled.map((each) => each.leg).join(', ');
    return { condition: 'ambiguous', text: `Several callers show this name; name one by its call id: ${ids}` };
  }
  if (labelled[0]) return { found: ofLeg(labelled[0], meeting, bindings) };
  const jid = bareJid(name);
  if (jid?.includes('@')) return { found: ofJid(jid, meeting, bindings) };
  return { condition: 'item-not-found', text: 'Nobody in this meeting has this nick, address, call id or name' };
}

/** What an operator can ask about a person. */
export const personActs = ['mute', 'unmute', 'kick', 'ban', 'unban'] as const;
export type PersonAct = (typeof personActs)[number];

/** What an operator asked, with whom it is about already found. */
export interface PersonOrder {
  readonly link: string;
  readonly act: PersonAct;
  /** Only the call is meant: the room hears nothing of it. */
  readonly audioOnly: boolean;
  readonly by: string;
  readonly reason: string | null;
}

export interface AddressedAsk {
  readonly target: AskTarget;
  readonly ask: Ask;
}

export type Plan =
  /** `notes`: what the asker must know of it beforehand. */
  | { readonly kind: 'asks'; readonly asks: readonly AddressedAsk[]; readonly notes: readonly string[] }
  /** The ban of a caller without a JID is no room's affair: its fact is taken back. */
  | { readonly kind: 'lift-caller-ban'; readonly aor: Aor }
  | { readonly kind: 'refused'; readonly condition: string; readonly text: string };

const refused = (condition: string, text: string): Plan => ({ kind: 'refused', condition, text });
const asking = (asks: readonly AddressedAsk[], notes: readonly string[] = []): Plan => ({ kind: 'asks', asks, notes });

/** The room's voice does not lift what an operator took at the mixer. */
const operatorMuteStays = 'An operator has muted the call besides: lift that with --audio-only';

/** Who is to be asked what. People in the room are the room's affair, callers who are not in it the focus's that holds the call. */
export function planOf(order: PersonOrder, found: Found): Plan {
  const { act, audioOnly } = order;
  if (act === 'ban' || act === 'unban') return audioOnly ? banIsNoAudio : planBan(order, act, found);
  if (!audioOnly && found.nicks.length > 0) {
    const stays = act === 'unmute' && found.legs.some((leg) => leg.mutes.includes('operator'));
    const asks = found.nicks.map((nick) => toRoom(order, { act, nick }));
    return asking(asks, stays ? [operatorMuteStays] : []);
  }
  if (found.legs.length === 0) return refused('item-not-found', 'This person has no call in this meeting');
  const legAct = act === 'kick' ? 'remove' : act;
  return asking(found.legs.map((leg) => toFocus(order, legAct, leg)));
}

const banIsNoAudio = refused('bad-request', 'A ban concerns the person, not the audio alone: leave --audio-only out');

function planBan(order: PersonOrder, act: 'ban' | 'unban', found: Found): Plan {
  if (found.jid !== null) return asking([toRoom(order, { act, jid: found.jid })]);
  if (found.nicks.length > 0) {
    return refused('not-acceptable', 'The room hides the address of this person, so that they can only be kicked');
  }
  if (act === 'ban') {
    if (found.legs.length === 0) return refused('item-not-found', 'This caller is not in the call');
    return asking(found.legs.map((leg) => toFocus(order, 'ban', leg)));
  }
  if (found.aor === null) return refused('item-not-found', 'Name the SIP address that is banned');
  return { kind: 'lift-caller-ban', aor: found.aor };
}

type RoomAct =
  | { readonly act: 'mute' | 'unmute' | 'kick'; readonly nick: string }
  | { readonly act: 'ban' | 'unban'; readonly jid: string };

function toRoom({ link, by, reason }: PersonOrder, act: RoomAct): AddressedAsk {
  const ask: RoomAsk = { to: 'room', link, by, reason, ...act };
  return { target: { owner: 'room' }, ask };
}

function toFocus({ link, by, reason }: PersonOrder, act: FocusAsk['act'], leg: LegFact): AddressedAsk {
  return {
    target: { owner: 'focus', instance: leg.instance },
    ask: { to: 'focus', link, by, reason, act, leg: leg.leg },
  };
}
