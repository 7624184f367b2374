/**
 * RFC 4575 5.6, 8.1, 8.2: what one kind of viewer is shown of a person.
 *
 * A call whose caller asked for privacy (RFC 3323, RFC 3325) is a pseudonym of its own to everybody but its caller, in every room, apart
 * from the person's other ways in. Else a moderator is shown everything. For the others, in a room that hides real JIDs from them:
 * - somebody in the room is their nick, and nothing else: the entity is the occupant's URI, a call's endpoint is opaque, no AOR, no JID;
 *   two nicks of one person stay two users, and then their calls are a pseudonym beside them;
 * - somebody with a JID who is in the call only is a pseudonym without a label. Their AOR would tell, the moment they enter or leave the
 *   room, whose nick is whose;
 * - callers without a JID are never in the room, so a proved AOR is shown, unless it is a telephone number: that is masked by a keyed hash.
 *
 * Somebody who watches is, to themselves, the same users with the same entities; what is theirs alone to know is added.
 *
 * A call that has ended keeps its person under the entity they had, for as long as it is shown.
 */

import {
  type Circumstances,
  callEndpoint,
  callerName,
  cascadedFocusOf,
  inventedName,
  nickName,
  occupantEndpoint,
} from './endpoint-view.ts';
import type { OccupantFact } from './occupant.ts';
import { bareJidUri, occupantUri } from './occupant-uri.ts';
import type { Call, Person } from './person.ts';
import { isTelephone } from './telephone.ts';
import type { Showing, User } from './user.ts';
import { uriText } from './xml-text.ts';

const roleOrder = ['none', 'visitor', 'participant', 'moderator'];

/** The strictest role of the occupants, and a lasting affiliation. */
function occupantRoles(occupants: readonly OccupantFact[]): readonly string[] {
  const ranks = occupants.map((occupant) => roleOrder.indexOf(occupant.role));
  const role = roleOrder[Math.min(...ranks)] ?? 'none';
  const affiliation = occupants[0]?.affiliation ?? 'none';
  return [role, affiliation].filter((word) => word !== 'none' && word !== 'outcast');
}

/** Away from the room: the role that the affiliation would get on entering, as far as the mutes of the room allow. Gone: none. */
function callerRoles(person: Person, hidden: boolean): readonly string[] {
  const standing = person.calls.filter(({ departure }) => departure === null);
  if (standing.length === 0) return [];
  if (standing.some(({ leg }) => leg.mutes.includes('room'))) return ['visitor'];
  const leads = person.affiliation === 'owner' || person.affiliation === 'admin';
  if (hidden || person.affiliation === 'none' || person.affiliation === 'outcast') return ['participant'];
  return [leads ? 'moderator' : 'participant', person.affiliation];
}

/** The person's proved AORs, in the order of the calls, without those that are numbers when these are hidden. */
function provedAors(person: Person, hideNumbers: boolean): readonly string[] {
  const aors = person.calls.map(({ leg }) => leg.aor).filter((aor) => aor !== null);
  return [...new Set(aors.filter((aor) => !hideNumbers || !isTelephone(aor)).map(uriText))];
}

const languagesOf = (calls: readonly Call[]): readonly string[] => [
  ...new Set(calls.flatMap(({ leg }) => leg.languages ?? [])),
];

const focusOf = (calls: readonly Call[], showing: Showing): string | null =>
  calls.map(({ leg }) => cascadedFocusOf(leg, showing)).find((uri) => uri !== null) ?? null;

/** What others are not shown of a person is shown to themselves. */
function ownOnly(person: Person, calls: readonly Call[], entity: string, showing: Showing) {
  if (showing !== 'self') return { associatedAors: [], languages: [], cascadedFocus: null };
  const addresses = [...provedAors(person, false), ...(person.jid === null ? [] : [bareJidUri(person.jid)])];
  return {
    associatedAors: addresses.filter((address) => address !== entity),
    languages: languagesOf(calls),
    cascadedFocus: focusOf(calls, showing),
  };
}

