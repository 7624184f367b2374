/** What a command is that people give the focus, whether by form (XEP-0050) or in a message. Commands decide; they do nothing. */
import type { AskAnswer, RoomAsk } from '../bus/asks.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { Meeting } from '../conference-info/meeting.ts';
import type { ChoiceField } from './data-form.ts';

/** What is known when a command is given. */
export interface CommandFacts {
  readonly rooms: readonly { readonly link: LinkSettings; readonly meeting: Meeting }[];
}

/** What becomes of a command: an ask to the owner of the fact, or a refusal in words for the asker. `done` is said when the ask was carried out. */
export type Decision =
  | { readonly decision: 'ask'; readonly ask: RoomAsk; readonly done: string }
  | { readonly decision: 'refuse'; readonly text: string };

/** One command. Askers are bare JIDs as the XMPP server stamped them; what they may do is decided each time anew. */
export interface Command {
  /** Its node, and its name in a message after the `!`. */
  readonly node: string;
  /** What it does, as a menu would say it. */
  readonly name: string;
  /** How it is written in a message, and what for, in one line. */
  readonly usage: string;
  readonly instructions: string;
  /** What must be known for it. In a message the answers follow in this order. */
  fields(asker: string, facts: CommandFacts): readonly ChoiceField[];
  /** Null when the asker may give it now, else why not. */
  hindrance(asker: string, facts: CommandFacts): string | null;
  /** Decides by the answers to the fields; in a message some may be absent. */
  decide(asker: string, answers: Readonly<Record<string, string>>, facts: CommandFacts): Decision;
}

/** What the asker is told of an ask, in lines. */
export const outcomeOf = (answer: AskAnswer, done: string): readonly string[] =>
  answer.ok ? [done, ...answer.notes] : [answer.text];
