/** Servers in containers: what can be told without Docker. */
import { describe, expect, it } from 'vitest';
import { containersOf, exitCodeOf, mountsOf } from '../../harness/containers/containers.ts';
import { librariesNotFound } from '../../harness/containers/server-image.ts';
import { findContainerStacks } from '../../harness/meeting/find-stacks.ts';

describe('the stacks in containers', () => {
  const image = 'servers';
  const lacks = (missing: readonly string[], missingForNative: readonly string[]) =>
    findContainerStacks({ image, missing, missingForNative }).map(({ name, missing: why }) => [name, why]);

  it('are named apart from those on this machine, and have their place', () => {
    const stacks = findContainerStacks({ image, missing: [], missingForNative: [] });
    expect(stacks.map(({ name }) => name)).toEqual([
      'containers: embedded × prosody',
      'containers: embedded × ejabberd',
      'containers: native × prosody',
      'containers: native × ejabberd',
    ]);
    expect(stacks.every(({ place }) => place !== undefined)).toBe(true);
  });

  it('lack what all lack, and the native ones what those lack besides', () => {
    expect(lacks(['Docker'], ['FreeSWITCH'])).toEqual([
      ['containers: embedded × prosody', ['Docker']],
      ['containers: embedded × ejabberd', ['Docker']],
      ['containers: native × prosody', ['Docker', 'FreeSWITCH']],
      ['containers: native × ejabberd', ['Docker', 'FreeSWITCH']],
    ]);
  });
});

describe('a container', () => {
  it('has programs by the names that the image knows', () => {
    const { find } = containersOf('servers');
    expect(find('prosody')).toBe('prosody');
    expect(find('sipp')).toBeNull();
  });

  it('sees files under the paths of this machine, read-only unless it writes them', () => {
    expect(mountsOf({ reads: ['/a'], writes: ['/b'] })).toEqual([
      { source: '/a', target: '/a', mode: 'ro' },
      { source: '/b', target: '/b', mode: 'rw' },
    ]);
    expect(mountsOf({})).toEqual([]);
  });

  it('has an exit code unless a signal ended it', () => {
    expect(exitCodeOf({ StatusCode: 0 })).toBe(0);
    expect(exitCodeOf({ StatusCode: 1 })).toBe(1);
    expect(exitCodeOf({ StatusCode: 137 })).toBeNull();
  });
});

describe('what ldd says', () => {
  it('names the libraries that are not there', () => {
    const output = [
      '\tlinux-vdso.so.1 (0x00007f59cbb06000)',
      '\tlibboost_log.so.1.74.0 => not found',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f59cab3e000)',
      '\tlibpcre.so.3 => not found',
    ].join('\n');
    expect(librariesNotFound(output)).toEqual(['libboost_log.so.1.74.0', 'libpcre.so.3']);
  });

  it('names what the libraries of another release of Debian would have', () => {
    const lines = ["/opt/x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /opt/x)"];
    expect(librariesNotFound(lines.join('\n'))).toEqual(['GLIBC_2.38']);
  });

  it('is nothing when all is there', () => {
    expect(librariesNotFound('\tlibm.so.6 => /lib/libm.so.6 (0x1)\n')).toEqual([]);
  });
});
