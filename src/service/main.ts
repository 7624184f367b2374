#!/usr/bin/env node
/** The command line of the service: `cusax-bridge run`, `check`, and what an operator asks of a running bridge. */
import { Command } from 'commander';
import { BridgeError } from '../errors.ts';
import { checkConfiguration } from './check-command.ts';
import { demonstrate } from './demo-command.ts';
import { addOrderCommands } from './order-command.ts';

const program = new Command('cusax-bridge').description('Joins XMPP chat rooms and SIP conferences into one meeting.');

program
  .command('run')
  .description('run the service in the foreground (SIGTERM hands calls over to the next start, SIGINT ends them)')
  .option('--config <file>', 'the configuration file', 'config.yaml')
  .action(async (options: { config: string }) => {
    // Loaded when needed: an operator's order need not wait until the whole service is read in.
    const { run } = await import('./run-command.ts');
    await run(options.config);
  });

program
  .command('check')
  .description('check the configuration file and the files it names; exit 1 and say what is wrong where')
  .option('--config <file>', 'the configuration file', 'config.yaml')
  .action((options: { config: string }) => {
    process.stdout.write(checkConfiguration(options.config));
  });

program
  .command('demo')
  .description('start everything on this machine and show a meeting in room and call (in a checkout of the source)')
  .argument('[options...]', 'options of the demo: --once, --stack native')
  .allowUnknownOption()
  .action((options: string[]) => demonstrate(options));

addOrderCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof BridgeError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
