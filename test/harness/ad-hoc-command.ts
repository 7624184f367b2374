/** XEP-0050 as a client does it: lists commands, begins one, fills in its form, reads what comes of it. */
import { type Element, xml } from '@xmpp/client';
import type { XmppUser } from './xmpp-user.ts';

const NS_COMMANDS = 'http://jabber.org/protocol/commands';
const NS_DATA = 'jabber:x:data';

/** What a command answered. */
export interface CommandStage {
  readonly status: string;
  readonly sessionid: string | undefined;
  /** Actions that may follow, and which of them is meant by `execute`. */
  readonly actions: readonly string[];
  readonly byDefault: string | undefined;
  readonly notes: ReadonlyArray<{ readonly type: string; readonly text: string }>;
  /** The choices of each list field of the form, and the value that it starts with. */
  readonly fields: Readonly<
    Record<string, { readonly options: readonly string[]; readonly value: string | undefined }>
  >;
}

/** Node and name of each command that somebody is offered at an address. */
export async function commandsAt(user: XmppUser, at: string): Promise<ReadonlyArray<{ node: string; name: string }>> {
  const query = xml('query', { xmlns: 'http://jabber.org/protocol/disco#items', node: NS_COMMANDS });
  const items = (await user.iq('get', at, query))?.getChildren('item') ?? [];
  return items.map(({ attrs }) => ({ node: attrs.node ?? '', name: attrs.name ?? '' }));
}

/** Sends one request of a command; `answers` become a form of type submit. Rejects with StanzaRefused. */
export async function command(
  user: XmppUser,
  at: string,
  request: { readonly node: string; readonly action?: string | undefined; readonly sessionid?: string | undefined },
  answers?: Readonly<Record<string, string>>,
): Promise<CommandStage> {
  const fields = Object.entries(answers ?? {}).map(([name, value]) =>
    xml('field', { var: name }, xml('value', {}, value)),
  );
  const form = answers === undefined ? [] : [xml('x', { xmlns: NS_DATA, type: 'submit' }, fields)];
  const reply = await user.iq('set', at, xml('command', { xmlns: NS_COMMANDS, ...request }, form));
  if (reply?.name !== 'command') throw new Error('the answer to a command is no command');
  return readStage(reply);
}

/** Begins a command, answers its form and returns what the last stage said. */
export async function fillIn(
  user: XmppUser,
  at: string,
  node: string,
  answers: Readonly<Record<string, string>>,
): Promise<CommandStage> {
  const { sessionid } = await command(user, at, { node, action: 'execute' });
  return command(user, at, { node, action: 'complete', sessionid }, answers);
}

function readStage(reply: Element): CommandStage {
  const actions = reply.getChild('actions');
  const fields = reply.getChild('x', NS_DATA)?.getChildren('field') ?? [];
  return {
    status: reply.attrs.status ?? '',
    sessionid: reply.attrs.sessionid,
    actions: actions?.getChildElements().map(({ name }) => name) ?? [],
    byDefault: actions?.attrs.execute,
    notes: reply.getChildren('note').map((note) => ({ type: note.attrs.type ?? 'info', text: note.getText() })),
    fields: Object.fromEntries(
      fields.map((field) => [
        field.attrs.var ?? '',
        {
          options: field.getChildren('option').map((option) => option.getChildText('value') ?? ''),
          value: field.getChildText('value') ?? undefined,
        },
      ]),
    ),
  };
}
