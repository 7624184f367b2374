import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { onlyKey } from '../../../src/conference-info/meeting.ts';
import type { RoomFact } from '../../../src/conference-info/occupant.ts';
import { createLog } from '../../../src/log.ts';
import { readinessOf, type ServiceParts } from '../../../src/service/readiness.ts';

const room: RoomFact = {
  joined: true,
  name: null,
  subject: null,
  moderated: false,
  membersOnly: false,
  nonAnonymous: false,
  passwordProtected: false,
  advertised: 'room',
};

type Rooms = ReturnType<ServiceParts['muc']['debug']>['rooms'];
const seen = (advertised: RoomFact['advertised'], joined = true): Rooms => [
  { link: 'tea', joined, state: 'open', occupants: 0, advertised },
];

async function xmppPart(muc: { ready: boolean; standby: boolean; rooms: Rooms }, fact: RoomFact | null) {
  const bus = createMemoryBus(createLog({ level: 'silent' }));
  await bus.start();
  if (fact !== null) await bus.publish('tea', 'room', onlyKey, fact);
  const parts = {
    bus,
    focus: { debug: () => ({ connected: true }) },
    mixer: { ready: () => true },
    muc: { ready: () => muc.ready, debug: () => ({ online: muc.ready, standby: muc.standby, rooms: muc.rooms }) },
  } as unknown as ServiceParts;
  return readinessOf(parts).find(({ part }) => part === 'xmpp');
}

describe('readiness of the XMPP half', () => {
  it('is not there while it stands by and nobody is known to be in the rooms', async () => {
    const starting = { ready: false, standby: true, rooms: seen('none', false) };
    expect(await xmppPart(starting, null)).toMatchObject({ ready: false });
    expect(await xmppPart(starting, { ...room, joined: false })).toMatchObject({ ready: false });
  });

  it('is there while another process speaks for the rooms, or the link is closed', async () => {
    const standby = { ready: false, standby: true, rooms: seen('room', false) };
    expect(await xmppPart(standby, room)).toMatchObject({ ready: true, text: expect.stringContaining('standing by') });
    const closed = { ...standby, rooms: standby.rooms.map((each) => ({ ...each, state: 'closed' as const })) };
    expect(await xmppPart(closed, null)).toMatchObject({ ready: true });
  });

  it('blames the server for a missing advertisement only when that is known', async () => {
    const text = async (advertised: RoomFact['advertised']) =>
      (await xmppPart({ ready: true, standby: false, rooms: seen(advertised) }, room))?.text;
    expect(await text('focus')).toContain('mod_muc_avuri');
    expect(await text('none')).not.toContain('mod_muc_avuri');
    expect(await text('room')).not.toContain('mod_muc_avuri');
  });
});
