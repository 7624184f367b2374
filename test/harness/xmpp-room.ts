/** A room as one of its occupants sees it (XEP-0045): who is there, who had to go and why, and what one may do about it. */
import { randomUUID } from 'node:crypto';
import { type Element, jid, xml } from '@xmpp/client';
import {
  type Affiliation,
  type Occupant,
  type Removal,
  type Role,
  readOccupant,
  readRemoval,
  statusCodes,
} from './xmpp-occupant.ts';
import { type FieldValue, readForm, readRefusal, submitForm } from './xmpp-stanza.ts';
import type { XmppUser } from './xmpp-user.ts';
import { Watch } from './xmpp-watch.ts';

/** A groupchat message; those without a body (subject, events, status codes) are kept as well. */
export interface RoomMessage {
  /** Nick, or '' when the room itself speaks. */
  readonly from: string;
  readonly body: string | null;
  readonly statusCodes: readonly number[];
  readonly raw: Element;
}

const NS_MUC = 'http://jabber.org/protocol/muc';
const NS_ADMIN = `${NS_MUC}#admin`;
const NS_OWNER = `${NS_MUC}#owner`;

export class XmppRoom {
  /** Bare JID of the room. */
  readonly jid: string;
  readonly occupants = new Map<string, Occupant>();
  /** All unavailable presences since the join, one's own included. */
  readonly removals: Removal[] = [];
  readonly messages: RoomMessage[] = [];
  /** Messages sent by the room to this user alone, such as voice requests to a moderator. */
  readonly notices: Element[] = [];
  /** One's own nick; the service may have changed it. */
  nick: string;
  /** Whether one is in the room. */
  present = false;

  readonly #user: XmppUser;
  readonly #watch = new Watch();
  #subject: string | null = null;
  /** Errors by the id of the stanza, or by the occupant JID a presence was sent to. */
  readonly #refused = new Map<string, Element>();

  constructor(user: XmppUser, room: string, nick: string) {
    this.#user = user;
    this.jid = room;
    this.nick = nick;
  }

  get subject(): string | null {
    return this.#subject;
  }

  /** One's own occupant. */
  get self(): Occupant | undefined {
    return this.occupants.get(this.nick);
  }

  /** Waits until `condition` of this room holds; looked at after each stanza from the room. */
  until<T>(condition: (room: this) => T | undefined | false, what: string, limitMs?: number): Promise<T> {
    return this.#watch.until(() => condition(this), `${what} (${this.#user.jid} in ${this.jid})`, limitMs);
  }

  /** Waits for the (first) removal of a nick. */
  untilRemoved(nick: string): Promise<Removal> {
    return this.until((room) => room.removals.find((removal) => removal.nick === nick), `the removal of ${nick}`);
  }

