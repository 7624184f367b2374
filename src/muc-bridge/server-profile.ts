/** XEP-0092, XEP-0030: which XMPP server has the rooms, and the one table of what differs between them. */
import type { ComponentLink } from './component.ts';
import { childOf, childrenOf, childText, element, textOf, type XmlElement } from './element.ts';

type ServerKind = 'prosody' | 'ejabberd' | 'other';

/** How servers differ in what this service needs. */
export interface ServerProfile {
  readonly kind: ServerKind;
  /** Ways to put hats on, in the order in which they are tried. */
  readonly hats: ReadonlyArray<'module' | 'command'>;
}

/** The table. `module`: our mod_muc_call_hats; `command`: the ad-hoc commands of ejabberd's enable_hats. */
const serverProfiles: Readonly<Record<ServerKind, ServerProfile>> = {
  prosody: { kind: 'prosody', hats: ['module'] },
  ejabberd: { kind: 'ejabberd', hats: ['command'] },
  other: { kind: 'other', hats: ['module', 'command'] },
};

/** The kind that a software name or the identity of a MUC service tells. */
function serverKindOf(name: string): ServerKind {
  const lower = name.toLowerCase();
  return lower.includes('prosody') ? 'prosody' : lower.includes('ejabberd') ? 'ejabberd' : 'other';
}

const version = element('query', { xmlns: 'jabber:iq:version' });
const disco = element('query', { xmlns: 'http://jabber.org/protocol/disco#info' });

function kindByDisco(payload: XmlElement | null): ServerKind {
  if (!payload) return 'other';
  const named = childrenOf(payload, 'identity').map((identity) => serverKindOf(identity.attrs.name ?? ''));
  return named.find((kind) => kind !== 'other') ?? 'other';
}

/** Asks the MUC service and the domain above it what they are. `other` when nobody says. */
export async function detectServer(link: ComponentLink, from: string, mucService: string): Promise<ServerProfile> {
  const parent = mucService.split('.').slice(1).join('.');
  for (const target of [mucService, parent].filter((each) => each !== '')) {
    const answer = await link.request('get', from, target, version);
    const name = answer.ok ? childText(answer.payload, 'name') : null;
    const kind = name === null ? 'other' : serverKindOf(name);
    if (kind !== 'other') return serverProfiles[kind];
  }
  const answer = await link.request('get', from, mucService, disco);
  return serverProfiles[answer.ok ? kindByDisco(answer.payload) : 'other'];
}

/** Why a command is not done (XEP-0050 2): an error told in a note, or a status other than `completed`; null when it is done. */
export function commandFailure(command: XmlElement | null): string | null {
  const note = childOf(command, 'note');
  if (note?.attrs.type === 'error') return textOf(note);
  return command?.attrs.status === 'completed' ? null : 'the command was not completed';
}
