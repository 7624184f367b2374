/** Words that scenarios are told in: somebody in the room, with a phone at hand. */
import { expect } from 'vitest';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import type { Call, PhoneOptions, SipPhone } from '../harness/sip/phone.ts';
import type { XmppRoom } from '../harness/xmpp-room.ts';
import type { XmppUser } from '../harness/xmpp-user.ts';

/** For `expect.poll`: generous, because the limit is for tests that fail. */
export const patience = { timeout: 15_000, interval: 20 };

/** Somebody who is in the room of a link and has a SIP account that the directory binds to their JID. */
export interface Attendee {
  readonly name: string;
  /** Their nick in the room: the name. */
  readonly nick: string;
  /** Bare JID. */
  readonly jid: string;
  readonly aor: string;
  /** What their phone sends, in Hz. */
  readonly tone: number;
  readonly user: XmppUser;
  readonly room: XmppRoom;
  phone(wishes?: Partial<Omit<PhoneOptions, 'server'>>): Promise<SipPhone>;
  /** Calls the conference of the link with a phone of their own. */
  call(wishes?: Partial<Omit<PhoneOptions, 'server'>>): Promise<Call>;
}

/** Lets one of the cast enter the room of a link; resolves when the bridge, if it runs, has seen it too. */
export async function attend(stack: MeetingStack, link: string, name: string): Promise<Attendee> {
  const { jid, aor, tone } = stack.person(name);
  if (jid === null || aor === null) throw new Error(`${name} has not both accounts`);
  const { room: address, conference } = stack.link(link);
  const user = await stack.user(name);
  const room = await user.join(address, name);
  const seen = async () => (await personsOf(stack, link)).some(({ nicks }) => nicks.some(({ nick }) => nick === name));
  if (stack.bridge.pid !== null) await expect.poll(seen, patience).toBe(true);
  const phone: Attendee['phone'] = (wishes = {}) => stack.phone(name, wishes);
  return {
    ...{ name, nick: name, jid, aor, tone, user, room, phone },
    call: async (wishes = {}) => (await phone(wishes)).call(conference),
  };
}

/** The owner of the room of a link (alice, who made it) and a guest (bob, an ordinary participant), both in the room. */
export async function people(stack: MeetingStack, link: string): Promise<{ owner: Attendee; guest: Attendee }> {
  const owner = await attend(stack, link, 'alice');
  const guest = await attend(stack, link, 'bob');
  return { owner, guest };
}

/** A person as the operator sees them. */
export interface SeenPerson {
  readonly jid: string | null;
  readonly involvement: string;
  readonly nicks: readonly { readonly nick: string; readonly role: string; readonly affiliation: string }[];
  readonly calls: readonly { readonly aor: string | null; readonly label: string | null; readonly muted: boolean }[];
}

/** Who is in a meeting, as its operator sees them; poll it, because what a phone has seen may still be on its way there. */
export async function personsOf(stack: MeetingStack, link: string): Promise<readonly SeenPerson[]> {
  return (await stack.bridge.admin('GET', `/admin/links/${link}`)).body.persons;
}
