/** What set-up decides and says, from plain facts: which way the demo gets its servers, what happens to the npm packages, what to type. */

/**
 * What `--servers` says among the arguments of the demo, or null when it is left to set-up.
 * @param {readonly string[]} args
 * @returns {string | null} whatever was given: the demo itself refuses what it does not know
 */
export function askedServers(args) {
  let asked = null;
  for (const [index, arg] of args.entries()) {
    if (arg === '--servers') asked = args[index + 1] ?? '';
    else if (arg.startsWith('--servers=')) asked = arg.slice('--servers='.length);
  }
  return asked;
}

/**
 * The way to the demo's servers. What costs time is asked only when it matters; both questions give what is in the way, or null.
 * @param {{ asked: string | null, missing: readonly string[], apt: () => string | null, docker: () => string | null }} facts
 *   `missing`: names of required programs that are not on PATH
 * @returns {{ way: 'here' | 'apt' } | { way: 'docker', why: string } | { way: 'stop', why: readonly string[] }}
 */
export function planServers({ asked, missing, apt, docker }) {
  if (asked === 'docker') {
    const noDocker = docker();
    return noDocker === null ? { way: 'docker', why: 'as --servers docker asks' } : { way: 'stop', why: [noDocker] };
  }
  if (missing.length === 0 || (asked !== null && asked !== 'here')) return { way: 'here' };
  const noApt = apt();
  if (noApt === null) return { way: 'apt' };
  if (asked === 'here') return { way: 'stop', why: [noApt] };
  const noDocker = docker();
  if (noDocker !== null) return { way: 'stop', why: [noApt, noDocker] };
  return { way: 'docker', why: `${missing.join(', ')} not on PATH; ${noApt}; and Docker answers` };
}

/**
 * What keeps servers from running in containers here, or null. They listen on this machine's own 127.0.0.1, so the containers must
 * have its network: that is so with an engine on Linux itself, not in a virtual machine, and not in a network namespace of its own.
 * @param {{ platform: string, installed: boolean, status: number | null, stdout: string, stderr: string }} facts
 *   the last three: of `docker info` with DOCKER_INFO_FORMAT
 */
export function dockerObstacle({ platform, installed, status, stdout, stderr }) {
  if (!installed) return 'docker is not on PATH';
  if (status !== 0) return `Docker does not answer (${lastLine(stderr) || 'docker info failed'})`;
  if (platform !== 'linux' || stdout.includes('Docker Desktop') || stdout.includes('name=rootless')) {
    return 'this Docker gives containers no access to the network of this machine (that wants Docker Engine on Linux, not rootless)';
  }
  return null;
}

/** What `docker info` is to print for `dockerObstacle`. */
export const DOCKER_INFO_FORMAT = '{{.OperatingSystem}} {{json .SecurityOptions}}';

const lastLine = (text) => text.trim().split('\n').at(-1)?.trim() ?? '';

/**
 * What to do about node_modules. `npm ci` empties it first, and where it is a symbolic link it would empty somebody else's.
 * @param {{ isLink: boolean, exists: boolean, isStale: boolean }} facts `exists`: the directory, or what the link points to
 * @returns {'nothing' | 'install' | 'use the link' | 'stop'}
 */
export function planPackages({ isLink, exists, isStale }) {
  if (isLink && !exists) return 'stop';
  if (!isStale) return 'nothing';
  return isLink ? 'use the link' : 'install';
}

/**
 * What to type, line by line, when set-up cannot bring what is missing.
 * @param {{ programs: readonly { name: string, packages: readonly string[] }[], apt: boolean, docker: 'installed' | 'absent' | 'of no use' }} facts
 *   `apt`: apt-get is here; `docker`: 'of no use' where containers would not help
 */
export function whatToType({ programs, apt, docker }) {
  const lines = programs.length === 0 ? [NOTHING_MISSING] : apt ? aptLines(programs) : otherLines(programs);
  if (docker === 'absent') {
    lines.push('or have the servers run in containers: install Docker Engine and let yourself use it, once:');
    lines.push(
      apt ? '    sudo apt-get update && sudo apt-get install docker.io' : '    https://docs.docker.com/engine/install/',
    );
    lines.push('    sudo usermod -aG docker "$USER"    (it counts from your next login on)');
  } else if (docker === 'installed') {
    lines.push('or have the servers run in containers: start Docker and let yourself use it, once:');
    lines.push('    sudo systemctl start docker');
    lines.push('    sudo usermod -aG docker "$USER"    (it counts from your next login on)');
  }
  return [...lines, 'and try again'];
}

const NOTHING_MISSING = 'all programs of the demo are on PATH: leave --servers docker out';

function aptLines(programs) {
  const packages = programs.flatMap((program) => program.packages).join(' ');
  const lines = [
    'this needs root once. Type:',
    `    sudo apt-get update && sudo apt-get install --no-install-recommends ${packages}`,
  ];
  const servers = programs.map(({ name }) => name).filter((name) => name !== 'openssl');
  if (servers.length > 0) {
    lines.push('and, as the packages start their servers, which nothing here uses:');
    lines.push(`    sudo systemctl disable --now ${servers.join(' ')}`);
  }
  return lines;
}

function otherLines(programs) {
  return [
    'install these with the package manager of this system, so that they are on PATH (the packages have these names in Debian,',
    'Arch and Alpine; else see https://prosody.im/download and https://github.com/nats-io/nats-server/releases):',
    `    ${programs.map(({ name }) => name).join(' ')}`,
  ];
}
