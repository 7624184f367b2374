/** Words for what is seen of people's calls: by a subscriber in the documents, by the operator in the admin API. */
import { expect } from 'vitest';
import { type ConferenceView, involvementOf, userOf } from '../harness/conference/view.ts';
import type { HttpAnswer } from '../harness/meeting/bridge-process.ts';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import { type Call, CallRefused, type SipPhone } from '../harness/sip/phone.ts';
import type { Watcher } from '../harness/sip/watcher.ts';

/** What a document says of somebody's way in. */
interface ShownEndpoint {
  /** `connected`, `on-hold`, `muted-via-focus`. */
  readonly is: string | undefined;
  /** Direction of the medium, from their side. */
  readonly status: string | undefined;
}

/** What a document says of the endpoints of somebody (by entity or associated address) with a medium of this type. */
export const shown = (view: ConferenceView, person: string, type: 'audio' | 'message'): readonly ShownEndpoint[] =>
  (userOf(view, person)?.endpoints ?? []).flatMap((endpoint) =>
    endpoint.media.filter((medium) => medium.type === type).map(({ status }) => ({ is: endpoint.status, status })),
  );

const muted: ShownEndpoint = { is: 'muted-via-focus', status: 'recvonly' };
const speaking: ShownEndpoint = { is: 'connected', status: 'sendrecv' };

const all = (endpoints: readonly ShownEndpoint[], wanted: ShownEndpoint): boolean =>
  endpoints.length > 0 && endpoints.every(({ is, status }) => is === wanted.is && status === wanted.status);

/** Waits until the documents show all calls of somebody muted by the focus: they receive, but do not send. */
export const untilShownMuted = (watcher: Watcher, person: string): Promise<void> =>
  watcher.until((view) => all(shown(view, person, 'audio'), muted), 'the call shown as muted');

/** Waits until the documents show all calls of somebody with audio in both directions. */
export const untilShownSpeaking = (watcher: Watcher, person: string): Promise<void> =>
  watcher.until((view) => all(shown(view, person, 'audio'), speaking), 'the call shown as not muted');

/** Waits until the documents show how somebody takes part; `none`: not at all. */
export const untilShown = (watcher: Watcher, person: string, how: ReturnType<typeof involvementOf>): Promise<void> =>
  watcher.until((view) => {
    const user = userOf(view, person);
    return (user === undefined ? 'none' : involvementOf(user)) === how;
  }, `the person shown with ${how}`);

/** Waits until a meeting fits, as its operator sees it (`GET /admin/links/<link>`). */
export async function untilMeeting(stack: MeetingStack, link: string, wanted: object): Promise<void> {
  await expect
    .poll(async () => (await stack.bridge.admin('GET', `/admin/links/${link}`)).body, { timeout: 15_000 })
    .toMatchObject(wanted);
}

/** An operator's order (`POST /admin/links/<link>/<act>`). */
export const order = (stack: MeetingStack, link: string, act: string, body: object = {}): Promise<HttpAnswer> =>
  stack.bridge.admin('POST', `/admin/links/${link}/${act}`, body);

/** What a call that must not succeed is answered. */
export async function refusal(phone: SipPhone, conference: string): Promise<CallRefused> {
  const outcome = await phone.tryCall(conference);
  if (outcome instanceof CallRefused) return outcome;
  throw new Error('the call was let in');
}

/** Calls until it is let in: what makes it welcome may still be on its way to the focus. */
export async function calledAgain(phone: SipPhone, conference: string): Promise<Call> {
  let call: Call | undefined;
  await expect
    .poll(
      async () => {
        const outcome = await phone.tryCall(conference);
        if (outcome instanceof CallRefused) return outcome.status;
        call = outcome;
        return 'up';
      },
      { timeout: 15_000, interval: 100 },
    )
    .toBe('up');
  return call!;
}
