/** RFC 7081 4, XEP-0128: the room says where its conference is, in `audio-video-uri` of its muc#roominfo form. */
import type { RoomFact } from '../conference-info/occupant.ts';
import type { Logger } from '../log.ts';
import type { RoomInfo, RoomService } from './room-service.ts';

/** The field's name, fixed by the RFC. */
export const audioVideoUri = 'audio-video-uri';

/**
 * Sees to it that the room advertises the conference and tells where it can be read: in the room's own disco#info, or only
 * in that of the focus occupant, on a server without our module. Servers may take the field and drop it, so it is read back.
 */
export async function advertise(
  service: RoomService,
  room: string,
  conference: string,
  known: RoomInfo | null,
  log: Logger,
): Promise<RoomFact['advertised']> {
  if (known?.audioVideoUri === conference) return 'room';
  const set = await service.configure(room, { [audioVideoUri]: conference });
  const info = await service.info(room);
  if (info.ok && info.value.audioVideoUri === conference) return 'room';
  const refusal = set.ok ? {} : { condition: set.condition, text: set.text };
  log.warn(
    { room, ...refusal },
    'the room does not advertise the conference; the focus answers for it. Load mod_muc_avuri of this project on the MUC service (see deploy/) and let the focus be owner of its rooms',
  );
  return 'focus';
}