/** Calls under the pseudonym of the first, which tells nothing of the person. */
function pseudonymUser(
  person: Person,
  calls: readonly Call[],
  around: Circumstances,
  showing: Showing,
): readonly User[] {
  const [first] = calls;
  if (!first) return [];
  const entity = uriText(first.leg.pseudonym);
  const own = showing === 'self';
  return [
    {
      entity,
      displayText: own ? callerName(first.leg, entity, false) : inventedName(entity),
      roles: callerRoles({ ...person, calls }, true),
      endpoints: calls.map((call) => callEndpoint(call, around, showing, !own)),
      ...ownOnly(person, calls, entity, showing),
    },
  ];
}

/** Each nick a user of its own; the calls with the nick when there is one, else under a pseudonym. */
function hiddenUsers(person: Person, around: Circumstances, showing: Showing): readonly User[] {
  // What moved from one nick to another when that one leaves would tell that both are one person.
  const apart = person.occupants.length === 1 ? [] : person.calls;
  const beside = person.occupants.length === 1 ? person.calls : [];
  const calls = beside.map((call) => callEndpoint(call, around, showing, showing !== 'self'));
  const nicks = person.occupants.map((occupant) => {
    const entity = occupantUri(around.room, occupant.nick);
    return {
      entity,
      displayText: nickName(occupant),
      roles: occupantRoles([occupant]),
      endpoints: [occupantEndpoint(occupant, around, nickName(occupant)), ...calls],
      ...ownOnly(person, beside, entity, showing),
    };
  });
  return apart.length === 0 ? nicks : [...nicks, ...pseudonymUser(person, apart, around, showing)];
}

function openUser(person: Person, around: Circumstances, showing: Showing): User {
  const [call] = person.calls;
  const [occupant] = person.occupants;
  // Themselves, they stand under the entity that the others see.
  const [aor, ...furtherAors] = provedAors(person, showing !== 'moderator');
  const invented = uriText(call?.leg.masked ?? call?.leg.pseudonym ?? '');
  const entity = aor ?? (occupant ? occupantUri(around.room, occupant.nick) : invented);
  // Who is in the call only has shown the room's people no JID.
  const showsJid = person.jid !== null && (showing === 'moderator' || person.occupants.length > 0);
  const name = occupant
    ? nickName(occupant)
    : call
      ? callerName(call.leg, invented, showing === 'ordinary')
      : 'Unnamed';
  return {
    entity,
    displayText: name,
    roles: occupant ? occupantRoles(person.occupants) : callerRoles(person, false),
    endpoints: [
      ...person.occupants.map((each) => occupantEndpoint(each, around, name)),
      ...person.calls.map((each) => callEndpoint(each, around, showing, false)),
    ],
    associatedAors: [...furtherAors, ...(showsJid && person.jid !== null ? [bareJidUri(person.jid)] : [])],
    languages: languagesOf(person.calls),
    cascadedFocus: focusOf(person.calls, showing),
    ...(showing === 'self' ? ownOnly(person, person.calls, entity, showing) : {}),
  };
}

/** What is shown of somebody whose calls are not withheld. */
function knownUsers(person: Person, around: Circumstances, showing: Showing): readonly User[] {
  const hidden = showing !== 'moderator' && !around.nonAnonymous && person.jid !== null;
  return hidden ? hiddenUsers(person, around, showing) : [openUser(person, around, showing)];
}

const isWithheld = ({ leg }: Call): boolean => leg.withheld === true;

/** The users that a person is shown as: one, or one per nick where the room hides who is who, and one per withheld call. */
export function usersOfPerson(person: Person, around: Circumstances, showing: Showing): readonly User[] {
  if (!person.calls.some(isWithheld)) return knownUsers(person, around, showing);
  const apart = person.calls.filter(isWithheld).flatMap((call) => pseudonymUser(person, [call], around, showing));
  const rest = { ...person, calls: person.calls.filter((call) => !isWithheld(call)) };
  const shown = rest.calls.length + rest.occupants.length > 0 ? knownUsers(rest, around, showing) : [];
  return [...shown, ...apart];
}
