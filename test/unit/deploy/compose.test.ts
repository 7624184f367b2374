/** docker-compose.yml and what belongs to it: no image that moves, no default secret, nothing beyond loopback unless asked, all in step. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../../src/service/config-file.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: unknown;
  readonly ports?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly healthcheck?: unknown;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

const composed = read('docker-compose.yml');
const services = Object.entries((parse(composed, { merge: true }) as { services: Record<string, Service> }).services);
/** Every variable without which compose refuses to start anything. */
const required = [...new Set([...composed.matchAll(/\$\{([A-Z_]+):\?/g)].map((found) => found[1] ?? ''))].sort();

describe('docker-compose.yml', () => {
  it.each(services)('%s runs a pinned image, confined, and is watched', (_, service) => {
    const tag = /:([\w.-]+)$/.exec(service.image)?.[1] ?? '';
    expect(service.build !== undefined || /^\d+\.\d+/.test(tag)).toBe(true);
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    const ownCheck = service.build !== undefined && /^HEALTHCHECK/m.test(read('deploy/bridge/Dockerfile'));
    expect(ownCheck || service.healthcheck !== undefined).toBe(true);
  });

  it('has no value of its own for a secret', () => {
    const values = services.flatMap(([, { environment }]) => Object.entries(environment ?? {}));
    const secrets = values.filter(([key]) => /SECRET|PASSWORD|TOKEN/.test(key));
    expect(secrets.length).toBeGreaterThanOrEqual(5);
    for (const [key, value] of secrets) expect(value).toMatch(new RegExp(`^\\$\\{${key}:\\?[^}]+\\}$`));
  });

  it('publishes on loopback, or where the operator says', () => {
    const ports = services.flatMap(([, { ports: published }]) => published ?? []);
    expect(ports.length).toBeGreaterThanOrEqual(4);
    for (const port of ports) expect(port).toMatch(/^(127\.0\.0\.1|\$\{[A-Z_]+:-127\.0\.0\.1\}):\d+:\d+$/);
  });
});

describe('deploy/make-secrets.mjs', () => {
  let directory: string;
  let file: string;
  const make = () => spawnSync(process.execPath, [join(ROOT, 'deploy/make-secrets.mjs'), file], { encoding: 'utf8' });
  const variables = (): Record<string, string> =>
    Object.fromEntries([...readFileSync(file, 'utf8').matchAll(/^(\w+)=(.+)$/gm)].map((found) => [found[1], found[2]]));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cusax-secrets-'));
    file = join(directory, 'env');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('makes all that compose asks for, for its owner only', () => {
    expect(make().status).toBe(0);
    expect(Object.keys(variables())).toEqual(expect.arrayContaining(required));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('gives every secret 192 bits of its own, in letters and digits that NATS reads as text', () => {
    make();
    const secrets = Object.entries(variables()).filter(([key]) => /SECRET|PASSWORD|TOKEN/.test(key));
    for (const [, value] of secrets) expect(value).toMatch(/^s[0-9a-f]{48}$/);
    expect(new Set(secrets.map(([, value]) => value)).size).toBe(secrets.length);
  });

  it('adds what is missing and leaves the rest as it was', () => {
    writeFileSync(file, 'NATS_PASSWORD=mine\nDRACHTIO_SECRET=\nOTHER=kept');
    make();
    expect(variables()).toMatchObject({ NATS_PASSWORD: 'mine', OTHER: 'kept' });
    expect(variables()['DRACHTIO_SECRET']).toMatch(/^s[0-9a-f]{48}$/);
    const before = readFileSync(file, 'utf8');
    expect(make().stdout).toContain('nothing was missing');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('is enough for the configuration of the bridge, with the variables that compose hands on', () => {
    make();
    const handed = Object.keys(services.find(([name]) => name === 'bridge')?.[1].environment ?? {});
    const environment = Object.fromEntries(Object.entries(variables()).filter(([key]) => handed.includes(key)));
    const config = readConfig(join(ROOT, 'deploy/bridge/config.yaml'), environment);
    expect(config.links.map(({ room, conference }) => [room, conference])).toEqual([
      ['tea@rooms.localhost', 'sip:tea@127.0.0.1'],
    ]);
  });
});

describe('cusax-bridge.service', () => {
  it('hands the configuration a file for each secret that it names', () => {
    const unit = read('deploy/bridge/cusax-bridge.service');
    const secrets = [...read('deploy/bridge/config.yaml').matchAll(/\$\{([A-Z_]*(?:SECRET|PASSWORD|TOKEN))\}/g)];
    expect(secrets.length).toBe(5);
    for (const [, name] of secrets) {
      const credential = new RegExp(`^Environment=${name}_FILE=%d/([a-z]+)$`, 'm').exec(unit)?.[1];
      expect(unit).toContain(`\nLoadCredential=${credential}:/etc/cusax-bridge/secrets/${credential}\n`);
    }
  });
});