  /** Enters, or sends the join presence again; resolves at one's own presence, rejects with StanzaRefused. */
  async enter(options: { password?: string; history?: number } = {}): Promise<this> {
    const { password, history } = options;
    this.present = false;
    await this.#presence(
      this.nick,
      {},
      xml(
        'x',
        { xmlns: NS_MUC },
        password !== undefined && xml('password', {}, password),
        history !== undefined && xml('history', { maxstanzas: history }),
      ),
    );
    await this.#accepted(`${this.jid}/${this.nick}`, () => this.present, 'the own presence');
    return this;
  }

  async changeNick(nick: string): Promise<void> {
    await this.#presence(nick, {});
    await this.#accepted(`${this.jid}/${nick}`, () => this.nick === nick && this.self !== undefined, 'the new nick');
  }

  /** Changes one's own availability: away, dnd, ... */
  async show(show: string, status?: string): Promise<void> {
    await this.#presence(this.nick, {}, xml('show', {}, show), status !== undefined && xml('status', {}, status));
  }

  async leave(): Promise<void> {
    await this.#presence(this.nick, { type: 'unavailable' });
    await this.until((room) => !room.present, 'the own departure');
  }

  /** Resolves when the room has sent it round, rejects with StanzaRefused when it will not. */
  async say(text: string): Promise<void> {
    const id = randomUUID();
    await this.#user.send(xml('message', { to: this.jid, type: 'groupchat', id }, xml('body', {}, text)));
    await this.#accepted(id, () => this.messages.some((message) => message.raw.attrs.id === id), 'the own message');
  }

  /** Asks the moderators for voice (XEP-0045 7.13). */
  async requestVoice(): Promise<void> {
    const form = submitForm(`${NS_MUC}#request`, { 'muc#role': 'participant' });
    await this.#user.send(xml('message', { to: this.jid }, form));
  }

  async setRole(nick: string, role: Role, reason?: string): Promise<void> {
    await this.#administer({ nick, role }, reason);
  }

  async setAffiliation(bareJid: string, affiliation: Affiliation, reason?: string): Promise<void> {
    await this.#administer({ jid: bareJid, affiliation }, reason);
  }

  kick(nick: string, reason?: string): Promise<void> {
    return this.setRole(nick, 'none', reason);
  }

  ban(bareJid: string, reason?: string): Promise<void> {
    return this.setAffiliation(bareJid, 'outcast', reason);
  }

  unban(bareJid: string): Promise<void> {
    return this.setAffiliation(bareJid, 'none');
  }

  revokeVoice(nick: string, reason?: string): Promise<void> {
    return this.setRole(nick, 'visitor', reason);
  }

  grantVoice(nick: string, reason?: string): Promise<void> {
    return this.setRole(nick, 'participant', reason);
  }

  /** The configuration form as an owner sees it: field to values. */
  async config(): Promise<Record<string, string[]>> {
    const query = await this.#user.iq('get', this.jid, xml('query', { xmlns: NS_OWNER }));
    const form = query?.getChild('x', 'jabber:x:data');
    if (form === undefined) throw new Error(`${this.jid} sent no configuration form`);
    return readForm(form);
  }

  /** Submits some fields of the configuration form. */
  async configure(fields: Readonly<Record<string, FieldValue>>): Promise<void> {
    const form = submitForm(`${NS_MUC}#roomconfig`, fields);
    await this.#user.iq('set', this.jid, xml('query', { xmlns: NS_OWNER }, form));
  }

  async destroy(reason?: string): Promise<void> {
    const destroy = xml('destroy', {}, reason !== undefined && xml('reason', {}, reason));
    await this.#user.iq('set', this.jid, xml('query', { xmlns: NS_OWNER }, destroy));
  }

  /** Takes in a stanza from the room; called by XmppUser. */
  receive(stanza: Element): void {
    if (stanza.attrs.type === 'error') this.#refused.set(stanza.attrs.id ?? stanza.attrs.from ?? '', stanza);
    else if (stanza.name === 'presence') this.#receivePresence(stanza);
    else if (stanza.name === 'message') this.#receiveMessage(stanza);
    this.#watch.changed();
  }

  /** The connection is gone; called by XmppUser. */
  disconnected(error: Error): void {
    this.present = false;
    this.#watch.end(error);
  }

  #receivePresence(stanza: Element): void {
    const nick = jid(stanza.attrs.from ?? '').resource;
    const codes = statusCodes(stanza);
    if (stanza.attrs.type === 'unavailable') {
      const removal = readRemoval(nick, stanza);
      this.occupants.delete(nick);
      this.removals.push(removal);
      if (nick !== this.nick) return;
      if (removal.newNick === undefined) this.present = false;
      else this.nick = removal.newNick;
      return;
    }
    if (nick === '') return; // ejabberd sends the room's own caps
    if (codes.includes(110)) {
      this.nick = nick;
      this.present = true;
    }
    this.occupants.set(nick, readOccupant(nick, stanza));
  }

  #receiveMessage(stanza: Element): void {
    if (stanza.attrs.type !== 'groupchat') {
      this.notices.push(stanza);
      return;
    }
    const body = stanza.getChildText('body');
    if (body === null && stanza.getChild('subject') !== undefined) this.#subject = stanza.getChildText('subject');
    this.messages.push({
      from: jid(stanza.attrs.from ?? '').resource,
      body,
      statusCodes: statusCodes(stanza),
      raw: stanza,
    });
  }

  async #presence(nick: string, attrs: { type?: string }, ...children: Array<Element | false>): Promise<void> {
    const to = `${this.jid}/${nick}`;
    this.#refused.delete(to);
    await this.#user.send(xml('presence', { to, id: to, ...attrs }, ...children));
  }

  /** Waits for `done` or for an error under `key`. */
  #accepted(key: string, done: () => boolean, what: string): Promise<true> {
    return this.until(() => {
      const error = this.#refused.get(key);
      if (error === undefined) return done();
      this.#refused.delete(key);
      throw readRefusal(error);
    }, what);
  }

  async #administer(item: Record<string, string>, reason: string | undefined): Promise<void> {
    const element = xml('item', item, reason !== undefined && xml('reason', {}, reason));
    await this.#user.iq('set', this.jid, xml('query', { xmlns: NS_ADMIN }, element));
  }
}
