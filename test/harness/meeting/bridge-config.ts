/** Writes what an operator would write: the bridge's configuration, its bindings and its accounts, as YAML files. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Person, SIP_DOMAIN } from './cast.ts';

/** A room and a conference that are one meeting. */
export interface MeetingLink {
  readonly id: string;
  /** Bare JID of the room. */
  readonly room: string;
  /** Conference URI. */
  readonly conference: string;
  readonly name: string;
  readonly maximumUsers?: number;
  readonly contact?: 'conference';
}

/** One group of keys of the configuration file, as written there. */
export type Section = Readonly<Record<string, unknown>>;

/** Keys that a test adds to, or puts in place of, those of the harness. */
export interface Settings {
  readonly log?: Section;
  readonly xmpp?: Section;
  readonly sip?: Section;
  readonly policy?: Section;
}

/** What the files say. */
export interface BridgeConfig {
  /** Where the files are written. */
  readonly directory: string;
  readonly instance: string;
  readonly bus: Section;
  readonly xmpp: Section;
  /** The SIP server and the mixer. */
  readonly sip: { readonly server: Section; readonly mixer: Section };
  readonly links: readonly MeetingLink[];
  readonly people: readonly Person[];
  readonly http: { readonly port: number; readonly token: string };
  readonly settings: Settings;
}

/** Paths of the written files. */
export interface BridgeFiles {
  readonly config: string;
  readonly bindings: string;
  readonly accounts: string;
}

/** An entry of the bindings file. */
export interface BindingEntry {
  readonly aor: string;
  readonly jid: string;
}

/** The bindings of those who have a JID and an AOR. */
export const bindingsOf = (people: readonly Person[]): BindingEntry[] =>
  people.flatMap(({ aor, jid }) => (aor === null || jid === null ? [] : [{ aor, jid }]));

/** Writes (again) the bindings file; a running bridge takes the change up by itself. */
export function writeBindings(file: string, entries: readonly BindingEntry[]): void {
  writeFileSync(file, stringify(entries));
}

/** Writes the three files. */
export function writeBridgeFiles(config: BridgeConfig): BridgeFiles {
  const files: BridgeFiles = {
    config: join(config.directory, `${config.instance}.yaml`),
    bindings: join(config.directory, 'bindings.yaml'),
    accounts: join(config.directory, 'accounts.yaml'),
  };
  writeBindings(files.bindings, bindingsOf(config.people));
  writeFileSync(files.accounts, stringify(config.people.flatMap(accountOf)));
  writeFileSync(files.config, stringify(configuration(config, files)));
  return files;
}

function configuration(config: BridgeConfig, files: BridgeFiles): Section {
  const { instance, bus, xmpp, sip, links, http, settings } = config;
  return {
    instance,
    log: { level: 'debug', personal: true, ...settings.log },
    bus,
    xmpp: { ...xmpp, ...settings.xmpp },
    sip: {
      ...sip,
      realm: SIP_DOMAIN,
      'account-domains': [SIP_DOMAIN],
      // The standing limit of RFC 4575 3.9 has a test of its own; here it would only make each step wait 5 s.
      'notify-gap': 0,
      // Long enough to be seen, short enough to be waited for.
      'show-departed': 1,
      ...settings.sip,
    },
    directory: { bindings: files.bindings, accounts: files.accounts },
    policy: { ...settings.policy },
    links: links.map(({ maximumUsers, ...link }) => ({
      ...link,
      ...(maximumUsers === undefined ? {} : { 'maximum-users': maximumUsers }),
    })),
    http: { host: '127.0.0.1', ...http },
  };
}

function accountOf({ name, aor, password }: Person): Section[] {
  if (aor === null) return [];
  const ha1 = (algorithm: string): string =>
    createHash(algorithm).update(`${name}:${SIP_DOMAIN}:${password}`).digest('hex');
  return [{ username: name, aor, 'ha1-md5': ha1('md5'), 'ha1-sha256': ha1('sha256') }];
}
