/** XEP-0045 8, 9: asks to the room (mute, kick, ban, ...) carried out as its moderator or owner, and what it says to them. */
import type { Ask, AskAnswer, RoomAsk } from '../bus/asks.ts';
import type { OccupantFact, Role } from '../conference-info/occupant.ts';
import { BridgeError } from '../errors.ts';
import { bareJid } from '../identity/jid.ts';
import type { Logger } from '../log.ts';
import type { Room } from './room.ts';
import type { RoomAnswer, RoomService } from './room-service.ts';
import type { Rooms } from './rooms.ts';

/** What moderation needs. */
export interface ModerationContext {
  readonly rooms: Rooms;
  readonly service: RoomService;
  readonly log: Logger;
}

const done: AskAnswer = { ok: true, notes: [] };
const refuse = (condition: string, text: string): AskAnswer => ({ ok: false, condition, text });

/** Carries out an ask to the owner of rooms. What the room refuses is returned once, never tried again. */
export async function moderate(ask: Ask, context: ModerationContext): Promise<AskAnswer> {
  if (ask.to !== 'room') return refuse('bad-request', 'This is not for a room.');
  const room = context.rooms.ofLink(ask.link);
  if (!room) return refuse('item-not-found', 'There is no such link here.');
  context.log.info({ link: ask.link, act: ask.act, by: ask.by }, 'asked to act in a room');
  try {
    return await carryOut(ask, room, context);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return refuse('remote-server-timeout', `The room cannot be reached now: ${error.message}.`);
  }
}

async function carryOut(ask: RoomAsk, room: Room, context: ModerationContext): Promise<AskAnswer> {
  switch (ask.act) {
    case 'reopen':
      return reopen(room);
    case 'close':
      return close(ask, room);
    case 'lock':
    case 'unlock':
      return lock(ask, room);
    default:
  }
  if (!room.joined) return refuse('service-unavailable', 'The room cannot be reached now.');
  switch (ask.act) {
    case 'mute':
    case 'unmute':
    case 'kick':
      return changeRole(ask, room, context);
    case 'ban':
    case 'unban':
      return changeAffiliation(ask, room, context);
    case 'tell-moderators':
      return tellModerators(ask.text, room, context);
  }
}

const hasVoice = ({ role }: OccupantFact): boolean => role === 'participant' || role === 'moderator';

/** Voice is given back with what the affiliation gives on entering: an owner who was muted is a moderator again. */
function roleFor(act: 'mute' | 'unmute' | 'kick', { affiliation }: OccupantFact): Role {
  if (act !== 'unmute') return act === 'mute' ? 'visitor' : 'none';
  return affiliation === 'owner' || affiliation === 'admin' ? 'moderator' : 'participant';
}

async function changeRole(
  ask: Extract<RoomAsk, { nick: string }>,
  room: Room,
  { service }: ModerationContext,
): Promise<AskAnswer> {
  const occupant = room.meeting.occupants.get(ask.nick);
  if (!occupant) return refuse('item-not-found', 'Nobody in the room has this nick.');
  // Voice given a second time would make a participant of a moderator.
  if (ask.act === 'unmute' && hasVoice(occupant)) return done;
  const release = room.actFor(ask.nick, ask.by);
  const answer = await service.setRole(room.link.room, ask.nick, roleFor(ask.act, occupant), ask.reason);
  if (answer.ok) return done;
  release();
  return refusedByRoom(answer, ask.act);
}

async function changeAffiliation(
  ask: Extract<RoomAsk, { jid: string }>,
  room: Room,
  { service }: ModerationContext,
): Promise<AskAnswer> {
  const jid = bareJid(ask.jid);
  if (jid === null) return refuse('jid-malformed', 'This is not a JID.');
  // Lifting a ban that does not stand must not take a membership away.
  if (ask.act === 'unban' && room.meeting.affiliations.get(jid)?.affiliation !== 'outcast') {
    return { ok: true, notes: ['This person is not banned.'] };
  }
  const nicks = [...room.meeting.occupants.values()].filter((occupant) => occupant.jid === jid);
  const releases = nicks.map((occupant) => room.actFor(occupant.nick, ask.by));
  const affiliation = ask.act === 'ban' ? 'outcast' : 'none';
  const answer = await service.setAffiliation(room.link.room, jid, affiliation, ask.reason);
  if (answer.ok) return done;
  for (const release of releases) release();
  return refusedByRoom(answer, ask.act);
}

function refusedByRoom(answer: Extract<RoomAnswer, { ok: false }>, act: RoomAsk['act']): AskAnswer {
  const said = answer.text === '' ? '' : ` It says: ${answer.text}`;
  const remedy =
    act === 'mute' || act === 'unmute'
      ? ' The call alone can be muted with --audio-only.'
      : act === 'kick'
        ? ' The call alone can be muted or ended with --audio-only.'
        : '';
  return refuse(answer.condition, `The room does not allow this (${answer.condition}).${said}${remedy}`);
}

async function tellModerators(text: string, room: Room, { service }: ModerationContext): Promise<AskAnswer> {
  const moderators = [...room.meeting.occupants.values()].filter((occupant) => occupant.role === 'moderator');
  for (const { nick } of moderators) await service.whisper(room.link.room, nick, text);
  return moderators.length > 0 ? done : { ok: true, notes: ['No moderator is in the room.'] };
}

async function reopen(room: Room): Promise<AskAnswer> {
  if (room.meeting.link?.state === 'open') return { ok: true, notes: ['The link is open already.'] };
  return (await room.reopen()) ? done : refuse('internal-error', 'The link could not be opened.');
}

async function close(ask: RoomAsk, room: Room): Promise<AskAnswer> {
  const stood = room.meeting.link;
  await room.leave();
  await room.close(ask.reason ?? 'Closed by an operator');
  if (stood?.state !== 'closed') return done;
  const notes =
    stood.closedBy === 'room'
      ? ['The link was closed already. From now on only an operator reopens it.']
      : ['The link is closed already.'];
  return { ok: true, notes };
}

/** Of the call alone: the room lets people in by its own rules, and need not be reached for it. */
async function lock(ask: RoomAsk, room: Room): Promise<AskAnswer> {
  const { link } = room.meeting;
  if (link?.state !== 'open') return refuse('conflict', 'The link is closed: nobody is let in anyway.');
  const wanted = ask.act === 'lock';
  const stood = link.locked !== undefined;
  await room.lock(wanted ? { by: ask.by, reason: ask.reason } : null);
  if ((room.meeting.link?.locked !== undefined) !== wanted) {
    return refuse('internal-error', 'The link could not be changed.');
  }
  if (stood !== wanted) return done;
  return { ok: true, notes: [wanted ? 'The conference was locked already.' : 'The conference is not locked.'] };
}
