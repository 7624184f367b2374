import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../src/log.ts';
import { createFileDirectory, readAccounts, readBindings } from '../../../src/service/file-directory.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cusax-directory-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (text: string): string => {
  const path = join(folder, 'list.yaml');
  writeFileSync(path, text);
  return path;
};
const md5 = 'a'.repeat(32);

describe('the directory files', () => {
  it('give canonical bindings proved by the operator', () => {
    expect(readBindings(file('- { aor: "SIP:bob@EXAMPLE.org", jid: Bob@example.org }\n'))).toEqual([
      { aor: 'sip:bob@example.org', jid: 'bob@example.org', proof: 'directory' },
    ]);
    expect(readBindings(file(''))).toEqual([]);
  });

  it('give credentials as HA1', () => {
    const [account] = readAccounts(file(`- { username: bob, aor: "sip:bob@example.org", ha1-md5: ${md5} }\n`));
    expect(account).toEqual({ username: 'bob', aor: 'sip:bob@example.org', ha1: { md5 } });
  });

  it.each([
    ['- { aor: "sip:bob@example.org", jid: "bob@example.org/phone" }', /list\.yaml:1:\d+ 0\.jid - expected a bare JID/],
    ['- { aor: bob, jid: bob@example.org }', /list\.yaml:1:10 0\.aor - expected an AOR/],
    ['- { jid: bob@example.org }', /list\.yaml:1:3 0\.aor - expected string/],
    ['key: value', /expected a list/],
    ['- [', /\(YAML\)/],
    ['- { aor: "sip:b@x", jid: b@x }\n- { aor: "sip:b@x", jid: c@x }', /expected each AOR once/],
  ])('tell the fault of %j with its place', (text, message) => {
    expect(() => readBindings(file(text))).toThrow(message);
  });

  it('are read again when they change, and a faulty change leaves the last good version', async () => {
    const path = file('- { aor: "sip:b@x", jid: b@x }\n');
    const directory = createFileDirectory({ bindings: path }, createLog({ level: 'silent' }));
    const changed = new Promise<void>((resolve) => directory.onChange(resolve));
    writeFileSync(path, '- { aor: "sip:c@x", jid: c@x }\n');
    await changed;
    expect((await directory.bindings())[0]?.jid).toBe('c@x');
    writeFileSync(path, 'rubbish');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await directory.bindings())[0]?.jid).toBe('c@x');
    directory.close();
  });

  it('are read again each time another file is put in their place, as editors and orchestrators do', async () => {
    const path = file('- { aor: "sip:b@x", jid: b@x }\n');
    const directory = createFileDirectory({ bindings: path }, createLog({ level: 'silent' }));
    for (const jid of ['c@x', 'd@x', 'e@x']) {
      writeFileSync(`${path}.new`, `- { aor: "sip:b@x", jid: ${jid} }\n`);
      renameSync(`${path}.new`, path);
      await expect.poll(async () => (await directory.bindings())[0]?.jid, { timeout: 5_000 }).toBe(jid);
    }
    directory.close();
  });
});
