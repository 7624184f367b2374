/** What the focus does in a room because of what it saw there, as room-state decided. */
import type { Logger } from '../log.ts';
import type { RoomService } from './room-service.ts';
import type { RoomOrder } from './room-state.ts';

/** Carries out one order. `giveVoiceBack` is called when the room refuses to take a person's voice again. */
export async function carryOut(
  order: RoomOrder,
  room: string,
  service: RoomService,
  log: Logger,
  giveVoiceBack: (jid: string) => Promise<void>,
): Promise<void> {
  const role = order.order === 'take-voice' ? 'visitor' : 'none';
  const answer = await service.setRole(room, order.nick, role, null);
  // Not there any more: nothing is left to do.
  if (answer.ok || answer.condition === 'item-not-found') return;
  const { condition, text } = answer;
  log.warn({ room, nick: order.nick, act: order.order, condition, text }, 'the room refused an order of the focus');
  // An owner of an ejabberd room: the room rules, and the call follows it.
  if (order.order === 'take-voice' && condition === 'not-allowed') await giveVoiceBack(order.jid);
}
