/**
 * `npm run demo`: starts everything on this machine, shows on real clients that a chat room and a conference call are one meeting,
 * and stays up for a person to try. `-- --once` ends after the tour, with exit code 0 only if every step held.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { findDrachtio } from '../test/harness/servers/drachtio.ts';
import { findFreeswitch } from '../test/harness/servers/freeswitch.ts';
import { Ending } from './ending.ts';
import { invitation } from './invitation.ts';
import { narrate } from './narration.ts';
import { type ServersWhere, serverPlace } from './server-place.ts';
import { openStage, type Stage } from './stage.ts';
import { bad, good, note, plain, title } from './terminal.ts';
import { tourOf } from './tour.ts';

interface DemoOptions {
  readonly once: boolean;
  readonly stack: 'embedded' | 'native';
  readonly servers: ServersWhere;
  readonly breakMixer: boolean;
  readonly sipPort: number;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new InvalidArgumentError('A port is 1 to 65535.');
  return port;
}

const program = new Command('demo')
  .description('Shows a chat room and a conference call as one meeting.')
  .option('--once', 'end after the tour; exit code 0 only if every step held', false)
  .addOption(
    new Option(
      '--stack <stack>',
      'embedded: SIP agent and mixer inside the bridge; native: drachtio-server and FreeSWITCH',
    )
      .choices(['embedded', 'native'])
      .default('embedded'),
  )
  .addOption(
    new Option(
      '--servers <where>',
      'Prosody and nats-server; here: programs on PATH, which set-up installs where apt can; docker: containers (Docker Engine on ' +
        'Linux, its image on DEBIAN_BASE when that is set). When absent, set-up chooses docker only where it can have them no other way',
    )
      .choices(['here', 'docker'])
      .default('here'),
  )
  .addOption(
    new Option('--sip-port <port>', 'where phones call, when nobody else has this port')
      .argParser(portOf)
      .default(5060),
  )
  .addOption(
    new Option('--break-mixer', 'a mixer whose mute does nothing, to see that the tour notices')
      .default(false)
      .hideHelp(),
  );

/** What to do about servers that are not there, or null. */
function obstacle({ stack, breakMixer }: DemoOptions): string | null {
  if (stack === 'embedded') return null;
  if (breakMixer) return '--break-mixer is for the embedded mixer: leave --stack native out';
  const missing = [
    ...(findDrachtio() === null ? ['drachtio-server (DRACHTIO_BIN=/path/to/drachtio, or on PATH)'] : []),
    ...(findFreeswitch() === null ? ['FreeSWITCH (FREESWITCH_HOME=/its/prefix, or on PATH)'] : []),
  ];
  return missing.length === 0 ? null : `--stack native needs ${missing.join(' and ')}`;
}

/** True when every step held; stops at the first that does not. */
async function guide(stage: Stage): Promise<boolean> {
  title('The tour');
  for (const [index, step] of tourOf(stage).entries()) {
    const name = `${index + 1}. ${step.title}`;
    try {
      const notes = await step.run();
      good(name);
      for (const line of notes) note(line);
    } catch (error) {
      bad(name);
      note(error instanceof Error ? error.message : String(error));
      note(`what the bridge logged: ${stage.logFile}`);
      return false;
    }
  }
  return true;
}

/** Shows what happens until somebody ends it. */
async function stayUp(stage: Stage, ending: Ending): Promise<void> {
  await stage.clear();
  title('Now you');
  for (const line of invitation(stage)) plain(line);
  title('What happens (Ctrl-C ends it)');
  const deaf = stage.bridge.onChange((event) => {
    const line = narrate(event);
    if (line !== null) plain(`${new Date().toLocaleTimeString()}  ${line}`);
  });
  await ending.wanted();
  deaf();
  title('Ending the calls, the bridge and the servers (Ctrl-C again: at once)');
}

/** Exit code of the tour, and of what follows it. */
async function perform(stage: Stage, options: DemoOptions, ending: Ending): Promise<number> {
  const held = await guide(stage);
  if (held) title('Every step held.');
  if (held && !options.once) await stayUp(stage, ending);
  return held ? 0 : 1;
}

async function demo(options: DemoOptions): Promise<number> {
  const hindrance = obstacle(options);
  if (hindrance !== null) {
    bad(hindrance);
    return 1;
  }
  const ending = new Ending((signal) => bad(`${signal}: ended at once, with everything that the demo had started`));
  title('Setting the stage');
  const place = serverPlace(options.servers, plain);
  const began = performance.now();
  const { stack: sip, breakMixer: brokenMixer, sipPort } = options;
  const stage = await openStage({ sip, place, brokenMixer, sipPort });
  const servers =
    options.stack === 'native'
      ? 'the bridge on drachtio-server and FreeSWITCH'
      : 'the bridge with its embedded SIP agent and mixer';
  const where = options.servers === 'docker' ? ' (in containers)' : '';
  good(`Prosody, nats-server${where} and ${servers} are up (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  const code = await perform(stage, options, ending);
  await stage.close();
  if (!options.once) good('Everything that the demo started has ended');
  return code;
}

/** The message of an error, and those of what caused it. */
const withCauses = (error: unknown): string =>
  error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : [withCauses(error.cause)])].join(': ')
    : String(error);

program.parse();
try {
  process.exitCode = await demo(program.opts<DemoOptions>());
} catch (error) {
  bad(withCauses(error));
  process.exit(1); // and what has been started ends with this process
}
