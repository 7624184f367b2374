/** Words for SIP clients of others in a meeting: whose they are, where they call. */
import { expect, onTestFinished } from 'vitest';
import { Baresip } from '../harness/baresip.ts';
import { ConferenceReader } from '../harness/conference/reader.ts';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import {
  runSipp,
  type SippMessage,
  type SippOptions,
  type SippResult,
  type SippRun,
  type SippScenario,
  startSipp,
} from '../harness/sipp.ts';

/** Version 1.0.0 of baresip gives up, and SIPp 3.6.1 reads one challenge only: both must be offered MD5 and nothing else. */
export const forOldPhones = { sip: { digests: ['MD5'] } };

/** A baresip with the account of one of the cast; it plays their tone, and ends with the test. */
export async function baresipOf(stack: MeetingStack, name: string): Promise<Baresip> {
  const { aor, password, tone } = stack.person(name);
  const credentials = { username: name, password };
  const phone = await Baresip.start({ server: stack.sipServer, aor: aor!, tone, credentials });
  onTestFinished(() => phone.stop());
  return phone;
}

/** The first message that a baresip was sent and that starts so, head and body; its trace has all of them. */
export function toldTo(phone: Baresip, start: RegExp): string {
  const messages = phone.output().split(/^(?:UDP|TCP) \S+ -> \S+\r?\n/m);
  return messages.find((message) => start.test(message)) ?? `nothing like ${start}`;
}

/** How a client reaches the conference when not by the server of the stack over UDP. */
type Way = Partial<Pick<SippOptions, 'server' | 'transport'>>;

/** How a person's SIPp calls the conference of a link. */
function sippOptions(stack: MeetingStack, name: string, link: string, scenario: SippScenario, way: Way): SippOptions {
  const { aor, password, tone } = stack.person(name);
  const address = (uri: string): string => uri.replace(/^sip:/, '');
  return {
    ...{ scenario, server: stack.sipServer, tone },
    conference: address(stack.link(link).conference),
    caller: address(aor!),
    credentials: { username: name, password },
    ...way,
  };
}

/** A run of SIPp with the account of one of the cast; it ends with the test at the latest. */
export async function sippOf(
  stack: MeetingStack,
  name: string,
  link: string,
  scenario: SippScenario,
  way: Way = {},
): Promise<SippRun> {
  const run = await startSipp(sippOptions(stack, name, link, scenario, way));
  onTestFinished(() => run.stop());
  return run;
}

/** A whole run of SIPp, with the account of one of the cast. */
export const sippRan = (
  stack: MeetingStack,
  name: string,
  link: string,
  scenario: SippScenario,
  way: Way = {},
): Promise<SippResult> => runSipp(sippOptions(stack, name, link, scenario, way));

/** All went as the scenario says; else the messages are in the failure. */
export function expectSuccess({ code, calls, errors, messages }: SippResult): void {
  const wire = messages.map(({ direction, text }) => `${direction}\n${text}`).join('\n\n');
  expect(code, `${errors}\n${wire}`).toBe(0);
  expect(calls).toEqual({ ok: 1, failed: 0 });
}

/** The messages that SIPp was sent and that start so. */
export const received = (messages: readonly SippMessage[], start: string): readonly string[] =>
  messages.flatMap(({ direction, text }) => (direction === 'received' && text.startsWith(start) ? [text] : []));

/** Reads the documents of one subscription of SIPp, each of which is held against RFC 4575. */
export function documentsRead(notifications: readonly string[], conference: string): ConferenceReader {
  const reader = new ConferenceReader(conference);
  for (const text of notifications) {
    const document = /\r?\n\r?\n(<[\s\S]*)/.exec(text)?.[1];
    if (document !== undefined) reader.accept(document.trimEnd());
  }
  return reader;
}
