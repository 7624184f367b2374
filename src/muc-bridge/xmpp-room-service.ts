/** XEP-0045 7, 8, 9, 10: the orders and questions to a room, as stanzas over the component link. */
import { type Affiliation, type AffiliationFact, affiliations, type Role, roles } from '../conference-info/occupant.ts';
import { bareJid } from '../identity/jid.ts';
import type { ComponentLink } from './component.ts';
import { type FormFields, formOf, writeForm } from './data-form.ts';
import { childrenOf, element, type XmlElement } from './element.ts';
import type { IqAnswer } from './pending-requests.ts';
import type { Hat, ListedOccupant, RoomAnswer, RoomInfo, RoomService } from './room-service.ts';
import { commandFailure, detectServer, type ServerProfile } from './server-profile.ts';

const muc = 'http://jabber.org/protocol/muc';
const roomInfo = `${muc}#roominfo`;
const hatCommand = 'http://prosody.im/protocol/hats';

const answerOf = (answer: IqAnswer): RoomAnswer => (answer.ok ? { ok: true, value: null } : answer);

/** Reads disco#info of a room. */
function readRoomInfo(query: XmlElement): RoomInfo {
  const features = new Set(childrenOf(query, 'feature').map((feature) => feature.attrs.var));
  const identity = childrenOf(query, 'identity').find((each) => each.attrs.category === 'conference');
  const form = formOf(query, roomInfo);
  return {
    name: identity?.attrs.name || null,
    moderated: features.has('muc_moderated'),
    guestsHaveVoice: !features.has('muc_moderated'),
    membersOnly: features.has('muc_membersonly'),
    passwordProtected: features.has('muc_passwordprotected'),
    nonAnonymous: features.has('muc_nonanonymous'),
    persistent: features.has('muc_persistent'),
    audioVideoUri: form?.['audio-video-uri']?.[0] || null,
  };
}

/** Rooms over a component link. */
export class XmppRoomService implements RoomService {
  readonly focus: string;
  readonly #link: ComponentLink;
  readonly #profiles = new Map<string, Promise<ServerProfile>>();

  /** `focus` is the full JID used in rooms. */
  constructor(link: ComponentLink, focus: string) {
    this.#link = link;
    this.focus = focus;
  }

  async join(room: string, nick: string, password: string | null): Promise<void> {
    const x = element(
      'x',
      { xmlns: muc },
      element('history', { maxstanzas: '0' }),
      password !== null && element('password', {}, password),
    );
    await this.#link.send(element('presence', { from: this.focus, to: `${room}/${nick}`, id: `join-${nick}` }, x));
  }

  async leave(room: string, nick: string): Promise<void> {
    await this.#link.send(element('presence', { from: this.focus, to: `${room}/${nick}`, type: 'unavailable' }));
  }

  async show(room: string, nick: string, content: XmlElement): Promise<void> {
    await this.#link.send(element('presence', { from: this.focus, to: `${room}/${nick}` }, content));
  }

  async setRole(room: string, nick: string, role: Role, reason: string | null): Promise<RoomAnswer> {
    return this.#administer(room, { nick, role }, reason);
  }

  async setAffiliation(
    room: string,
    jid: string,
    affiliation: Affiliation,
    reason: string | null,
  ): Promise<RoomAnswer> {
    return this.#administer(room, { jid, affiliation }, reason);
  }

