/** An XMPP user with an ordinary client (RFC 6120, XEP-0030, XEP-0045): the tests' hands and eyes in the rooms. */
import { randomUUID } from 'node:crypto';
import { type ClientEntity, client, type Element, jid, xml } from '@xmpp/client';
import { XmppRoom } from './xmpp-room.ts';
import { type DiscoInfo, readDiscoInfo, readRefusal, StanzaRefused } from './xmpp-stanza.ts';
import { Watch } from './xmpp-watch.ts';

/** A connected user; not connected again by itself. */
export class XmppUser {
  /** Full JID. */
  readonly jid: string;
  readonly bareJid: string;
  /** Stanzas that belong to no room and answer no IQ, as they came. */
  readonly stanzas: Element[] = [];

  readonly #client: ClientEntity;
  readonly #rooms = new Map<string, XmppRoom>();
  readonly #watch = new Watch();
  readonly #pending = new Map<string, (reply: Element) => void>();
  #connected = true;

  private constructor(entity: ClientEntity, address: string) {
    this.#client = entity;
    this.jid = address;
    this.bareJid = jid(address).bare().toString();
    entity.on('stanza', (stanza) => this.#receive(stanza));
    entity.on('disconnect', () => this.#ended(new Error(`${address} was disconnected`)));
  }

  /** Logs in at a server on 127.0.0.1; rejects when the password is wrong. */
  static async connect(
    server: { readonly c2sPort: number; readonly domain: string },
    username: string,
    password: string,
    options: { resource?: string } = {},
  ): Promise<XmppUser> {
    const service = `xmpp://127.0.0.1:${server.c2sPort}`;
    const entity = client({
      ...{ service, domain: server.domain, ...options },
      // SCRAM costs this client a quarter of a second of computing, which protects nobody on loopback.
      credentials: (authenticate) => authenticate({ username, password }, 'PLAIN'),
    });
    entity.reconnect.stop();
    entity.on('error', () => undefined); // start() rejects with it; later ones end in 'disconnect'
    // Without it a character that is split over two reads is garbled.
    entity.on('connect', () => entity.socket?.setEncoding('utf8'));
    const address = await entity.start();
    const user = new XmppUser(entity, address.toString());
    await user.send(xml('presence'));
    return user;
  }

  /** False once the connection has ended, for whatever reason. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Enters a room; resolves at one's own presence (110), rejects with StanzaRefused. */
  async join(room: string, nick: string, options: { password?: string; history?: number } = {}): Promise<XmppRoom> {
    const joined = new XmppRoom(this, room, nick);
    this.#rooms.set(room, joined);
    try {
      return await joined.enter(options);
    } catch (error) {
      this.#rooms.delete(room);
      throw error;
    }
  }

  /** Sends an IQ and resolves with the payload of the result; rejects with StanzaRefused. */
  async iq(type: 'get' | 'set', to: string | undefined, payload: Element): Promise<Element | undefined> {
    const id = randomUUID();
    let answer: Element | undefined;
    this.#pending.set(id, (reply) => {
      answer = reply;
    });
    try {
      await this.send(xml('iq', { type, id, to }, payload));
      const reply = await this.until(() => answer, `an answer to an IQ for ${to ?? 'the own server'}`);
      if (reply.attrs.type === 'error') throw readRefusal(reply);
      return reply.getChildElements()[0];
    } finally {
      this.#pending.delete(id);
    }
  }

  async discoInfo(address: string, node?: string): Promise<DiscoInfo> {
    const query = await this.iq('get', address, xml('query', { xmlns: 'http://jabber.org/protocol/disco#info', node }));
    if (query === undefined) throw new StanzaRefused('cancel', 'undefined-condition', 'an empty disco#info result');
    return readDiscoInfo(query);
  }

  /** The items of an entity: JID and, where given, name. */
  async discoItems(address: string): Promise<Array<{ jid: string; name?: string }>> {
    const query = await this.iq('get', address, xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' }));
    const items = query?.getChildren('item') ?? [];
    return items.map(({ attrs }) => ({
      jid: attrs.jid ?? '',
      ...(attrs.name === undefined ? {} : { name: attrs.name }),
    }));
  }

  async send(stanza: Element): Promise<void> {
    await this.#client.send(stanza);
  }

  /** Waits until `condition` holds; looked at after each stanza. */
  until<T>(condition: () => T | undefined | false, what: string, limitMs?: number): Promise<T> {
    return this.#watch.until(condition, `${what} (${this.jid})`, limitMs);
  }

  /** Logs out. */
  async disconnect(): Promise<void> {
    await this.#client.stop();
    this.#ended(new Error(`${this.jid} has logged out`));
  }

  /** Tears the connection down without a word, as a failing network would. */
  drop(): void {
    this.#client.socket?.destroy();
  }

  #receive(stanza: Element): void {
    const { id = '', type = '', from = this.bareJid } = stanza.attrs;
    const pending = stanza.name === 'iq' && (type === 'result' || type === 'error') ? this.#pending.get(id) : undefined;
    const room = this.#rooms.get(jid(from).bare().toString());
    if (pending !== undefined) pending(stanza);
    else if (room !== undefined && stanza.name !== 'iq') room.receive(stanza);
    else this.stanzas.push(stanza);
    this.#watch.changed();
  }

  #ended(error: Error): void {
    this.#connected = false;
    this.#watch.end(error);
    for (const room of this.#rooms.values()) room.disconnected(error);
  }
}
