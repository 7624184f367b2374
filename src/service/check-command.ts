/** `cusax-bridge check`: reads the configuration and the files that it names. */
import { readConfig } from './config-file.ts';
import { readAccounts, readBindings } from './file-directory.ts';

/** What a person wants to know of a good configuration; throws CONFIG_INVALID for another one. */
export function checkConfiguration(file: string): string {
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
