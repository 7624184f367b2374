/** XEP-0030, XEP-0199, XEP-0050 2: what this component answers to questions, the fallback advertisement (RFC 7081 4) and its commands included. */
import { bareJid } from '../identity/jid.ts';
import { commandsNode } from './ad-hoc.ts';
import type { Command } from './command.ts';
import { dataForms, writeForm } from './data-form.ts';
import { childrenOf, element, type XmlElement } from './element.ts';
import { iqError } from './iq-error.ts';
import { audioVideoUri } from './room-info.ts';

const discoInfo = 'http://jabber.org/protocol/disco#info';
const discoItems = 'http://jabber.org/protocol/disco#items';

/** What the answers are made of. */
export interface DiscoFacts {
  /** Bare JID of the focus. */
  readonly focus: string;
  /** Conference URI of a room whose link is open, by bare JID. */
  conferenceOf(room: string): string | null;
  /** Namespace for a second, Clark-named copy of the field (XEP-0068), or null. */
  readonly clarkNamespace: string | null;
  /** Where commands are taken; null: nowhere. */
  readonly desk: CommandsShown | null;
}

/** What a question may learn of commands. */
interface CommandsShown {
  readonly commands: readonly Command[];
  /** True for the addresses at which they are taken. */
  isAt(to: string | undefined): boolean;
  /** Those that a bare JID may give now. */
  offeredTo(asker: string): readonly Command[];
}

const feature = (name: string): XmlElement => element('feature', { var: name });
const features = [discoInfo, discoItems, 'urn:xmpp:ping'].map(feature);

/** The muc#roominfo form as the room itself would have it. */
function advertisement(conference: string, clarkNamespace: string | null): XmlElement {
  const copy = clarkNamespace === null ? {} : { [`{${clarkNamespace}}${audioVideoUri}`]: conference };
  return writeForm('result', 'http://jabber.org/protocol/muc#roominfo', { [audioVideoUri]: conference, ...copy });
}

function info(iq: XmlElement, facts: DiscoFacts): XmlElement {
  const forFocus = bareJid(iq.attrs.to ?? '') === facts.focus;
  const identity = forFocus
    ? element('identity', { category: 'client', type: 'bot', name: 'Conference focus' })
    : element('identity', { category: 'component', type: 'generic', name: 'CUSAX bridge' });
  // A question to the occupant arrives with the asker's room address as sender, hence the room is the sender's bare JID.
  const conference = forFocus ? facts.conferenceOf(bareJid(iq.attrs.from ?? '') ?? '') : null;
  return element(
    'query',
    { xmlns: discoInfo },
    identity,
    ...features,
    facts.desk?.isAt(iq.attrs.to) === true && feature(commandsNode),
    conference !== null && advertisement(conference, facts.clarkNamespace),
  );
}

/** Of a node: the list of commands, or one of them. Null when there is no such node. */
function infoOfNode(node: string, { commands }: CommandsShown): XmlElement | null {
  const named = (type: string, name: string): XmlElement => element('identity', { category: 'automation', type, name });
  if (node === commandsNode) {
    return element('query', { xmlns: discoInfo, node }, named('command-list', 'Commands'), feature(discoItems));
  }
  const command = commands.find((each) => each.node === node);
  if (!command) return null;
  const identity = named('command-node', command.name);
  return element('query', { xmlns: discoInfo, node }, identity, feature(commandsNode), feature(dataForms));
}

/** The commands that the asker may give; a command itself has nothing below it. */
function itemsOfNode(node: string, { from, to }: XmlElement['attrs'], desk: CommandsShown): XmlElement | null {
  if (node !== commandsNode && !desk.commands.some((each) => each.node === node)) return null;
  const listed = node === commandsNode ? desk.offeredTo(bareJid(from ?? '') ?? '') : [];
  const items = listed.map((command) => element('item', { jid: to, node: command.node, name: command.name }));
  return element('query', { xmlns: discoItems, node }, ...items);
}

/** The payload of a result (null: empty), or the condition of a refusal. */
function payloadFor(iq: XmlElement, facts: DiscoFacts): XmlElement | null | 'service-unavailable' | 'item-not-found' {
  const asked = childrenOf(iq)[0];
  if (iq.attrs.type !== 'get' || !asked) return 'service-unavailable';
  const { xmlns, node } = asked.attrs;
  if (xmlns === 'urn:xmpp:ping') return null;
  if (xmlns !== discoInfo && xmlns !== discoItems) return 'service-unavailable';
  if (node === undefined) return xmlns === discoInfo ? info(iq, facts) : element('query', { xmlns });
  const { desk } = facts;
  if (!desk?.isAt(iq.attrs.to)) return 'item-not-found';
  return (xmlns === discoInfo ? infoOfNode(node, desk) : itemsOfNode(node, iq.attrs, desk)) ?? 'item-not-found';
}

/** The reply to an IQ get or set; what we do not know is `service-unavailable` (RFC 6120 8.4). */
export function replyTo(iq: XmlElement, facts: DiscoFacts): XmlElement {
  const { id, from, to } = iq.attrs;
  const payload = payloadFor(iq, facts);
  if (typeof payload === 'string') return iqError(iq, 'cancel', payload);
  return element('iq', { type: 'result', id, from: to, to: from }, payload);
}
