/** Commands written in a message to the focus, for clients that know no forms: `!reopen tea@rooms.example`. */
import { parseJid } from '../identity/jid.ts';
import type { Command, CommandFacts, Decision } from './command.ts';
import { childOf, childText, type XmlElement } from './element.ts';

/** What a message calls for: what a command decides, or a line that says which commands there are. */
export type Heard = Decision | { readonly decision: 'help'; readonly text: string };

/** Marks of messages that no person has just written to us: kept for later, or passed on by a room. */
const marks: ReadonlyArray<readonly [name: string, xmlns: string]> = [
  ['delay', 'urn:xmpp:delay'],
  ['x', 'jabber:x:delay'],
  ['x', 'http://jabber.org/protocol/muc#user'],
];
const unanswered = ['error', 'groupchat', 'headline'];

/**
 * What a message to the focus calls for; null when it is not to be answered: an error, a room's, a service's, a late one, one of
 * our own domain `ours`, or one without words. Two programs must not talk with each other for ever.
 */
export function hear(
  message: XmlElement,
  ours: string,
  commands: readonly Command[],
  facts: CommandFacts,
): Heard | null {
  const from = parseJid(message.attrs.from ?? '');
  if (message.name !== 'message' || from === null || from.local === '' || from.domain === ours) return null;
  if (unanswered.includes(message.attrs.type ?? 'normal')) return null;
  if (marks.some(([name, xmlns]) => childOf(message, name, xmlns) !== null)) return null;
  const words = (childText(message, 'body') ?? '').trim().split(/\s+/);
  if (words[0] === '') return null;
  return carriedOut(`${from.local}@${from.domain}`, words, commands, facts) ?? help(commands);
}

function carriedOut(
  asker: string,
  [first = '', ...rest]: readonly string[],
  commands: readonly Command[],
  facts: CommandFacts,
): Decision | null {
  const command = commands.find(({ node }) => first.toLowerCase() === `!${node}`);
  const names = command?.fields(asker, facts).map(({ name }) => name) ?? [];
  if (!command || rest.length > names.length) return null;
  const answers = Object.fromEntries(rest.map((word, index) => [names[index] ?? '', word]));
  return command.decide(asker, answers, facts);
}

const help = (commands: readonly Command[]): Heard => ({
  decision: 'help',
  text: `I connect rooms with calls, and understand ${commands.map(({ usage }) => usage).join('; ')}.`,
});
