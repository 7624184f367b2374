/** RFC 4575 5: what a subscriber knows of a conference, as plain data, and what it may conclude from it. */
import { childOf, childrenOf, textOf, type XmlNode } from './xml.ts';

/** An address with what it is for (5.3.1, 5.3.2). */
export interface ConferenceUri {
  readonly uri: string;
  readonly purpose?: string;
  readonly displayText?: string;
}

/** One stream of an endpoint (5.8); its status is seen from the participant. */
export interface ConferenceMedium {
  readonly id: string;
  readonly type: string;
  readonly label?: string;
  readonly status?: string;
  readonly srcId?: string;
}

/** When, why and by whom something was done (5.7.3, 5.7.6, 5.7.8). */
export interface ConferenceExecution {
  readonly when?: string;
  readonly reason?: string;
  readonly by?: string;
}

/** The SIP dialog of an endpoint (5.7.10). */
export interface ConferenceCallInfo {
  readonly callId?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
}

/** One way in which a user takes part (5.7). */
export interface ConferenceEndpoint {
  readonly entity: string;
  readonly displayText?: string;
  readonly status?: string;
  readonly joiningMethod?: string;
  readonly joiningInfo?: ConferenceExecution;
  readonly disconnectionMethod?: string;
  readonly disconnectionInfo?: ConferenceExecution;
  readonly callInfo?: ConferenceCallInfo;
  readonly media: readonly ConferenceMedium[];
}

/** One person (5.6). */
export interface ConferenceUser {
  readonly entity: string;
  readonly displayText?: string;
  readonly roles: readonly string[];
  readonly associatedAors: readonly string[];
  readonly endpoints: readonly ConferenceEndpoint[];
}

/** A whole conference after the documents read so far. */
export interface ConferenceView {
  readonly entity: string;
  readonly version: number;
  readonly subject?: string;
  readonly displayText?: string;
  readonly confUris: readonly ConferenceUri[];
  readonly serviceUris: readonly ConferenceUri[];
  readonly maximumUserCount?: number;
  readonly userCount?: number;
  readonly active?: boolean;
  readonly locked?: boolean;
  readonly users: readonly ConferenceUser[];
  /** The conference has ceased to exist (4.6). */
  readonly deleted: boolean;
}

/** Before the first document. */
export const emptyView: ConferenceView = {
  entity: '',
  version: 0,
  confUris: [],
  serviceUris: [],
  users: [],
  deleted: false,
};

type Known<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out what is not known: absent and undefined are not the same to a comparing test. */
function known<T extends object>(value: T): Known<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Known<T>;
}

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const booleanOf = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'true' || text === '1';

const urisOf = (list: XmlNode | undefined): readonly ConferenceUri[] =>
  childrenOf(list, 'entry').map((entry) =>
    known({
      uri: textOf(entry, 'uri') ?? '',
      purpose: textOf(entry, 'purpose'),
      displayText: textOf(entry, 'display-text'),
    }),
  );

const mediumOf = (node: XmlNode): ConferenceMedium =>
  known({
    id: node.attributes.get('id') ?? '',
    type: textOf(node, 'type') ?? '',
    label: textOf(node, 'label'),
    status: textOf(node, 'status'),
    srcId: textOf(node, 'src-id'),
  });

const executionOf = (node: XmlNode | undefined): ConferenceExecution | undefined =>
  node && known({ when: textOf(node, 'when'), reason: textOf(node, 'reason'), by: textOf(node, 'by') });

function callInfoOf(node: XmlNode | undefined): ConferenceCallInfo | undefined {
  const sip = childOf(node, 'sip');
  return (
    sip && known({ callId: textOf(sip, 'call-id'), fromTag: textOf(sip, 'from-tag'), toTag: textOf(sip, 'to-tag') })
  );
}

const endpointOf = (node: XmlNode): ConferenceEndpoint =>
  known({
    entity: node.attributes.get('entity') ?? '',
    displayText: textOf(node, 'display-text'),
    status: textOf(node, 'status'),
    joiningMethod: textOf(node, 'joining-method'),
    joiningInfo: executionOf(childOf(node, 'joining-info')),
    disconnectionMethod: textOf(node, 'disconnection-method'),
    disconnectionInfo: executionOf(childOf(node, 'disconnection-info')),
    callInfo: callInfoOf(childOf(node, 'call-info')),
    media: childrenOf(node, 'media').map(mediumOf),
  });

const personOf = (node: XmlNode): ConferenceUser =>
  known({
    entity: node.attributes.get('entity') ?? '',
    displayText: textOf(node, 'display-text'),
    roles: childrenOf(childOf(node, 'roles'), 'entry').map((entry) => entry.text.trim()),
    associatedAors: urisOf(childOf(node, 'associated-aors')).map((entry) => entry.uri),
    endpoints: childrenOf(node, 'endpoint').map(endpointOf),
  });

/** The view that the coherent state of a conference gives. */
export function viewOf(root: XmlNode, version: number): ConferenceView {
  const description = childOf(root, 'conference-description');
  const state = childOf(root, 'conference-state');
  return known({
    entity: root.attributes.get('entity') ?? '',
    version,
    subject: textOf(description, 'subject'),
    displayText: textOf(description, 'display-text'),
    confUris: urisOf(childOf(description, 'conf-uris')),
    serviceUris: urisOf(childOf(description, 'service-uris')),
    maximumUserCount: numberOf(textOf(description, 'maximum-user-count')),
    userCount: numberOf(textOf(state, 'user-count')),
    active: booleanOf(textOf(state, 'active')),
    locked: booleanOf(textOf(state, 'locked')),
    users: childrenOf(childOf(root, 'users'), 'user').map(personOf),
    deleted: root.attributes.get('state') === 'deleted',
  });
}

/** The user with an entity, or with an address among the associated ones (5.6.2). */
export const userOf = (view: ConferenceView, entityOrAor: string): ConferenceUser | undefined =>
  view.users.find((user) => user.entity === entityOrAor) ??
  view.users.find((user) => user.associatedAors.includes(entityOrAor));

/** RFC 7081 4: whether somebody is in the room, in the call, or both; endpoints that have gone do not count. */
export function involvementOf(user: ConferenceUser): 'text' | 'audio' | 'both' | 'none' {
  const present = user.endpoints.filter((endpoint) => endpoint.status !== 'disconnected');
  const types = present.flatMap((endpoint) => endpoint.media.map((medium) => medium.type));
  const text = types.includes('message');
  const audio = types.some((type) => type === 'audio' || type === 'video');
  if (text && audio) return 'both';
  if (text) return 'text';
  return audio ? 'audio' : 'none';
}
