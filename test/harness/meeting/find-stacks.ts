/** Which meetings this machine can hold: an XMPP server, and SIP either inside the bridge or on real servers. */
import { findDrachtio } from '../servers/drachtio.ts';
import { findEjabberd } from '../servers/ejabberd.ts';
import { findFreeswitch } from '../servers/freeswitch.ts';
import { findNats } from '../servers/nats.ts';
import { findProsody } from '../servers/prosody.ts';
import type { XmppServerKind } from '../servers/xmpp-server.ts';

/** `embedded`: SIP agent and mixer inside the bridge. `native`: drachtio-server and FreeSWITCH, installed on this machine. */
export type SipKind = 'embedded' | 'native';

/** What a stack is made of. */
export interface StackKind {
  readonly xmpp: XmppServerKind;
  readonly sip: SipKind;
}

/** A stack and what keeps it from running here. */
export interface FoundStack extends StackKind {
  /** For people, such as `embedded × prosody`. */
  readonly name: string;
  /** Names of servers that this machine lacks; none: it can run. */
  readonly missing: readonly string[];
}

export const stackName = ({ sip, xmpp }: StackKind): string => `${sip} × ${xmpp}`;

/** All stacks that there are, with what each lacks here. */
export function findStacks(): readonly FoundStack[] {
  const lacks = {
    prosody: findProsody() === null ? ['prosody'] : [],
    ejabberd: findEjabberd() === null ? ['ejabberd'] : [],
    embedded: [],
    native: [
      ...(findDrachtio() === null ? ['drachtio-server'] : []),
      ...(findFreeswitch() === null ? ['FreeSWITCH'] : []),
    ],
  };
  const nats = findNats() === null ? ['nats-server'] : [];
  const stacks: FoundStack[] = [];
  for (const sip of ['embedded', 'native'] as const) {
    for (const xmpp of ['prosody', 'ejabberd'] as const) {
      const kind = { sip, xmpp };
      stacks.push({ ...kind, name: stackName(kind), missing: [...nats, ...lacks[xmpp], ...lacks[sip]] });
    }
  }
  return stacks;
}
