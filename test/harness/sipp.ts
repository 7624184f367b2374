/** SIPp, a SIP user agent of others, with the scenarios in sipp/: what it sees of a conference that our own phone may be blind to. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, freePort, scratchDir, startProcess } from './servers/process.ts';
import { muLawOf } from './sip/g711.ts';

/** The files in sipp/, each of which says what it does. */
export type SippScenario =
  | 'call'
  | 'talk'
  | 'kicked'
  | 'refused'
  | 'watch'
  | 'follow'
  | 'fetch'
  | 'other-event'
  | 'not-acceptable'
  | 'too-brief';

/** Who calls whom, how often and for how long. */
export interface SippOptions {
  readonly scenario: SippScenario;
  readonly server: { readonly host: string; readonly port: number };
  readonly transport?: 'udp' | 'tcp';
  /** `user@host` of the conference; in Request-URI, To and the digest. */
  readonly conference: string;
  /** `user@host` of From. */
  readonly caller: string;
  /** Answers a 401; without them a challenge fails the call. SIPp 3.6.1 reads the first challenge only, and knows only MD5. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** 1 when absent. */
  readonly calls?: number;
  /** Calls begun in a second; 10 when absent. */
  readonly rate?: number;
  /** How long a call lasts; 500 ms when absent. */
  readonly holdMs?: number;
  /** Hz of what `talk` and `kicked` play; 440 when absent. */
  readonly tone?: number;
  /** After so long it gives up; 30 s when absent. */
  readonly limitMs?: number;
}

/** A SIP message that went over the wire. */
export interface SippMessage {
  readonly direction: 'sent' | 'received';
  readonly text: string;
}

/** What became of a run. */
export interface SippResult {
  /** 0 = every call went as its scenario says; null = ended by a signal. */
  readonly code: number | null;
  readonly calls: { readonly ok: number; readonly failed: number };
  readonly messages: readonly SippMessage[];
  /** What SIPp complains of; empty when all went well. */
  readonly errors: string;
}

/** A run that goes on. */
export interface SippRun {
  readonly finished: Promise<SippResult>;
  /** Messages so far; all of them once it has finished. */
  messages(): readonly SippMessage[];
  /** Ends it without hanging up, as a crash would. */
  stop(): Promise<void>;
}

/** The program, or null where it is not installed. */
export const findSipp = (): string | null => findExecutable('sipp');

/** Those that play a file. */
const sounding: ReadonlySet<SippScenario> = new Set(['talk', 'kicked']);

const scenarios = join(import.meta.dirname, 'sipp');

/** Runs a scenario to its end. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  return (await startSipp(options)).finished;
}

/** Starts a scenario. Throws when SIPp is not there. */
export async function startSipp(options: SippOptions): Promise<SippRun> {
  const command = findSipp();
  if (command === null) throw new Error('sipp is not on PATH');
  const scratch = scratchDir('sipp');
  const file = (name: string): string => join(scratch.path, name);
  // its reports are named after the scenario and put beside it
  copyFileSync(join(scenarios, `${options.scenario}.xml`), file('scenario.xml'));
  if (sounding.has(options.scenario)) writeFileSync(file('tone.pcmu'), toneOf(options.tone ?? 440));
  const running = await startProcess({
    name: `sipp ${options.scenario}`,
    command,
    args: await argumentsOf(options),
    cwd: scratch.path,
    ready: async () => true,
    logFile: file('screen.log'),
  });
  let all: readonly SippMessage[] | undefined;
  const messages = (): readonly SippMessage[] => all ?? messagesIn(textOf(file('messages.log')));
  const finished = running.exited.then((code): SippResult => {
    all = messages();
    const result = {
      code,
      calls: countsIn(textOf(file('statistics.csv'))),
      messages: all,
      errors: textOf(file('errors.log')) || (code === 0 ? '' : running.output().slice(-2000)),
    };
    scratch.remove();
    return result;
  });
  return { finished, messages, stop: () => running.kill() };
}

async function argumentsOf(options: SippOptions): Promise<readonly string[]> {
  const { server, credentials, calls = 1, holdMs = 500, limitMs = 30_000 } = options;
  const proof = credentials ? ['-au', credentials.username, '-ap', credentials.password] : [];
  return [
    `${server.host}:${server.port}`,
    ...['-sf', 'scenario.xml', '-nostdin', '-t', options.transport === 'tcp' ? 't1' : 'u1'],
    // without -p it has the kernel choose a port, which nobody can take in between
    ...['-i', '127.0.0.1', '-bind_local'],
    ...['-ci', '127.0.0.1', '-cp', String(await freePort())],
    ...['-mi', '127.0.0.1', '-mp', String(await mediaPort())],
    ...['-key', 'conference', options.conference, '-key', 'caller', options.caller, '-auth_uri', options.conference],
    ...proof,
    ...['-m', String(calls), '-r', String(options.rate ?? 10), '-d', String(holdMs)],
    ...['-timeout', `${Math.ceil(limitMs / 1000)}s`, '-timeout_error', '-recv_timeout', String(limitMs)],
    ...['-trace_msg', '-message_file', 'messages.log', '-trace_err', '-error_file', 'errors.log'],
    ...['-trace_stat', '-stf', 'statistics.csv', '-fd', '1'],
  ];
}

/** RFC 3550 11: an even port whose odd neighbour is for RTCP. */
async function mediaPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port % 2 === 0) return port;
  }
}

/** One second of a tone in mu-law; begins anew without a click where the frequency is a whole number. */
function toneOf(hz: number): Uint8Array {
  return Uint8Array.from({ length: 8000 }, (_each, at) =>
    muLawOf(Math.round(4000 * Math.sin((2 * Math.PI * hz * at) / 8000))),
  );
}

/** A report that SIPp has not begun is empty. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The last line of its statistics; columns are named in the first. */
function countsIn(statistics: string): { ok: number; failed: number } {
  const [names = '', ...lines] = statistics.trim().split('\n');
  const last = lines.at(-1)?.split(';') ?? [];
  const of = (name: string): number => Number(last[names.split(';').indexOf(name)] ?? 0);
  return { ok: of('SuccessfulCall(C)'), failed: of('FailedCall(C)') };
}

function messagesIn(log: string): readonly SippMessage[] {
  const heads = /^-{20,} [^\n]*\n(?:UDP|TCP) message (sent|received)[^\n]*\n\n/gm;
  const found = [...log.matchAll(heads)];
  return found.map((head, place) => {
    const text = log.slice(head.index + head[0].length, found[place + 1]?.index ?? log.length);
    return { direction: head[1] === 'sent' ? 'sent' : 'received', text: text.replace(/\n+$/, '') };
  });
}
