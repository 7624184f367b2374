/** Set-up's decisions: the way to the demo's servers, what happens to node_modules, and what a person is told to type. */
import { describe, expect, it } from 'vitest';
import {
  askedServers,
  DOCKER_INFO_FORMAT,
  dockerObstacle,
  planPackages,
  planServers,
  whatToType,
} from '../../../scripts/setup-plan.mjs';

const prosody = { name: 'prosody', packages: ['prosody', 'lua-unbound'] };
const openssl = { name: 'openssl', packages: ['openssl'] };

describe('what the arguments of the demo ask for', () => {
  it('is read in both spellings, and the last one counts', () => {
    expect(askedServers(['--once', '--servers', 'docker'])).toBe('docker');
    expect(askedServers(['--servers=docker', '--servers=here'])).toBe('here');
  });

  it('is nothing without the option', () => {
    expect(askedServers(['--once', '--stack', 'native'])).toBeNull();
  });
});

describe('the way to the servers', () => {
  /** A machine; a question that must not be asked fails the test. */
  const plan = (facts: { asked?: string; missing?: string[]; apt?: string | null; docker?: string | null }) => {
    const answer = (what: 'apt' | 'docker') => () => {
      const given = facts[what];
      if (given === undefined) throw new Error(`asked for ${what} without need`);
      return given;
    };
    const { asked = null, missing = ['prosody', 'nats-server'] } = facts;
    return planServers({ asked, missing, apt: answer('apt'), docker: answer('docker') });
  };

  it('is what is on PATH, and nothing else is asked then', () => {
    expect(plan({ missing: [] })).toEqual({ way: 'here' });
  });

  it('is apt before Docker', () => {
    expect(plan({ apt: null })).toEqual({ way: 'apt' });
  });

  it('is Docker where apt is none, and the reason says why', () => {
    const { way, why } = plan({ apt: 'no root', docker: null }) as { way: string; why: string };
    expect(way).toBe('docker');
    expect(why).toContain('prosody, nats-server');
    expect(why).toContain('no root');
  });

  it('ends where there is neither, with both reasons', () => {
    expect(plan({ apt: 'no root', docker: 'no engine' })).toEqual({ way: 'stop', why: ['no root', 'no engine'] });
  });

  it('is Docker when a person wants it, whatever is on PATH', () => {
    expect(plan({ asked: 'docker', missing: [], docker: null })).toMatchObject({ way: 'docker' });
    expect(plan({ asked: 'docker', missing: [], docker: 'no engine' })).toEqual({ way: 'stop', why: ['no engine'] });
  });

  it('is never Docker when a person wants the programs of this machine', () => {
    expect(plan({ asked: 'here', apt: null })).toEqual({ way: 'apt' });
    expect(plan({ asked: 'here', apt: 'no root' })).toEqual({ way: 'stop', why: ['no root'] });
  });

  it('installs nothing for a value that the demo is going to refuse', () => {
    expect(plan({ asked: 'paper' })).toEqual({ way: 'here' });
  });
});

describe('a Docker engine', () => {
  const engine = {
    platform: 'linux',
    installed: true,
    status: 0,
    stdout: 'Debian GNU/Linux 12 ["name=seccomp"]\n',
    stderr: '',
  };

  it('serves when it answers and gives containers the network of this machine', () => {
    expect(dockerObstacle(engine)).toBeNull();
  });

  it('is told to be absent, or silent in its own words', () => {
    expect(dockerObstacle({ ...engine, installed: false, status: null })).toContain('not on PATH');
    const stderr = 'Server:\npermission denied while trying to connect\n';
    expect(dockerObstacle({ ...engine, status: 1, stderr })).toContain('(permission denied while trying to connect)');
    expect(dockerObstacle({ ...engine, status: null })).toContain('does not answer');
  });

  it.each([
    ['on another system', { platform: 'darwin' }],
    ['in a virtual machine', { stdout: 'Docker Desktop ["name=seccomp"]' }],
    ['without root', { stdout: 'Debian GNU/Linux 12 ["name=seccomp","name=rootless"]' }],
  ])('does not serve %s', (_, difference) => {
    expect(dockerObstacle({ ...engine, ...difference })).toContain('network of this machine');
  });

  it('is asked for what tells these apart', () => {
    expect(DOCKER_INFO_FORMAT).toContain('.OperatingSystem');
    expect(DOCKER_INFO_FORMAT).toContain('.SecurityOptions');
  });
});

describe('node_modules', () => {
  it('are installed when absent or stale, and left alone when fresh', () => {
    expect(planPackages({ isLink: false, exists: false, isStale: true })).toBe('install');
    expect(planPackages({ isLink: false, exists: true, isStale: true })).toBe('install');
    expect(planPackages({ isLink: false, exists: true, isStale: false })).toBe('nothing');
  });

  it('that are a link are never installed: npm ci would empty what it points to', () => {
    expect(planPackages({ isLink: true, exists: true, isStale: true })).toBe('use the link');
    expect(planPackages({ isLink: true, exists: true, isStale: false })).toBe('nothing');
    expect(planPackages({ isLink: true, exists: false, isStale: true })).toBe('stop');
  });
});

describe('what a person is told to type', () => {
  const typed = (facts: Parameters<typeof whatToType>[0]) => whatToType(facts).join('\n');

  it('is the apt-get line on Debian, and how to be rid of the services', () => {
    const text = typed({ programs: [prosody, openssl], apt: true, docker: 'of no use' });
    expect(text).toContain(
      '    sudo apt-get update && sudo apt-get install --no-install-recommends prosody lua-unbound openssl\n',
    );
    expect(text).toContain('    sudo systemctl disable --now prosody\n');
    expect(text).not.toContain('Docker');
  });

  it('is the names of the packages on other systems', () => {
    const text = typed({ programs: [prosody, openssl], apt: false, docker: 'of no use' });
    expect(text).toContain('    prosody openssl\n');
    expect(text).not.toContain('apt-get');
  });

  it('is how to get Docker, or to be let in', () => {
    const programs = [prosody];
    expect(typed({ programs, apt: true, docker: 'absent' })).toContain('apt-get install docker.io');
    expect(typed({ programs, apt: false, docker: 'absent' })).toContain('https://docs.docker.com/engine/install/');
    const installed = typed({ programs, apt: true, docker: 'installed' });
    expect(installed).toContain('usermod -aG docker');
    expect(installed).not.toContain('docker.io');
  });

  it('is to leave the option out where only Docker is lacking', () => {
    expect(typed({ programs: [], apt: true, docker: 'absent' })).toContain('leave --servers docker out');
  });
});
