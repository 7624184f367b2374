/** The command with which those who owned a destroyed room open its link again. */
import { bareJid } from '../identity/jid.ts';
import { mayReopen } from '../policy/command-rights.ts';
import type { Command, CommandFacts, Decision } from './command.ts';

type LinkedRoom = CommandFacts['rooms'][number];

const roomsOf = (asker: string, { rooms }: CommandFacts): readonly LinkedRoom[] =>
  rooms.filter(({ meeting }) => mayReopen(asker, meeting.link));

const nothingToReopen =
  'There is no room of yours here that was destroyed. What an operator closed, an operator reopens.';

function chosen(asker: string, wanted: string | undefined, facts: CommandFacts): LinkedRoom | string {
  const rooms = roomsOf(asker, facts);
  const [first, ...others] = rooms;
  if (wanted !== undefined) {
    const room = bareJid(wanted);
    const named = rooms.find(({ link }) => link.room === room);
    return named ?? 'This room is not closed, or you were not its owner when it was destroyed.';
  }
  if (first === undefined) return nothingToReopen;
  return others.length === 0 ? first : `Which room? ${rooms.map(({ link }) => link.room).join(', ')}`;
}

/** Reopens the link of a destroyed room; the one field is the room's bare JID. */
export const reopenCommand: Command = {
  node: 'reopen',
  name: 'Reopen a room that was destroyed',
  usage: '!reopen <room>: make a destroyed room of yours again and take calls in it',
  instructions: 'The room is made again with its former owners, and its conference takes calls.',
  fields: (asker, facts) => [
    {
      name: 'room',
      label: 'Room',
      options: roomsOf(asker, facts).map(({ link }) => ({ value: link.room, label: `${link.name} (${link.room})` })),
    },
  ],
  hindrance: (asker, facts) => (roomsOf(asker, facts).length > 0 ? null : nothingToReopen),
  decide(asker, answers, facts): Decision {
    const room = chosen(asker, answers.room, facts);
    if (typeof room === 'string') return { decision: 'refuse', text: room };
    const { id, room: jid } = room.link;
    return {
      decision: 'ask',
      ask: { to: 'room', act: 'reopen', link: id, by: asker, reason: null },
      done: `${jid} is open again.`,
    };
  },
};