  async affiliations(room: string): Promise<RoomAnswer<readonly AffiliationFact[]>> {
    const kinds = affiliations.filter((affiliation) => affiliation !== 'none');
    return this.#lists(room, 'affiliation', kinds, ({ attrs }, affiliation) => {
      const jid = attrs.jid ? bareJid(attrs.jid) : null;
      return jid === null ? [] : [{ jid, affiliation }];
    });
  }

  async occupants(room: string): Promise<RoomAnswer<readonly ListedOccupant[]>> {
    const kinds = roles.filter((role) => role !== 'none');
    return this.#lists(room, 'role', kinds, ({ attrs }, role) =>
      attrs.nick ? [{ nick: attrs.nick, jid: attrs.jid ? bareJid(attrs.jid) : null, role }] : [],
    );
  }

  async info(room: string): Promise<RoomAnswer<RoomInfo>> {
    const answer = await this.#ask('get', room, element('query', { xmlns: 'http://jabber.org/protocol/disco#info' }));
    if (!answer.ok) return answer;
    if (!answer.payload) return { ok: false, condition: 'undefined-condition', text: 'empty disco#info' };
    const info = readRoomInfo(answer.payload);
    const guestsHaveVoice = info.guestsHaveVoice || (await this.#givesVoiceToGuests(room));
    return { ok: true, value: { ...info, guestsHaveVoice } };
  }

  async ownerForm(room: string): Promise<RoomAnswer<FormFields>> {
    const answer = await this.#ask('get', room, element('query', { xmlns: `${muc}#owner` }));
    return answer.ok ? { ok: true, value: formOf(answer.payload, null) ?? {} } : answer;
  }

  async configure(room: string, fields: Readonly<Record<string, string>>): Promise<RoomAnswer> {
    const form = writeForm('submit', `${muc}#roomconfig`, fields);
    return answerOf(await this.#ask('set', room, element('query', { xmlns: `${muc}#owner` }, form)));
  }

  async say(room: string, text: string): Promise<void> {
    await this.#link.send(
      element('message', { from: this.focus, to: room, type: 'groupchat' }, element('body', {}, text)),
    );
  }

  async whisper(room: string, nick: string, text: string): Promise<void> {
    const mark = element('x', { xmlns: `${muc}#user` });
    await this.#link.send(
      element('message', { from: this.focus, to: `${room}/${nick}`, type: 'chat' }, element('body', {}, text), mark),
    );
  }

  async setHat(room: string, jid: string, hat: Hat, on: boolean): Promise<RoomAnswer> {
    const { hats } = await this.#profile(room);
    let last: RoomAnswer = { ok: false, condition: 'feature-not-implemented', text: 'this server knows no hats' };
    for (const way of hats) {
      last =
        way === 'module' ? await this.#hatByModule(room, jid, hat, on) : await this.#hatByCommand(room, jid, hat, on);
      if (last.ok) return last;
    }
    return last;
  }

  async stillIn(room: string, nick: string): Promise<boolean | null> {
    const answer = await this.#ask('get', `${room}/${nick}`, element('ping', { xmlns: 'urn:xmpp:ping' }));
    if (answer.ok) return true;
    if (answer.condition === 'not-acceptable') return false;
    const stillThere = ['service-unavailable', 'feature-not-implemented', 'item-not-found'];
    return stillThere.includes(answer.condition) ? true : null;
  }

  /** Forgets what was found out about the server: it may be another one after a reconnect. */
  forget(): void {
    this.#profiles.clear();
  }

  /** ejabberd's `members_by_default`: in a moderated room, too, people enter as participants. Only its configuration form tells. */
  async #givesVoiceToGuests(room: string): Promise<boolean> {
    const form = await this.ownerForm(room);
    const [value = '0'] = (form.ok && form.value['members_by_default']) || [];
    return value === '1' || value === 'true';
  }

  #profile(room: string): Promise<ServerProfile> {
    const service = room.slice(room.indexOf('@') + 1);
    const known = this.#profiles.get(service);
    if (known) return known;
    const found = detectServer(this.#link, this.focus, service);
    this.#profiles.set(service, found);
    found.catch(() => this.#profiles.delete(service));
    return found;
  }

  async #hatByModule(room: string, jid: string, hat: Hat, on: boolean): Promise<RoomAnswer> {
    const attrs = { xmlns: 'urn:cusax:hats:0', jid, uri: hat.uri, ...(on ? { title: hat.title } : {}) };
    return answerOf(await this.#ask('set', room, element('hat', attrs)));
  }

  /** XEP-0050: the command is begun, and its form sent within the session that the room then names. */
  async #hatByCommand(room: string, jid: string, hat: Hat, on: boolean): Promise<RoomAnswer> {
    const attrs = { xmlns: 'http://jabber.org/protocol/commands', node: `${hatCommand}#${on ? 'add' : 'remove'}` };
    const begun = await this.#ask('set', room, element('command', { ...attrs, action: 'execute' }));
    if (!begun.ok) return begun;
    const fields = { jid, hat_uri: hat.uri, ...(on ? { hat_title: hat.title } : {}) };
    const sessionid = begun.payload?.attrs.sessionid;
    const form = writeForm('submit', null, fields);
    const answer = await this.#ask('set', room, element('command', { ...attrs, action: 'complete', sessionid }, form));
    if (!answer.ok) return answer;
    const failure = commandFailure(answer.payload);
    return failure === null
      ? { ok: true, value: null }
      : { ok: false, condition: 'undefined-condition', text: failure };
  }

  async #administer(room: string, item: Record<string, string>, reason: string | null): Promise<RoomAnswer> {
    const payload = element(
      'query',
      { xmlns: `${muc}#admin` },
      element('item', item, reason !== null && element('reason', {}, reason)),
    );
    return answerOf(await this.#ask('set', room, payload));
  }

  /** Reads one list after another; the first refusal is the answer. */
  async #lists<K extends string, T>(
    room: string,
    attribute: 'affiliation' | 'role',
    kinds: readonly K[],
    read: (item: XmlElement, kind: K) => readonly T[],
  ): Promise<RoomAnswer<readonly T[]>> {
    const found: T[] = [];
    for (const kind of kinds) {
      const query = element('query', { xmlns: `${muc}#admin` }, element('item', { [attribute]: kind }));
      const answer = await this.#ask('get', room, query);
      if (!answer.ok) return answer;
      const items = answer.payload ? childrenOf(answer.payload, 'item') : [];
      found.push(...items.flatMap((item) => read(item, kind)));
    }
    return { ok: true, value: found };
  }

  #ask(type: 'get' | 'set', to: string, payload: XmlElement): Promise<IqAnswer> {
    return this.#link.request(type, this.focus, to, payload);
  }
}
