/** What is there before a bridge ever comes: accounts, and rooms with an owner. */
import type { XmppServer } from '../servers/xmpp-server.ts';
import { XmppUser } from '../xmpp-user.ts';
import type { MeetingLink } from './bridge-config.ts';
import type { Person } from './cast.ts';

/** Domain of the conference URIs. */
const CONFERENCE_DOMAIN = 'conf.test';

/** Who of the cast owns the rooms. */
export const OWNER = 'alice';

/** A link: its room is `<id>@<MUC service>`, its conference `sip:<id>@conf.test` unless another host is named. */
export interface LinkOptions {
  readonly id: string;
  readonly maximumUsers?: number;
  /** Of the conference URI. */
  readonly host?: string;
  /** What the focus's Contact names; the server's address when absent. */
  readonly contact?: 'conference';
  /** False: no room is made beforehand; the bridge has to. */
  readonly roomExists?: boolean;
}

export function linkOf(
  { id, maximumUsers, contact, host = CONFERENCE_DOMAIN }: LinkOptions,
  mucDomain: string,
): MeetingLink {
  return {
    id,
    room: `${id}@${mucDomain}`,
    conference: `sip:${id}@${host}`,
    name: `The ${id} round`,
    ...(maximumUsers === undefined ? {} : { maximumUsers }),
    ...(contact === undefined ? {} : { contact }),
  };
}

export async function makeAccounts(xmpp: XmppServer, people: readonly Person[]): Promise<void> {
  const withJid = people.filter(({ jid }) => jid !== null);
  await Promise.all(withJid.map(({ name, password }) => xmpp.addUser(name, password)));
}

/**
 * Makes the rooms as people do: whoever enters first is owner. The bridge's focus is an owner besides, by the server's
 * configuration alone, so a person who owns the room needs nothing from the bridge.
 */
export async function makeRooms(xmpp: XmppServer, owner: Person, rooms: readonly string[]): Promise<void> {
  const user = await XmppUser.connect(xmpp, owner.name, owner.password, { resource: 'furnishing' });
  try {
    await Promise.all(
      rooms.map(async (room) => {
        const entered = await user.join(room, owner.name);
        await entered.configure({ 'muc#roomconfig_persistentroom': true });
        await entered.leave();
      }),
    );
  } finally {
    await user.disconnect();
  }
}
