/** RFC 4575 4.3 to 4.6: a subscriber's coherent state out of full and partial documents, and a judge of each of them. */
import { type ChatTokens, checkDocument, checkState, RuleBroken, stateAttribute } from './rules.ts';
import { collectDocument } from './schema.ts';
import { type ConferenceView, emptyView, viewOf } from './view.ts';
import { parseXml, textOf, type XmlNode } from './xml.ts';

/** 4.5: what tells an element from its siblings; null where only one of its name may stand in the parent. */
function keyOf(parent: XmlNode, element: XmlNode): string | null {
  if (element.name === 'user' || element.name === 'endpoint') return element.attributes.get('entity') ?? '';
  if (element.name === 'media') return element.attributes.get('id') ?? '';
  if (element.name !== 'entry') return null;
  if (parent.name === 'sidebars-by-val') return element.attributes.get('entity') ?? '';
  return textOf(element, 'uri') ?? '';
}

const isSame = (parent: XmlNode, one: XmlNode, other: XmlNode): boolean =>
  one.name === other.name && one.namespace === other.namespace && keyOf(parent, one) === keyOf(parent, other);

/** 4.6 steps 1 to 3: `local` after an `update` whose state is "partial", and so on downwards. */
export function merged(local: XmlNode, update: XmlNode): XmlNode {
  const children = [...local.children];
  for (const child of update.children) {
    const place = children.findIndex((each) => isSame(update, each, child));
    const state = stateAttribute(child);
    if (state === 'deleted') {
      if (place >= 0) children.splice(place, 1);
      continue;
    }
    const before: XmlNode = children[place] ?? { ...child, children: [] };
    const after = state === 'partial' ? merged(before, child) : child;
    children.splice(place < 0 ? children.length : place, place < 0 ? 0 : 1, after);
  }
  return { ...local, attributes: new Map([...local.attributes, ...update.attributes]), children };
}

/**
 * Reads the documents of one subscription, one after another. What breaks a rule of the RFC, or one that this project sets itself, is an
 * error that names the rule; what the RFC then has a subscriber do (discard, or take a full document all the same) is done first.
 */
export class ConferenceReader {
  readonly #entity: string | undefined;
  readonly #chat: ChatTokens;
  #root: XmlNode | null = null;
  #version: number | null = null;

  /** `entity`: the only conference that documents may be about. `chat`: the service URI tokens that descriptions must have. */
  constructor(entity?: string, chat: ChatTokens = 'both') {
    this.#entity = entity;
    this.#chat = chat;
  }

  /** What is known now; empty before the first document. */
  get view(): ConferenceView {
    return this.#root === null ? emptyView : viewOf(this.#root, this.version);
  }

  /** The local version number; 0 before the first document. */
  get version(): number {
    return this.#version ?? 0;
  }

  /** Takes in the body of a NOTIFY. Throws `RuleBroken`, or an Error for what is not XML. */
  accept(xml: string): void {
    collectDocument(xml);
    const update = parseXml(xml);
    checkDocument(update, { entity: this.#entity ?? this.#root?.attributes.get('entity'), chat: this.#chat });
    checkState(update);
    const version = Number(update.attributes.get('version'));
    const state = stateAttribute(update);
    if (this.#version !== null && version <= this.#version) {
      throw new RuleBroken('4.6', `version ${version} is not newer than ${this.#version}`);
    }
    const gap = this.#version !== null && version !== this.#version + 1;
    const said = `version gap: ${version} after ${this.#version}`;
    if (state === 'partial') {
      if (this.#root === null) throw new RuleBroken('4.6', 'the first document is partial');
      if (gap) throw new RuleBroken('4.6', said);
    }
    this.#root = state === 'partial' && this.#root ? merged(this.#root, update) : update;
    this.#version = version;
    if (gap) throw new RuleBroken('4.6', said);
    checkState(this.#root);
  }
}
