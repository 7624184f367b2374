/** Where people give commands to the focus: their requests are decided on, carried out as moderation does it, and answered to them alone. */
import { randomUUID } from 'node:crypto';
import type { AskAnswer, RoomAsk } from '../bus/asks.ts';
import { bareJid } from '../identity/jid.ts';
import { type CommandReply, commandReply } from './ad-hoc.ts';
import { hear } from './chat-command.ts';
import { type Command, type CommandFacts, outcomeOf } from './command.ts';
import { element, type XmlElement } from './element.ts';
import { type ModerationContext, moderate } from './moderation.ts';
import { reopenCommand } from './reopen-command.ts';

/** Somebody who writes what we do not understand is told so at most once in this time: perhaps a program that answers everything. */
const helpAgainAfterMs = 10_000;

/** The desk of one component: at its domain and at the bare JID of the focus. */
export class CommandDesk {
  /** Every command there is. */
  readonly commands: readonly Command[] = [reopenCommand];
  readonly #context: ModerationContext;
  readonly #domain: string;
  readonly #focus: string;
  /** When each bare JID was helped, oldest first. */
  readonly #helped = new Map<string, number>();

  constructor(context: ModerationContext, domain: string, focus: string) {
    this.#context = context;
    // As in the addresses that arrive, which are lower case once they are read.
    this.#domain = bareJid(domain) ?? domain;
    this.#focus = bareJid(focus) ?? focus;
  }

  /** True for the addresses at which commands are taken; `to` is any JID. */
  isAt(to: string | undefined): boolean {
    const bare = bareJid(to ?? '');
    return bare === this.#domain || bare === this.#focus;
  }

  /** What somebody may be shown of the commands: those that they may give now. */
  offeredTo(asker: string): readonly Command[] {
    return this.commands.filter((command) => command.hindrance(asker, this.#facts) === null);
  }

  /** The answer to an IQ or message; null when it is nothing for this desk, or needs no answer. */
  async answer(stanza: XmlElement): Promise<XmlElement | null> {
    if (!this.isAt(stanza.attrs.to)) return null;
    return stanza.name === 'iq' ? this.#answerForm(stanza) : this.#answerMessage(stanza);
  }

  get #facts(): CommandFacts {
    return { rooms: [...this.#context.rooms.all()] };
  }

  async #answerForm(iq: XmlElement): Promise<XmlElement | null> {
    const asker = bareJid(iq.attrs.from ?? '');
    if (asker === null) return null;
    const reply: CommandReply | null = commandReply(iq, asker, this.commands, this.#facts, randomUUID);
    return reply?.reply === 'after' ? reply.iq(await this.#carryOut(reply.ask)) : (reply?.iq ?? null);
  }

  async #answerMessage(message: XmlElement): Promise<XmlElement | null> {
    const heard = hear(message, this.#domain, this.commands, this.#facts);
    switch (heard?.decision) {
      case 'ask':
        return writtenBack(message, outcomeOf(await this.#carryOut(heard.ask), heard.done).join(' '));
      case 'refuse':
        return writtenBack(message, heard.text);
      case 'help':
        return this.#mayHelp(bareJid(message.attrs.from ?? '') ?? '') ? writtenBack(message, heard.text) : null;
      default:
        return null;
    }
  }

  #mayHelp(asker: string): boolean {
    const now = performance.now();
    for (const [jid, at] of this.#helped) {
      if (now - at < helpAgainAfterMs) break;
      this.#helped.delete(jid);
    }
    if (this.#helped.has(asker)) return false;
    this.#helped.set(asker, now);
    return true;
  }

  /** Nobody waits in vain for an answer, whatever goes wrong. */
  async #carryOut(ask: RoomAsk): Promise<AskAnswer> {
    try {
      return await moderate(ask, this.#context);
    } catch (error) {
      this.#context.log.error({ err: error, link: ask.link, act: ask.act }, 'a command could not be carried out');
      return {
        ok: false,
        condition: 'internal-error',
        text: 'This could not be done; the log of the bridge says why.',
      };
    }
  }
}

/** A message back to its sender, in the same thread (RFC 6121 5.2.5). */
function writtenBack(message: XmlElement, text: string): XmlElement {
  const { from, to } = message.attrs;
  const threads = message.children.filter((child) => typeof child !== 'string' && child.name === 'thread');
  return element(
    'message',
    { type: 'chat', id: randomUUID(), from: to, to: from },
    element('body', {}, text),
    ...threads,
  );
}
