/** Runs scenarios on every stack that this machine can hold, and names those that it cannot. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, inject, it } from 'vitest';
import { validateCollected } from '../harness/conference/schema.ts';
import { type FoundStack, findContainerStacks, findStacks } from '../harness/meeting/find-stacks.ts';
import { type MeetingStack, type MeetingStackOptions, startMeetingStack } from '../harness/meeting/meeting-stack.ts';

/** How much of the bridge's log is shown after a test that failed. */
const LOG_TAIL = 6_000;

/** The stacks with their servers where `STACK` wants them. */
function wantedStacks(): readonly FoundStack[] {
  const containers = inject('containers');
  return containers === null ? findStacks() : findContainerStacks(containers);
}

/** Why a stack does not run here; null when it does. `STACK` and `XMPP_SERVER` choose one SIP side and one XMPP server. */
function hindrance({ missing, place, sip, xmpp }: FoundStack): string | null {
  if (missing.length > 0) return `${missing.join(', ')} not found`;
  const { STACK, XMPP_SERVER } = process.env;
  if (STACK && STACK !== sip && place === undefined) return `STACK=${STACK}`;
  return XMPP_SERVER && XMPP_SERVER !== xmpp ? `XMPP_SERVER=${XMPP_SERVER}` : null;
}

/** What is wanted of the stacks; with `only` some kinds are left out, and not named as missing. */
export type StackWishes = Omit<MeetingStackOptions, 'xmpp' | 'sip'> & {
  readonly only?: (stack: FoundStack) => boolean;
};

/**
 * Describes scenarios once per stack. Their tests share one stack per file, so each test takes a link of its own (`links`).
 * Phones and watchers are closed after each test, and documents seen are held against the schema; a test whose watcher saw one
 * that breaks a rule fails then.
 * @param body gets a function that gives the running stack; to be called in tests and hooks
 */
export function describeStacks(name: string, wishes: StackWishes, body: (stack: () => MeetingStack) => void): void {
  const { only = () => true, ...options } = wishes;
  for (const found of wantedStacks().filter(only)) {
    const why = hindrance(found);
    if (why !== null) describe(`${name} [${found.name}]`, () => it.skip(`not run: ${why}`));
    else describe(`${name} [${found.name}]`, () => onStack({ ...options, ...found }, body));
  }
}

/** Describes what a client of others does; where it is absent, one test that does not run says so. */
export function describeClient(name: string, lacks: string | null, body: () => void): void {
  describe(name, () => (lacks === null ? body() : it.skip(`not run: ${lacks}`)));
}

function onStack(options: MeetingStackOptions, body: (stack: () => MeetingStack) => void): void {
  let running: MeetingStack | undefined;
  const stack = (): MeetingStack => {
    if (running === undefined) throw new Error('the stack runs only during tests and hooks');
    return running;
  };
  beforeAll(async () => {
    running = await startMeetingStack(options);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => console.error(`the bridge's log ends:\n${stack().bridge.output().slice(-LOG_TAIL)}`));
  });
  afterEach(async () => {
    await running?.hangUpAll();
    await validateCollected();
  });
  afterAll(() => running?.stop());
  body(stack);
}
