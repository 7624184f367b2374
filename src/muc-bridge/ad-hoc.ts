/**
 * XEP-0050: commands given by form. Nothing is remembered between the form and its coming back: a session id only says for
 * which command it was made, the form carries the rest, and rights are looked at again.
 */
import type { AskAnswer, RoomAsk } from '../bus/asks.ts';
import { type Command, type CommandFacts, outcomeOf } from './command.ts';
import { dataForms, formOf, writeQuestions } from './data-form.ts';
import { childOf, element, type XmlElement } from './element.ts';
import { iqError } from './iq-error.ts';

/** The protocol's namespace, and the node under which commands are listed. */
export const commandsNode = 'http://jabber.org/protocol/commands';

/** A reply at once, or an ask whose answer makes the reply. */
export type CommandReply =
  | { readonly reply: 'now'; readonly iq: XmlElement }
  | { readonly reply: 'after'; readonly ask: RoomAsk; readonly iq: (answer: AskAnswer) => XmlElement };

/** A request as it came. */
interface Request {
  readonly iq: XmlElement;
  readonly element: XmlElement;
  readonly asker: string;
  readonly command: Command;
  readonly facts: CommandFacts;
}

const actions = ['execute', 'cancel', 'prev', 'next', 'complete'];
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The reply to an IQ that gives a command; null when it does not. `asker` is the bare JID that the XMPP server stamped; `newId`
 * gives a fresh UUID.
 */
export function commandReply(
  iq: XmlElement,
  asker: string,
  commands: readonly Command[],
  facts: CommandFacts,
  newId: () => string,
): CommandReply | null {
  const given = childOf(iq, 'command', commandsNode);
  if (iq.attrs.type !== 'set' || given === null) return null;
  const command = commands.find(({ node }) => node === given.attrs.node);
  if (!command) return { reply: 'now', iq: iqError(iq, 'cancel', 'item-not-found') };
  return answer({ iq, element: given, asker, command, facts }, newId);
}

function answer(request: Request, newId: () => string): CommandReply {
  const { action = 'execute', sessionid } = request.element.attrs;
  const { node } = request.command;
  if (!actions.includes(action)) return bad(request, 'malformed-action');
  if (sessionid === undefined && action === 'execute') return begin(request, `${node}:${newId()}`);
  const [owner, ...id] = sessionid?.split(':') ?? [];
  if (owner !== node || !uuid.test(id.join(':'))) return bad(request, 'bad-sessionid');
  if (action === 'cancel') return { reply: 'now', iq: result(request, { sessionid, status: 'canceled' }) };
  // There is one form: nothing before it, nothing after. To execute within a session is its default, to complete.
  if (action === 'prev' || action === 'next') return bad(request, 'bad-action');
  return complete(request);
}

function begin(request: Request, sessionid: string): CommandReply {
  const { command, asker, facts } = request;
  const hindrance = command.hindrance(asker, facts);
  if (hindrance !== null) return forbidden(request, hindrance);
  const form = writeQuestions(command.name, command.instructions, command.fields(asker, facts));
  const allowed = element('actions', { execute: 'complete' }, element('complete'));
  return { reply: 'now', iq: result(request, { sessionid, status: 'executing' }, allowed, form) };
}

function complete(request: Request): CommandReply {
  const { command, asker, facts } = request;
  const answers = answersIn(request);
  if (answers === null) return bad(request, 'bad-payload');
  const decision = command.decide(asker, answers, facts);
  if (decision.decision === 'refuse') return forbidden(request, decision.text);
  return { reply: 'after', ask: decision.ask, iq: (answered) => completed(request, answered, decision.done) };
}

/** One value for each field of the form, or null: it is not filled in. */
function answersIn({ element: given, command, asker, facts }: Request): Readonly<Record<string, string>> | null {
  if (childOf(given, 'x', dataForms)?.attrs.type !== 'submit') return null;
  const form = formOf(given, null) ?? {};
  const answers: Record<string, string> = {};
  for (const { name } of command.fields(asker, facts)) {
    const [value, ...others] = form[name] ?? [];
    if (!value || others.length > 0) return null;
    answers[name] = value;
  }
  return answers;
}

function completed(request: Request, answered: AskAnswer, done: string): XmlElement {
  const type = answered.ok ? 'info' : 'error';
  const notes = outcomeOf(answered, done).map((text) => element('note', { type }, text));
  return result(request, { sessionid: request.element.attrs.sessionid, status: 'completed' }, ...notes);
}

function result(
  { iq: { attrs }, command }: Request,
  session: { readonly sessionid: string | undefined; readonly status: string },
  ...payload: readonly XmlElement[]
): XmlElement {
  const answered = element('command', { xmlns: commandsNode, node: command.node, ...session }, ...payload);
  return element('iq', { type: 'result', id: attrs.id, from: attrs.to, to: attrs.from }, answered);
}

const bad = ({ iq }: Request, condition: string): CommandReply => {
  const specific = element(condition, { xmlns: commandsNode });
  return { reply: 'now', iq: iqError(iq, 'modify', 'bad-request', { specific }) };
};

const forbidden = ({ iq }: Request, text: string): CommandReply => ({
  reply: 'now',
  iq: iqError(iq, 'auth', 'forbidden', { text }),
});
