/** The programs that the demo and the tests call on, how each is found here, and the Debian packages that bring it. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * What the demo and the tests call on, and how it is known to be there.
 * @typedef {{ name: string, purposes: string[], required: boolean, packages: string[], use: string, present(): boolean }} Program
 * @type {readonly Program[]}
 */
const PROGRAMS = [
  {
    name: 'prosody',
    purposes: ['demo', 'test'],
    required: true,
    packages: ['prosody', 'lua-unbound'], // without the latter it complains at each start
    use: 'the XMPP server',
    present: () => onPath('prosody') && onPath('prosodyctl'),
  },
  {
    name: 'nats-server',
    purposes: ['demo', 'test'],
    required: true,
    packages: ['nats-server'],
    use: 'the bus between processes',
    present: () => onPath('nats-server'),
  },
  {
    name: 'openssl',
    purposes: ['demo', 'test'],
    required: true,
    packages: ['openssl'],
    use: 'makes the throw-away certificate',
    present: () => onPath('openssl'),
  },
  {
    name: 'ejabberd',
    purposes: ['test'],
    required: false,
    packages: ['ejabberd'],
    use: 'the tests on a second XMPP server',
    present: () => onPath('ejabberdctl') && onPath('erl') && onPath('erlc'),
  },
  {
    name: 'xmllint',
    purposes: ['test'],
    required: false,
    packages: ['libxml2-utils'],
    use: 'the tests against the RFC 4575 schema',
    present: () => onPath('xmllint'),
  },
  {
    name: 'sipp',
    purposes: ['test'],
    required: false,
    packages: ['sip-tester'],
    use: 'the tests with a foreign SIP user agent',
    present: () => onPath('sipp'),
  },
  {
    name: 'baresip',
    purposes: ['test'],
    required: false,
    packages: ['baresip-core'],
    use: 'the tests with a foreign SIP phone',
    present: () => onPath('baresip'),
  },
  {
    name: 'linphone',
    purposes: ['test'],
    required: false,
    packages: ['linphone-cli'],
    use: 'the tests with a foreign SIP phone that watches conferences',
    present: () => onPath('linphone-daemon'),
  },
  {
    name: 'kamailio',
    purposes: ['test'],
    required: false,
    packages: ['kamailio'],
    use: 'the tests with a foreign SIP proxy',
    present: () => onPath('kamailio'),
  },
  {
    name: 'slixmpp',
    purposes: ['test'],
    required: false,
    packages: ['python3-slixmpp'],
    use: 'the tests with a foreign XMPP client',
    present: hasSlixmpp,
  },
];

/** What `purpose` ('demo' or 'test') needs and this machine has not. */
export function missingPrograms(purpose) {
  return PROGRAMS.filter((program) => program.purposes.includes(purpose) && !program.present());
}

/** As test/harness/slixmpp.ts looks for it: in the first Python on PATH, then in the distribution's. */
function hasSlixmpp() {
  const question = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("slixmpp") is None)';
  // the distribution's first: the answer is the same, and a version manager's python3 starts slowly
  return ['/usr/bin/python3', findOnPath('python3')].some(
    (python) => python !== null && quiet(python, ['-c', question]).status === 0,
  );
}

/** Whether a program is to be found. */
export function onPath(name) {
  return findOnPath(name) !== null;
}

/** The full path of a program, or null. The sbin directories are not on every user's PATH; the launchers of the tests look there too. */
export function findOnPath(name) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const directory of directories.filter((entry) => entry !== '')) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here: the next directory may have it
    }
  }
  return null;
}

/** Runs a program to its end, silently, for at most `timeout` ms; status null: it could not be started, or was ended. */
export function quiet(program, args, timeout) {
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout };
  const { status, stdout, stderr } = spawnSync(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' };
}
