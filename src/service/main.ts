#!/usr/bin/env node
/** The command line: `cusax-bridge check`. */
import { Command } from 'commander';
import { BridgeError } from '../errors.ts';
import { readConfig } from './config-file.ts';
import { readAccounts, readBindings } from './file-directory.ts';

/** Reads the configuration and the files that it names; throws CONFIG_INVALID. Returns what a person wants to know of it. */
function checkConfiguration(file: string): string {
  const config = readConfig(file, process.env);
  const bindings = config.directory.bindings === undefined ? [] : readBindings(config.directory.bindings);
  const accounts = config.directory.accounts === undefined ? [] : readAccounts(config.directory.accounts);
  const links = config.links.map((link) => `  ${link.room} <-> ${link.conference}`);
  return [
    `The configuration is good: ${links.length} link(s), ${bindings.length} binding(s), ${accounts.length} account(s).`,
    ...links,
    '',
  ].join('\n');
}

const program = new Command('cusax-bridge').description('Joins XMPP chat rooms and SIP conferences into one meeting.');

program
  .command('check')
  .description('check the configuration file and the files it names; exit 1 and say what is wrong where')
  .option('--config <file>', 'the configuration file', 'config.yaml')
  .action((options: { config: string }) => {
    try {
      process.stdout.write(checkConfiguration(options.config));
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  });

program.parse();
