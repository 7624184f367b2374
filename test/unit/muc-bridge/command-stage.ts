/** Rooms as the commands see them, and a desk that remembers what it was asked to do. */
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import type { LinkFact } from '../../../src/conference-info/link.ts';
import type { Meeting } from '../../../src/conference-info/meeting.ts';
import { createLog } from '../../../src/log.ts';
import type { CommandFacts } from '../../../src/muc-bridge/command.ts';
import { childrenOf, type XmlElement } from '../../../src/muc-bridge/element.ts';

export const alice = 'alice@example.org';
export const bob = 'bob@example.org';
export const desk = 'focus@bridge.example';

const nothingSaid = createMemoryBus(createLog({ level: 'silent' }));

const settings = (id: string) => ({
  id,
  room: `${id}@rooms.example`,
  conference: `sip:${id}@conf.example`,
  name: `The ${id} round`,
  maximumUsers: 10,
});

/** A meeting of which only the link is known. */
function meetingOf(id: string, link: Partial<LinkFact> | null): Meeting {
  const { room, conference } = settings(id);
  const fact: LinkFact | null = link === null ? null : { room, conference, state: 'closed', reason: 'over', ...link };
  return { ...nothingSaid.facts.meeting(id), link: fact };
}

/** Rooms by id with their link facts. */
export const roomsWith = (links: Readonly<Record<string, Partial<LinkFact> | null>>): CommandFacts => ({
  rooms: Object.entries(links).map(([id, link]) => ({ link: settings(id), meeting: meetingOf(id, link) })),
});

/** A room that was destroyed while these people owned it. */
export const destroyedBy = (...owners: string[]): Partial<LinkFact> => ({ closedBy: 'room', owners });

/** Type, condition and text of the error in a stanza, and the elements of other namespaces beside them. */
export function errorIn(stanza: XmlElement): { type: string | undefined; conditions: string[]; text: string | null } {
  const [error] = childrenOf(stanza, 'error');
  const children = error ? childrenOf(error) : [];
  const text = children.find(({ name }) => name === 'text');
  return {
    type: error?.attrs.type,
    conditions: children.filter(({ name }) => name !== 'text').map(({ name }) => name),
    text: text ? String(text.children[0]) : null,
  };
}
