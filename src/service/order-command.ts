/** The commands with which an operator asks a running bridge through its admin API. */
import type { Command } from 'commander';
import { BridgeError } from '../errors.ts';
import { readConfig } from './config-file.ts';

/** Where a running bridge is and how to prove oneself to it. */
interface Reach {
  readonly url: string;
  readonly token: string;
}

interface ReachOptions {
  readonly config: string;
  readonly url?: string;
  readonly token?: string;
}

/** From the options, else the environment, else the configuration file. Throws CONFIG_INVALID. */
function reachOf(options: ReachOptions): Reach {
  const url = options.url ?? process.env['CUSAX_URL'];
  const token = options.token ?? process.env['CUSAX_TOKEN'];
  if (url !== undefined && token !== undefined) return { url, token };
  const { http } = readConfig(options.config, process.env);
  const own = token ?? http.token;
  if (own === undefined) {
    throw new BridgeError(
      'CONFIG_INVALID',
      'http.token - expected a token for the admin API, got none: set it, or give --token',
    );
  }
  const host = http.host.includes(':') ? `[${http.host}]` : http.host;
  return { url: url ?? `http://${host}:${http.port}`, token: own };
}

/** Asks the admin API; the answer's text on a refusal goes to stderr and the exit code is 1. */
async function ask(reach: Reach, method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const url = new URL(`/admin${path}`, reach.url);
  const headers = { authorization: `Bearer ${reach.token}`, 'content-type': 'application/json' };
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: body === undefined ? { authorization: headers.authorization } : headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    return failed(`No bridge answers at ${url.origin}: is it running, and is this its address?`);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer;
  const { text } = (answer ?? {}) as { text?: string };
  return failed(text ?? `The bridge answered ${response.status}.`);
}

function failed(text: string): null {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
  return null;
}

/** Says that it was done, with what the asker must know although it was. */
function report(answer: unknown): void {
  if (answer === null) return;
  const { notes } = answer as { notes: readonly string[] };
  process.stdout.write(['done', ...notes.map((note) => `note: ${note}`), ''].join('\n'));
}

const withReach = (command: Command): Command =>
  command
    .option('--config <file>', 'the configuration file of the bridge', 'config.yaml')
    .option('--url <url>', 'address of the admin API (or CUSAX_URL)')
    .option('--token <token>', 'its token (better in CUSAX_TOKEN)');

const reasoned = (command: Command): Command =>
  command
    .option('--reason <text>', 'what the person or the room is told')
    .option('--by <name>', 'who asks', 'operator');

interface ActOptions extends ReachOptions {
  readonly reason?: string;
  readonly by: string;
  readonly audioOnly?: boolean;
}

const personCommands = {
  mute: 'take the voice of a person: in the room (text too) if they are there, else in the call',
  unmute: 'give it back',
  kick: 'send a person out of the room and the call',
  ban: 'send a person out and keep them out',
  unban: 'let a banned person come back',
} as const;

const linkCommands = {
  reopen: 'open a link that is closed',
  close: 'close a link: its calls end',
  lock: 'let nobody else into the call but owners and admins of the room; who is in it stays',
  unlock: 'let callers in again',
} as const;

/** Adds show, mute, unmute, kick, ban, unban, reopen, close, lock, unlock and forget. */
export function addOrderCommands(program: Command): void {
  withReach(program.command('show [link]'))
    .description('show all links, or one meeting with its people (JSON)')
    .action(async (link: string | undefined, options: ReachOptions) => {
      const path = link === undefined ? '/links' : `/links/${encodeURIComponent(link)}`;
      const answer = await ask(reachOf(options), 'GET', path);
      if (answer !== null) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    });
  for (const [act, description] of Object.entries(personCommands)) {
    const command = reasoned(withReach(program.command(`${act} <link> <person>`))).description(
      `${description}; a person is a nick, JID, SIP address, call id, or the name a caller shows`,
    );
    if (!act.endsWith('ban')) command.option('--audio-only', 'act on the call alone; the room hears nothing of it');
    command.action(async (link: string, person: string, options: ActOptions) => {
      const { reason, by, audioOnly = false } = options;
      const body = { person, by, 'audio-only': audioOnly, ...(reason === undefined ? {} : { reason }) };
      report(await ask(reachOf(options), 'POST', `/links/${encodeURIComponent(link)}/${act}`, body));
    });
  }
  for (const [act, description] of Object.entries(linkCommands)) {
    reasoned(withReach(program.command(`${act} <link>`)))
      .description(description)
      .action(async (link: string, { reason, by, ...options }: ActOptions) => {
        const body = { by, ...(reason === undefined ? {} : { reason }) };
        report(await ask(reachOf(options), 'POST', `/links/${encodeURIComponent(link)}/${act}`, body));
      });
  }
  withReach(program.command('forget <link>'))
    .description('take back what stands of a link that no bridge has in its configuration any more')
    .option('--force', 'although it looks as if it were served')
    .action(async (link: string, { force = false, ...options }: ReachOptions & { readonly force?: boolean }) => {
      report(await ask(reachOf(options), 'POST', `/links/${encodeURIComponent(link)}/forget`, { force }));
    });
}
