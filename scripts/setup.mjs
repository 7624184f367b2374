/**
 * Makes a fresh checkout runnable: `node scripts/setup.mjs demo [its options]`, which then becomes the demo, or `... test`. Plain
 * Node without packages, because it is what installs the packages. It says what it is about to do before it does, starts no system
 * service, leaves none enabled, and takes less than a second when nothing is missing. Exit code 1: something required is missing, and
 * the output says what to type.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  askedServers,
  DOCKER_INFO_FORMAT,
  dockerObstacle,
  planPackages,
  planServers,
  whatToType,
} from './setup-plan.mjs';
import { findOnPath, missingPrograms, onPath, quiet } from './setup-programs.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Installs what the tests lack, as far as it can, and names what they will do without; true when all that is required is there. */
function setUpTests() {
  const hasPackages = bringPackages();
  const missing = missingPrograms('test');
  const { privilege } = aptAccess();
  if (missing.length > 0 && privilege !== null) installPrograms(missing, privilege);

  const still = missing.length > 0 ? missingPrograms('test') : [];
  for (const program of still.filter(({ required }) => !required)) {
    say(`not found: ${program.name} (without it are left out: ${program.use})`);
  }
  const needed = still.filter(({ required }) => required);
  if (needed.length > 0) explain(needed, 'of no use');
  return hasPackages && needed.length === 0;
}

/** What the demo is to be started with, after its servers have been found, installed, or left to Docker; null when it cannot be. */
function setUpDemo(args) {
  if (!bringPackages()) return null;
  if (args.includes('--help') || args.includes('-h')) return args;
  const plan = findServers(askedServers(args));
  if (plan.way === 'stop') {
    for (const reason of plan.why) say(reason);
    const docker = findOnPath('docker') === null ? 'absent' : 'installed';
    explain(missingPrograms('demo'), dockerCanHelp() ? docker : 'of no use');
    return null;
  }
  if (plan.way !== 'docker') return args;
  say(`Prosody and nats-server will run in containers (--servers docker): ${plan.why}`);
  return [...args, '--servers', 'docker'];
}

/** The way to the servers, after apt has done what it could. */
function findServers(asked) {
  const { privilege, obstacle } = aptAccess();
  const missing = missingPrograms('demo');
  const plan = (apt, programs) => {
    const names = programs.map(({ name }) => name);
    return planServers({ asked, missing: names, apt: () => apt, docker: askDocker });
  };
  const first = plan(obstacle, missing);
  if (first.way !== 'apt') return first;
  installPrograms(missing, privilege);
  return plan('apt-get has not brought them (see above)', missingPrograms('demo'));
}

/** What is in the way of containers, or null. */
function askDocker() {
  const installed = onPath('docker');
  const nothing = { status: null, stdout: '', stderr: '' };
  const info = installed ? quiet('docker', ['info', '--format', DOCKER_INFO_FORMAT], 10_000) : nothing;
  return dockerObstacle({ platform: process.platform, installed, ...info });
}

/** Whether to speak of Docker to somebody who cannot use it now: not where it answers and is of the wrong kind. */
function dockerCanHelp() {
  return process.platform === 'linux' && (!onPath('docker') || quiet('docker', ['info'], 10_000).status !== 0);
}

/** Runs `npm ci` when there are no packages, or the lock file is newer than what was installed from it; true when there are some. */
function bringPackages() {
  const path = join(ROOT, 'node_modules');
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  switch (planPackages({ isLink, exists: existsSync(path), isStale: packagesAreStale(path) })) {
    case 'install':
      return installPackages();
    case 'use the link':
      say(
        'node_modules is a symbolic link and may be older than package-lock.json; it is used as it is, because npm ci',
      );
      say('would empty the directory that it points to');
      return true;
    case 'stop':
      say('node_modules is a symbolic link to nothing: remove it, and try again');
      return false;
    default:
      return true;
  }
}

function packagesAreStale(path) {
  const installed = join(path, '.package-lock.json');
  if (!existsSync(installed)) return true;
  return statSync(join(ROOT, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs;
}

function installPackages() {
  say('installing the npm packages of package-lock.json: npm ci');
  if (run('npm', ['ci', '--no-audit', '--no-fund'])) return true;
  say('npm ci failed; see above');
  return false;
}

/** apt, as root or with sudo that asks for no password. */
function installPrograms(missing, privilege) {
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

/** The words to put before a privileged command (none as root, or sudo's), or null and what is in the way of apt. */
function aptAccess() {
  const no = (obstacle) => ({ privilege: null, obstacle });
  if (!onPath('apt-get') || !onPath('dpkg-query')) return no('there is no apt-get here');
  if (process.getuid?.() === 0) return { privilege: [], obstacle: null };
  if (!onPath('sudo')) return no('apt-get needs root, and there is no sudo');
  if (quiet('sudo', ['-n', 'true']).status !== 0) return no('apt-get needs root, and sudo wants a password or refuses');
  return { privilege: ['sudo', '-n'], obstacle: null };
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

/** What to type, when this script cannot do it; `docker` as `whatToType` takes it. */
function explain(needed, docker) {
  if (needed.length > 0) {
    say(`required and not found on PATH: ${needed.map(({ name, use }) => `${name} (${use})`).join(', ')}`);
  }
  for (const line of whatToType({ programs: needed, apt: onPath('apt-get'), docker })) say(line);
}

function privileged(privilege, command) {
  const [program, ...args] = [...privilege, ...command];
  return quiet(program, args);
}

/** Runs a command that may talk to the user. */
function run(program, args) {
  return spawnSync(program, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function say(line) {
  console.log(`set-up: ${line}`);
}

/** Becomes the demo: in this process, so that signals and the exit code are its own. */
async function startDemo(args) {
  const { register } = await import('tsx/esm/api');
  register();
  const main = join(ROOT, 'demo', 'main.ts');
  process.argv = [process.execPath, main, ...args];
  await import(pathToFileURL(main).href);
}

const [purpose, ...options] = process.argv.slice(2);
if (purpose === 'demo') {
  const args = setUpDemo(options);
  if (args === null) process.exitCode = 1;
  else await startDemo(args);
} else if (purpose === 'test') {
  process.exitCode = setUpTests() ? 0 : 1;
} else {
  console.error('usage: node scripts/setup.mjs demo [options of the demo] | test');
  process.exitCode = 2;
}
