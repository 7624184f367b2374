/**
 * RFC 4575 documents: CPU of one change until its text is there, in rooms of 10 to 1000, beside a template literal that writes the same
 * text, alternately. Run: `npm run bench -- document [room size ...]` (default 10, 100 and 1000).
 */
import { DocumentWriter, withVersion } from '../../src/conference-info/document.ts';
import { Notifier } from '../../src/conference-info/notifier.ts';
import { Roster } from '../../src/conference-info/roster.ts';
import type { User } from '../../src/conference-info/user.ts';
import { UserFragments } from '../../src/conference-info/user-fragments.ts';
import { median, ratioText, report, table } from './measure.ts';
import { legOf, link, meetingOf } from './people.ts';

const pairs = 9;
const repetitions = 5000;
const furtherSubscribers = 100;
const hour = 3_600_000;

let length = 0;
/** Flattens the text, as sending it would. */
const use = (text: string): void => {
  length += Buffer.byteLength(text);
};

/** From the fact to the texts, with everything that a notifier keeps. */
function notifierWay(size: number, subscribers: number): () => void {
  const { meeting, legs, bindings } = meetingOf(size);
  const notifier = new Notifier(link, meeting, bindings);
  const names = Array.from({ length: subscribers }, (_, index) => `subscription ${index}`);
  let now = 0;
  const send = (): void => {
    for (const { id, document } of notifier.due(now)) {
      if (document) use(withVersion(document, document.version));
      notifier.answered(id, 200, now);
    }
  };
  for (const id of names) notifier.subscribe(id, { expiresAt: 1e6 * hour, view: 'ordinary', minimumGapMs: 0 }, now);
  send();
  let turn = 0;
  return () => {
    const index = turn % size;
    const leg = legOf(index, Math.floor(turn / size) % 2 === 0);
    turn += 1;
    now += 1;
    legs.set(leg.leg, leg);
    notifier.change({ kind: 'leg', key: leg.leg }, now);
    send();
  };
}

/** Users of a room, each muted and not, ready to be written. */
function usersOf(size: number): readonly User[] {
  const { meeting, legs, bindings } = meetingOf(size);
  const all = (): readonly User[] => {
    const roster = new Roster(link.room, meeting, bindings);
    return roster.persons().flatMap((person) => roster.usersOf(person, 'ordinary'));
  };
  const open = all();
  for (let index = 0; index < size; index += 1) legs.set(`leg-${index}`, legOf(index, true));
  return [...open, ...all()];
}

const writer = new DocumentWriter(link.conference);

/** The product's text of one user's change, with a version. */
const productText = (user: User, version: number): string =>
  withVersion(writer.partial({ about: '', users: [new UserFragments(user).whole], sidebars: '' }), version);

const special = /[&<>"]/;
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const esc = (text: string): string =>
  special.test(text) ? text.replace(/[&<>"]/g, (found) => entities[found] ?? found) : text;

/** The same text by a template for just this case: a room occupant with one call. */
function floorText(user: User, version: number): string {
  const [chat, call] = user.endpoints;
  if (!chat || !call) return '';
  return `<?xml version="1.0" encoding="UTF-8"?><conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="${esc(link.conference)}" state="partial" version="${version}"><users state="partial"><user entity="${esc(user.entity)}"><display-text>${esc(user.displayText)}</display-text><associated-aors><entry><uri>${esc(user.associatedAors[0] ?? '')}</uri></entry></associated-aors><roles><entry>${user.roles[0]}</entry><entry>${user.roles[1]}</entry></roles><endpoint entity="${esc(chat.entity)}"><status>${chat.status}</status><media id="1"><type>message</type><label>chat</label><status>${chat.media[0]?.status}</status></media></endpoint><endpoint entity="${esc(call.entity)}"><status>${call.status}</status><joining-method>${call.joiningMethod}</joining-method><joining-info><when>${call.joiningInfo?.when}</when></joining-info><media id="1"><type>audio</type><label>audio</label><status>${call.media[0]?.status}</status></media></endpoint></user></users></conference-info>`;
}

function textWay(size: number, write: (user: User, version: number) => string): () => void {
  const users = usersOf(size);
  let turn = 0;
  return () => {
    const user = users[turn % users.length];
    turn += 1;
    if (user) use(write(user, turn));
  };
}

/** CPU of one call in microseconds. */
function cost(work: () => void, times: number): number {
  const before = process.cpuUsage();
  for (let index = 0; index < times; index += 1) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

function measure(size: number) {
  const [sample] = usersOf(1);
  if (!sample || productText(sample, 7) !== floorText(sample, 7)) throw new Error('the floor writes another text');
  const ways = {
    floor: textWay(size, floorText),
    text: textWay(size, productText),
    notifier: notifierWay(size, 1),
    fanOut: notifierWay(size, 1 + furtherSubscribers),
  };
  const took = { floor: [] as number[], text: [] as number[], notifier: [] as number[], further: [] as number[] };
  for (let pair = 0; pair <= pairs; pair += 1) {
    const floor = cost(ways.floor, repetitions);
    const text = cost(ways.text, repetitions);
    const notifier = cost(ways.notifier, repetitions);
    const fanOut = cost(ways.fanOut, repetitions / 10);
    // The first round pays for compilation.
    if (pair === 0) continue;
    took.floor.push(floor);
    took.text.push(text);
    took.notifier.push(notifier);
    took.further.push((fanOut - notifier) / furtherSubscribers);
  }
  return {
    'people in the room': size,
    'template us': median(took.floor).toFixed(2),
    'build and splice us': median(took.text).toFixed(2),
    'build : template': ratioText(took.text, took.floor),
    'fact to text, whole notifier us': median(took.notifier).toFixed(1),
    'each further subscriber us': median(took.further).toFixed(2),
  };
}

const wanted = process.argv.slice(2).map(Number);
const rows = (wanted.length > 0 ? wanted : [10, 100, 1000]).map(measure);
report(
  'Documents',
  `One change of one person, ${pairs} pairs of ${repetitions} changes; ${(length / 1e9).toFixed(1)} GB of text written.`,
  '',
  table(rows),
);
