/**
 * RFC 4575: what comes of the documents of `conference-info/*.xml`, taken one after another, stands in the `.json` of the same name.
 * They are ours, in the shape of what FreeSWITCH, Kamailio, the focus of Linphone, SylkServer and others send, of the examples of RFC 4575
 * and RFC 4579, and of sequences for the algorithm of RFC 4575 4.6.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Coherent } from '../../src/conference-info/coherent-state.ts';
import type { ConferenceState, Description } from '../../src/conference-info/conference.ts';
import {
  descriptionText,
  hostText,
  sidebarsByRefText,
  sidebarsByValText,
  stateText,
} from '../../src/conference-info/conference-text.ts';
import { DocumentWriter, withVersion } from '../../src/conference-info/document.ts';
import { conferenceOf, type ReadConference, type ReadUser } from '../../src/conference-info/read-conference.ts';
import { readDocument, takeDocument } from '../../src/conference-info/read-document.ts';
import type { User } from '../../src/conference-info/user.ts';
import { UserFragments } from '../../src/conference-info/user-fragments.ts';
import { canValidate, validateAll } from '../harness/conference/schema.ts';

/** After each document: what became of it, and what a subscriber then knows where that has changed. What says nothing is left out. */
interface Expected {
  readonly title: string;
  readonly steps: readonly { readonly outcome: string; readonly conference?: unknown }[];
}

const folder = new URL('conference-info/', import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.xml'))
  .map((name) => name.slice(0, -4));
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

/** Without null and empty lists, which most of a conference is. */
function said(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(said);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null && !(Array.isArray(each) && each.length === 0));
  return Object.fromEntries(kept.map(([key, each]) => [key, said(each)]));
}

const documentsOf = (name: string): readonly string[] => read(`${name}.xml`).split('<?next-document?>\n');

function stepsOf(documents: readonly string[]): Expected['steps'] {
  let known: Coherent | null = null;
  return documents.map((document) => {
    const one = readDocument(document);
    if ('refused' in one) return { outcome: one.refused };
    const { outcome, state } = takeDocument(known, one);
    if (outcome !== 'applied') return { outcome };
    known = state;
    return { outcome, conference: state.root && said(conferenceOf(state.root)) };
  });
}

describe('conference documents of all kinds of servers', () => {
  for (const name of names) {
    const expected = JSON.parse(read(`${name}.json`)) as Expected;
    it(`${name}: ${expected.title}`, () => {
      expect(stepsOf(documentsOf(name))).toEqual(expected.steps);
    });
  }
});

/** What our focus writes of a conference with such content; a display-text and a largest number it always writes. */
function written(conference: ReadConference, state: 'full' | 'partial'): string {
  const user = (each: ReadUser): User => ({ ...each, displayText: each.displayText ?? each.entity }) as User;
  const description = (each: ReadConference): Description =>
    ({
      ...each,
      displayText: each.displayText ?? 'Orchard',
      maximumUserCount: each.maximumUserCount ?? 50,
    }) as Description;
  const stands = (each: ReadConference): ConferenceState => ({
    userCount: each.userCount ?? each.users.length,
    active: each.active ?? true,
    locked: each.locked ?? false,
  });
  const sidebars = conference.sidebarsByVal.map((each) => ({
    entity: each.entity,
    description: description(each),
    state: stands(each),
    users: each.users.map(user),
  }));
  const parts = {
    about: descriptionText(description(conference)) + hostText(conference.host) + stateText(stands(conference)),
    users: conference.users.map((each) => new UserFragments(user(each)).whole),
    sidebars: sidebarsByRefText(conference.sidebarsByRef) + sidebarsByValText(sidebars),
  };
  const writer = new DocumentWriter(conference.entity);
  const document = state === 'full' ? writer.full(parts) : writer.partial({ ...parts, about: '' });
  return withVersion(document, 1);
}

describe('conferences of the examples of RFC 4575 and RFC 4579, written', () => {
  /** In the state that the last document of the vector leaves. */
  const conferenceAfter = (name: string): ReadConference => {
    let known: Coherent | null = null;
    for (const text of documentsOf(name)) {
      const document = readDocument(text);
      if (!('refused' in document)) known = takeDocument(known, document).state;
    }
    if (!known?.root) throw new Error('nothing was read');
    return conferenceOf(known.root);
  };
  const cases = [
    ['rfc4575-basic', 'full'],
    ['rfc4575-rich', 'full'],
    ['rfc4579-dial-in', 'full'],
    ['rfc4579-dial-out-to-the-called', 'full'],
    ['rfc4579-dial-out-to-who-was-there', 'partial'],
  ] as const;

  it.each(cases)('%s: the text is the one of written/, to the byte', (name, state) => {
    const conference = conferenceAfter(name);
    const changed = state === 'full' ? conference : { ...conference, users: conference.users.slice(-1) };
    expect(`${written(changed, state)}\n`).toBe(read(`written/${name}.xml`));
  });

  it.each(cases)('%s: what is in written/ says the same of everybody', (name) => {
    const document = readDocument(read(`written/${name}.xml`));
    if ('refused' in document) throw new Error(document.refused);
    const readAgain = conferenceOf(document.root);
    const before = conferenceAfter(name).users;
    expect(readAgain.users).toEqual(document.state === 'full' ? before : before.slice(-1));
  });

  it.skipIf(!canValidate())('is valid by the schema (skipped without xmllint)', async () => {
    expect(await validateAll(cases.map(([name]) => read(`written/${name}.xml`)))).toEqual([]);
  });
});
