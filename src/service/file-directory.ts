/** Directory and credentials kept in two YAML files of the operator; read again when they change. */
import { statSync } from 'node:fs';
import { z } from 'zod';
import { BridgeError } from '../errors.ts';
import { type Aor, canonicalAor } from '../identity/aor.ts';
import type { Binding } from '../identity/binding.ts';
import type { Credential, Credentials } from '../identity/credentials.ts';
import type { Directory } from '../identity/directory.ts';
import { bareJid, resourceOf } from '../identity/jid.ts';
import type { Logger } from '../log.ts';
import { readYamlList } from './yaml-file.ts';

const aor = z.string().transform((text, context): Aor => {
  const canonical = canonicalAor(text);
  if (canonical !== null) return canonical;
  context.addIssue({ code: 'custom', message: 'expected an AOR such as sip:alice@example.org' });
  return z.NEVER;
});

const jid = z.string().transform((text, context): string => {
  const bare = bareJid(text);
  if (bare?.includes('@') && resourceOf(text) === null) return bare;
  context.addIssue({ code: 'custom', message: 'expected a bare JID such as alice@example.org' });
  return z.NEVER;
});

const bindingEntry = z.strictObject({ aor, jid });

const hex = (digits: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`), `expected ${digits} lower-case hex digits`);
const accountEntry = z
  .strictObject({
    username: z.string().min(1).max(128),
    aor,
    'ha1-md5': hex(32).optional(),
    'ha1-sha256': hex(64).optional(),
  })
  .refine((entry) => entry['ha1-md5'] ?? entry['ha1-sha256'], 'expected ha1-md5, ha1-sha256 or both');

/** Refuses a second entry for one key: which of the two counts would be chance. */
function unique<T>(entries: readonly T[], key: (entry: T) => string, file: string, what: string): readonly T[] {
  const seen = new Set<string>();
  entries.forEach((entry, index) => {
    if (seen.has(key(entry))) {
      throw new BridgeError('CONFIG_INVALID', `${file}: entry ${index + 1} - expected each ${what} once, got it again`);
    }
    seen.add(key(entry));
  });
  return entries;
}

/** Bindings of a file of `{aor, jid}` entries; what stands there is proved by the operator (`directory`). Throws CONFIG_INVALID. */
export const readBindings = (file: string): readonly Binding[] =>
  unique(readYamlList(file, bindingEntry), (entry) => entry.aor, file, 'AOR').map((entry) => ({
    ...entry,
    proof: 'directory',
  }));

/** Credentials of a file of `{username, aor, ha1-md5, ha1-sha256}` entries. Throws CONFIG_INVALID. */
export const readAccounts = (file: string): readonly Credential[] =>
  unique(readYamlList(file, accountEntry), (entry) => entry.username, file, 'username').map((entry) => ({
    username: entry.username,
    aor: entry.aor,
    ha1: {
      ...(entry['ha1-md5'] === undefined ? {} : { md5: entry['ha1-md5'] }),
      ...(entry['ha1-sha256'] === undefined ? {} : { sha256: entry['ha1-sha256'] }),
    },
  }));

/** How often a file is looked at, ms. */
const lookEveryMs = 250;

/** Changes with what is at this path: also when another file is put there, which a watch on the file itself would miss. */
function markOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return ''; // reading it tells why
  }
}

/** Calls back when the file is no longer as `mark` says, as soon as two looks in a row find it alike: half-written files are not read. */
function watchPath(file: string, mark: string, changed: () => void): () => void {
  let [told, seen] = [mark, mark];
  const timer = setInterval(() => {
    const before = seen;
    seen = markOf(file);
    if (seen === told || seen !== before) return;
    told = seen;
    changed();
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}

/** Keeps what `read` gives, and reads again after a change; a faulty new version is logged and the last good one kept. */
class WatchedFile<T> {
  #value: T;
  readonly #unwatch: () => void;
  readonly #listeners = new Set<() => void>();

  constructor(file: string | undefined, read: (file: string) => T, empty: T, log: Logger) {
    const mark = file === undefined ? '' : markOf(file);
    this.#value = file === undefined ? empty : read(file);
    this.#unwatch = file === undefined ? () => undefined : watchPath(file, mark, () => this.#reread(file, read, log));
  }

  get value(): T {
    return this.#value;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#unwatch();
  }

  #reread(file: string, read: (file: string) => T, log: Logger): void {
    try {
      this.#value = read(file);
      for (const listener of this.#listeners) listener();
    } catch (error) {
      log.error({ err: error }, 'a changed directory file is not usable; the last good version stays in force');
    }
  }
}

export interface FileDirectory extends Directory, Credentials {
  close(): void;
}

/** Makes the directory of the two files; either may be left out. Throws CONFIG_INVALID when one is not usable at the start. */
export function createFileDirectory(files: { bindings?: string; accounts?: string }, log: Logger): FileDirectory {
  const bindings = new WatchedFile(files.bindings, readBindings, [], log);
  const accounts = new WatchedFile(
    files.accounts,
    (file) => new Map(readAccounts(file).map((entry) => [entry.username, entry])),
    new Map<string, Credential>(),
    log,
  );
  return {
    bindings: async () => bindings.value,
    onChange: (listener) => bindings.onChange(listener),
    find: async (username) => accounts.value.get(username) ?? null,
    close() {
      bindings.close();
      accounts.close();
    },
  };
}
