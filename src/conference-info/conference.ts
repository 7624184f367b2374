/** RFC 4575 5.2 to 5.5: a conference as one kind of viewer sees it, made from facts. */
import type { Bindings } from '../identity/binding.ts';
import { takesPart } from './involvement.ts';
import type { LinkSettings } from './link.ts';
import type { Meeting } from './meeting.ts';
import { compare } from './person.ts';
import { Roster } from './roster.ts';
import { type ChatPurposeSetting, confUris, serviceUris, type UriEntry } from './service-uris.ts';
import type { Direction, Medium, User, View } from './user.ts';
import { longestLine, longestName, readableLine, uriText } from './xml-text.ts';

/** 5.3.4: a medium that the conference has. */
export interface AvailableMedium {
  /** What an endpoint's medium refers to (5.8.3). */
  readonly label: string;
  readonly displayText: string | null;
  readonly type: Medium['type'];
  readonly status: Direction;
}

/** 5.3: what the conference is. */
export interface Description {
  readonly displayText: string;
  readonly subject: string | null;
  readonly freeText: string | null;
  /** For search; none holds white space. */
  readonly keywords: readonly string[];
  readonly confUris: readonly UriEntry[];
  readonly serviceUris: readonly UriEntry[];
  readonly maximumUserCount: number;
  readonly availableMedia: readonly AvailableMedium[];
}

/** 5.4: who hosts the conference. */
export interface HostInfo {
  readonly displayText: string | null;
  readonly webPage: string | null;
  readonly uris: readonly UriEntry[];
}

/** 5.5: how it stands. */
export interface ConferenceState {
  /** Everybody, in the room or in the call. */
  readonly userCount: number;
  /** Calls are taken. */
  readonly active: boolean;
  /** 5.5.3: no further callers. The room lets people in by its own rules. */
  readonly locked: boolean;
}

/** 5.9.2: a smaller conference inside this one. This focus makes none; a model for who writes documents of others. */
export interface Sidebar {
  readonly entity: string;
  readonly description: Description;
  readonly state: ConferenceState;
  readonly users: readonly User[];
}

/** A conference at one moment. */
export interface Conference {
  readonly entity: string;
  readonly description: Description;
  readonly host: HostInfo | null;
  readonly state: ConferenceState;
  /** By entity, in the order of entities. */
  readonly users: ReadonlyMap<string, User>;
}

const availableMedia = ({ about }: LinkSettings): readonly AvailableMedium[] => [
  { label: 'audio', displayText: about?.mediaNames.audio ?? null, type: 'audio', status: 'sendrecv' },
  { label: 'chat', displayText: about?.mediaNames.chat ?? null, type: 'message', status: 'sendrecv' },
];

/** Who hosts it, or null. */
export function hostOf({ about }: LinkSettings): HostInfo | null {
  if (!about?.host) return null;
  const { name, webPage, uris } = about.host;
  const entries = [...new Set(uris.map(uriText))].map((uri) => ({ uri, displayText: null, purpose: null }));
  return {
    displayText: readableLine(name, longestName),
    webPage: webPage === null ? null : uriText(webPage),
    uris: entries,
  };
}

/** Longest free text, in code points. */
const longestText = 1024;

/** The description as the room and the operator give it. */
export function describe(link: LinkSettings, meeting: Meeting, chat: ChatPurposeSetting): Description {
  return {
    displayText:
      readableLine(meeting.room?.name ?? null, longestName) ?? readableLine(link.name, longestName) ?? link.id,
    subject: readableLine(meeting.room?.subject ?? null, longestLine),
    freeText: readableLine(link.about?.freeText ?? null, longestText),
    keywords: link.about?.keywords ?? [],
    confUris: confUris(link),
    serviceUris: serviceUris(link, chat),
    maximumUserCount: link.maximumUsers,
    availableMedia: availableMedia(link),
  };
}

/** The state of a conference with so many users. A link nobody has closed takes calls. */
export const stateOf = (meeting: Meeting, userCount: number): ConferenceState => ({
  userCount,
  active: meeting.link?.state !== 'closed',
  locked: meeting.link?.locked !== undefined,
});

/** The entity of a link's conference. */
export const entityOf = (link: LinkSettings): string => uriText(link.conference);

/** The whole conference for one kind of viewer. The same facts give the same conference, in the same order. */
export function composeConference(
  link: LinkSettings,
  meeting: Meeting,
  bindings: Bindings,
  view: View = 'ordinary',
  chat: ChatPurposeSetting = 'both',
): Conference {
  const roster = new Roster(link.room, meeting, bindings);
  const users = roster
    .persons()
    .flatMap((person) => roster.usersOf(person, view))
    .sort((a, b) => compare(a.entity, b.entity));
  return {
    entity: entityOf(link),
    description: describe(link, meeting, chat),
    host: hostOf(link),
    state: stateOf(meeting, users.filter(takesPart).length),
    users: new Map(users.map((user) => [user.entity, user])),
  };
}
