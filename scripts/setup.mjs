/**
 * Makes a fresh checkout runnable: `node scripts/setup.mjs demo` or `... test`. Plain Node without packages, because it
 * is what installs the packages. It says what it is about to install before it does, starts no system service, leaves none enabled, and
 * takes less than a second when nothing is missing. Exit code 1: something required is missing, and the output says what to type.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * What the demo and the tests call on, and how it is known to be there.
 * @typedef {{ name: string, purposes: string[], required: boolean, packages: string[], use: string, present(): boolean }} Program
 * @type {readonly Program[]}
 */
export const PROGRAMS = [
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

/** Whether `npm ci` has to run: there are no packages, or the lock file is newer than what was installed from it. */
export function packagesAreStale() {
  const installed = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  return statSync(join(ROOT, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs;
}

/** Installs what is missing for `purpose`, as far as it can; true when all that is required is there. */
export function setUp(purpose) {
  const hasPackages = !packagesAreStale() || installPackages();
  const missing = missingPrograms(purpose);
  if (missing.length > 0) installPrograms(missing);

  const still = missing.length > 0 ? missingPrograms(purpose) : [];
  for (const program of still.filter(({ required }) => !required)) {
    say(`not found: ${program.name} (without it are left out: ${program.use})`);
  }
  const needed = still.filter(({ required }) => required);
  if (needed.length > 0) explain(needed);
  return hasPackages && needed.length === 0;
}

function installPackages() {
  say('installing the npm packages of package-lock.json: npm ci');
  if (run('npm', ['ci', '--no-audit', '--no-fund'])) return true;
  say('npm ci failed; see above');
  return false;
}

/** apt, as root or with sudo that asks for no password. */
function installPrograms(missing) {
  const privilege = aptPrivilege();
  if (privilege === null) return;
  const required = missing.filter((program) => program.required);
  const optional = missing.filter((program) => !program.required);
  const names = [...required, ...optional].flatMap((program) => program.packages);
  say(`missing: ${missing.map((program) => program.name).join(', ')}`);
  say(`installing with apt-get${privilege.length > 0 ? ' (sudo)' : ''}: ${names.join(' ')}`);
  say('no service is started, and what the packages enable is disabled again');

  const before = installedDebianPackages();
  const removePolicy = forbidServiceStarts(privilege);
  try {
    apt(privilege, ['update', '-qq']); // a broken third-party list need not stop the rest
    aptInstall(privilege, required);
    // one by one when together fails: a release that lacks one of them may have the others
    if (!aptInstall(privilege, optional)) for (const program of optional) aptInstall(privilege, [program]);
  } finally {
    const fresh = [...installedDebianPackages()].filter((name) => !before.has(name));
    disableServices(privilege, fresh);
    removePolicy();
  }
}

/** The words to put before a privileged command: none as root, sudo's, or null when apt cannot be used. */
function aptPrivilege() {
  if (!onPath('apt-get') || !onPath('dpkg-query')) return null;
  if (process.getuid?.() === 0) return [];
  return onPath('sudo') && quiet('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : null;
}

function aptInstall(privilege, programs) {
  if (programs.length === 0) return true;
  const packages = programs.flatMap((program) => program.packages);
  return apt(privilege, ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

function apt(privilege, args) {
  const command = [...privilege, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
  const { status, stdout, stderr } = quiet(command[0], command.slice(1));
  if (status === 0) return true;
  process.stderr.write(stdout + stderr); // what a good installation says is of no interest
  return false;
}

/**
 * Debian asks /usr/sbin/policy-rc.d before a package starts its service; 101 means no. Returns the function that takes the file
 * away again. A file that is there already is the administrator's, and stays as it is.
 */
function forbidServiceStarts(privilege) {
  const path = '/usr/sbin/policy-rc.d';
  if (existsSync(path)) return () => undefined;
  const script = `printf '#!/bin/sh\\nexit 101\\n' > ${path} && chmod 755 ${path}`;
  privileged(privilege, ['sh', '-c', script]);
  const remove = () => privileged(privilege, ['rm', '-f', path]);
  const interrupted = () => {
    remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  return () => {
    process.removeListener('SIGINT', interrupted);
    remove();
  };
}

/** Takes back what the maintainer scripts of freshly installed packages enabled, with systemd and with sysvinit. */
function disableServices(privilege, packages) {
  if (packages.length === 0) return;
  const files = quiet('dpkg-query', ['--listfiles', ...packages]).stdout.split('\n');
  const names = (pattern) => [...new Set(files.map((file) => pattern.exec(file)?.[1]).filter((name) => name))];
  const units = names(/^(?:\/usr)?\/lib\/systemd\/system\/([^/@]+\.(?:service|socket|timer))$/);
  const scripts = names(/^\/etc\/init\.d\/([^/]+)$/);
  if (units.length > 0 && onPath('systemctl')) {
    privileged(privilege, ['systemctl', 'disable', '--quiet', ...units]);
    if (existsSync('/run/systemd/system')) privileged(privilege, ['systemctl', 'stop', '--quiet', ...units]);
  } else {
    // packages enable their units even where systemd is absent, for the day it comes
    for (const unit of units) privileged(privilege, ['sh', '-c', 'rm -f /etc/systemd/system/*.wants/"$0"', unit]);
  }
  for (const script of scripts) privileged(privilege, ['update-rc.d', script, 'disable']);
}

function installedDebianPackages() {
  const list = quiet('dpkg-query', ['--show', '--showformat', '${db:Status-Status} ${Package}\\n']).stdout.split('\n');
  return new Set(list.filter((line) => line.startsWith('installed ')).map((line) => line.slice('installed '.length)));
}

/** What to type, when this script cannot do it. */
function explain(needed) {
  say(`required and not found on PATH: ${needed.map(({ name, use }) => `${name} (${use})`).join(', ')}`);
  const packages = needed.flatMap((program) => program.packages).join(' ');
  if (onPath('apt-get')) {
    say('this needs root once. Type:');
    say(`    sudo apt-get update && sudo apt-get install --no-install-recommends ${packages}`);
    const servers = needed.map(({ name }) => name).filter((name) => name !== 'openssl');
    if (servers.length > 0) {
      say('and, as the packages start their servers, which nothing here uses:');
      say(`    sudo systemctl disable --now ${servers.join(' ')}`);
    }
  } else {
    say('install them with the package manager of this system, or from https://prosody.im/download and');
    say('https://github.com/nats-io/nats-server/releases, so that they are on PATH, and try again');
  }
  if (existsSync(join(ROOT, 'docker-compose.yml')) && onPath('docker') && quiet('docker', ['info']).status === 0) {
    say('Docker works here: "docker compose up" runs everything in containers and needs none of them');
  }
}

/** As test/harness/slixmpp.ts looks for it: in the first Python on PATH, then in the distribution's. */
function hasSlixmpp() {
  const question = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("slixmpp") is None)';
  // the distribution's first: the answer is the same, and a version manager's python3 starts slowly
  return ['/usr/bin/python3', findOnPath('python3')].some(
    (python) => python !== null && quiet(python, ['-c', question]).status === 0,
  );
}

function onPath(name) {
  return findOnPath(name) !== null;
}

/** The sbin directories are not on every user's PATH; the launchers of the tests look there too. */
function findOnPath(name) {
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

function privileged(privilege, command) {
  const [program, ...args] = [...privilege, ...command];
  return quiet(program, args);
}

/** Runs a command that may talk to the user. */
function run(program, args) {
  return spawnSync(program, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function quiet(program, args) {
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 };
  const { status, stdout, stderr } = spawnSync(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' };
}

function say(line) {
  console.log(`set-up: ${line}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const purpose = process.argv[2];
  if (purpose !== 'demo' && purpose !== 'test') {
    console.error('usage: node scripts/setup.mjs demo|test');
    process.exit(2);
  }
  process.exitCode = setUp(purpose) ? 0 : 1;
}
