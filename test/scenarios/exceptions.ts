/** What a server will not do, or does otherwise than XEP-0045 says: scenarios then expect the documented fallback instead. All exceptions stand here. */
import type { SipKind } from '../harness/meeting/find-stacks.ts';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import type { XmppServerKind } from '../harness/servers/xmpp-server.ts';
import type { FieldValue } from '../harness/xmpp-stanza.ts';

/** A limit of one server. */
interface Limit {
  readonly server: XmppServerKind | SipKind;
  /** What the server does. */
  readonly does: string;
  /** What is expected there instead. */
  readonly instead: string;
}

const limits = {
  'owners cannot be moderated': {
    server: 'ejabberd',
    does: 'answers not-allowed to whoever changes the role of an owner, service admins included',
    instead: 'the refusal is returned once and names --audio-only, which works at the mixer',
  },
  'visitors write in unmoderated rooms': {
    server: 'ejabberd',
    does: 'delivers what a visitor writes as long as the room is not moderated',
    instead: 'voice taken stops the audio; the text as well once the room is moderated',
  },
  'guests of a moderated room have voice': {
    server: 'ejabberd',
    does: 'lets everybody enter a moderated room as a participant unless members_by_default is off',
    instead: 'scenarios that need visitors turn it off together with making the room moderated',
  },
  'no NOTIFY goes to who has hung up': {
    server: 'native',
    does: 'drachtio-server forgets a dialog at the BYE that it gets, whatever else lives in it (RFC 5057)',
    instead: 'a subscription inside the call ends without a last NOTIFY, and its refresh is refused with 481',
  },
} as const satisfies Record<string, Limit>;

/** True where the server of this stack has the limit. */
export function has({ kind }: MeetingStack, limit: keyof typeof limits): boolean {
  const { server } = limits[limit];
  return server === kind.xmpp || server === kind.sip;
}

/** What makes a room moderated as XEP-0045 4.2 has it: who enters without an affiliation has no voice. */
export const moderatedRoom = (stack: MeetingStack): Readonly<Record<string, FieldValue>> => ({
  'muc#roomconfig_moderatedroom': true,
  ...(has(stack, 'guests of a moderated room have voice') ? { members_by_default: false } : {}),
});
