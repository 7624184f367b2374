/**
 * RFC 4575 4.6 for a crowd: what each of many subscribers of one conference knows, kept as text that they share, so that a storm of
 * documents is read quickly. It takes only documents as compact as ours; `ConferenceReader` judges them in full.
 */
import { merged } from './reader.ts';
import { RuleBroken } from './rules.ts';
import { type ConferenceView, viewOf } from './view.ts';
import { conferenceNamespace, parseXml, type XmlNode } from './xml.ts';

const declaration = '(?:<\\?xml[^>]*\\?>)?';
const head = new RegExp(`^${declaration}<conference-info ([^>]*)>`);
const section = /<(conference-description|host-info|conference-state)>.*?<\/\1>/gsy;
const usersBegin = /<users(?: state="([a-z]+)")?>/y;
const user = /<user entity="([^"]*)"(?: state="([a-z]+)")?(?:\/>|>.*?<\/user>)/gsy;
const end = /^(?:<\/users>|<users(?: state="[a-z]+")?\/>)?<\/conference-info>$/;

/** One text for all that is the same. */
export type Shared = (text: string) => string;

/** Gives texts that are kept once. */
export function sharing(): Shared {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    known.set(text, text);
    return text;
  };
}

/** What one of the crowd knows. */
export class CrowdReader {
  readonly #shared: Shared;
  readonly #sections = new Map<string, string>();
  /** By entity: the last full element, and behind it the partial ones that came since. */
  readonly #users = new Map<string, string>();
  #version = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  get version(): number {
    return this.#version;
  }

  get users(): number {
    return this.#users.size;
  }

  /** Takes a document in; throws RuleBroken for a version that does not follow, Error for a form that is not ours. */
  accept(xml: string): void {
    const [start, attributes = ''] = head.exec(xml) ?? [];
    if (start === undefined) throw new Error('no conference document of our form');
    const state = /\bstate="([a-z]+)"/.exec(attributes)?.[1] ?? 'full';
    const version = Number(/\bversion="(\d+)"/.exec(attributes)?.[1]);
    if (version !== this.#version + 1) throw new RuleBroken('4.6', `version ${version} after ${this.#version}`);
    if (state === 'partial' && this.#version === 0) throw new RuleBroken('4.6', 'the first document is partial');
    this.#version = version;
    if (state === 'full') this.#forget();
    const at = this.#readUsers(xml, this.#readSections(xml, start.length), state);
    if (!end.test(xml.slice(at))) throw new Error(`not a document of our form at ${xml.slice(at, at + 60)}`);
  }

  /** Equal for readers who were told the same in as many steps; others may know the same all the same. */
  key(): string {
    const entities = [...this.#users.keys()].sort();
    const about = [...this.#sections.keys()].sort().map((name) => this.#sections.get(name));
    return [...about, ...entities.map((entity) => this.#users.get(entity))].join('\n');
  }

  /** What it knows. Slow. */
  view(): ConferenceView {
    const children: XmlNode[] = [...this.#sections.values()].map((text) => elementsOf(text)[0] as XmlNode);
    const people = [...this.#users.values()].map((text) => elementsOf(text).reduce(merged));
    children.push({ ...bare('users'), children: people });
    return viewOf({ ...bare('conference-info'), children }, this.#version);
  }

  #forget(): void {
    this.#sections.clear();
    this.#users.clear();
  }

  #readSections(xml: string, from: number): number {
    let at = from;
    section.lastIndex = at;
    for (let found = section.exec(xml); found; found = section.exec(xml)) {
      this.#sections.set(found[1] ?? '', this.#shared(found[0]));
      at = section.lastIndex;
    }
    return at;
  }

  #readUsers(xml: string, from: number, within: string): number {
    usersBegin.lastIndex = from;
    const begin = usersBegin.exec(xml);
    if (!begin) return from;
    const state = begin[1] ?? 'full';
    if (within === 'partial' && state === 'full') this.#users.clear();
    let at = usersBegin.lastIndex;
    user.lastIndex = at;
    for (let found = user.exec(xml); found; found = user.exec(xml)) {
      this.#readUser(found[1] ?? '', found[2] ?? 'full', found[0]);
      at = user.lastIndex;
    }
    return at;
  }

  #readUser(entity: string, state: string, text: string): void {
    if (state === 'deleted') this.#users.delete(entity);
    else this.#users.set(entity, this.#shared(state === 'partial' ? (this.#users.get(entity) ?? '') + text : text));
  }
}

const bare = (name: string): XmlNode => ({
  ...{ name, namespace: conferenceNamespace, attributes: new Map(), children: [], text: '' },
});

/** The elements that stand one after another in a text. */
const elementsOf = (text: string): readonly XmlNode[] =>
  parseXml(`<all xmlns="${conferenceNamespace}">${text}</all>`).children;

/** A view whose parts stand in one order, and without what belongs to a subscription: to compare what two readers know. */
export function ordered(view: ConferenceView): ConferenceView {
  const byEntity = (one: { entity: string }, other: { entity: string }): number =>
    one.entity < other.entity ? -1 : Number(one.entity > other.entity);
  const users = view.users.map((each) => ({ ...each, endpoints: [...each.endpoints].sort(byEntity) }));
  return { ...view, entity: '', version: 0, users: users.sort(byEntity) };
}
