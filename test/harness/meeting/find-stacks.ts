/** Which meetings this machine can hold: an XMPP server, and SIP either inside the bridge or on real servers. */
import { containersOf } from '../containers/containers.ts';
import type { ServersInContainers } from '../containers/server-image.ts';
import { findDrachtio } from '../servers/drachtio.ts';
import { findEjabberd } from '../servers/ejabberd.ts';
import { findFreeswitch } from '../servers/freeswitch.ts';
import { findNats } from '../servers/nats.ts';
import type { Place } from '../servers/place.ts';
import { findProsody } from '../servers/prosody.ts';
import type { XmppServerKind } from '../servers/xmpp-server.ts';

/** `embedded`: SIP agent and mixer inside the bridge. `native`: drachtio-server and FreeSWITCH, whose programs are of this machine. */
export type SipKind = 'embedded' | 'native';

/** What a stack is made of. */
export interface StackKind {
  readonly xmpp: XmppServerKind;
  readonly sip: SipKind;
  /** Where its servers run; on this machine when absent. The bridge always does. */
  readonly place?: Place;
}

/** A stack and what keeps it from running here. */
export interface FoundStack extends StackKind {
  /** For people, such as `embedded × prosody`. */
  readonly name: string;
  /** Names of what this machine lacks; none: it can run. */
  readonly missing: readonly string[];
}

export const stackName = ({ sip, xmpp, place }: StackKind): string =>
  `${place === undefined ? '' : 'containers: '}${sip} × ${xmpp}`;

/** All stacks that there are on this machine, with what each lacks here. */
export function findStacks(): readonly FoundStack[] {
  const nats = findNats() === null ? ['nats-server'] : [];
  return everyStack({
    prosody: [...nats, ...(findProsody() === null ? ['prosody'] : [])],
    ejabberd: [...nats, ...(findEjabberd() === null ? ['ejabberd'] : [])],
    embedded: [],
    native: [
      ...(findDrachtio() === null ? ['drachtio-server'] : []),
      ...(findFreeswitch() === null ? ['FreeSWITCH'] : []),
    ],
  });
}

/** The same stacks with their servers in containers. */
export function findContainerStacks({ image, missing, missingForNative }: ServersInContainers): readonly FoundStack[] {
  const lacks = { prosody: missing, ejabberd: missing, embedded: [], native: missingForNative };
  return everyStack(lacks, containersOf(image));
}

function everyStack(
  lacks: Readonly<Record<XmppServerKind | SipKind, readonly string[]>>,
  place?: Place,
): readonly FoundStack[] {
  const stacks: FoundStack[] = [];
  for (const sip of ['embedded', 'native'] as const) {
    for (const xmpp of ['prosody', 'ejabberd'] as const) {
      const kind = { sip, xmpp, ...(place === undefined ? {} : { place }) };
      stacks.push({ ...kind, name: stackName(kind), missing: [...lacks[xmpp], ...lacks[sip]] });
    }
  }
  return stacks;
}
