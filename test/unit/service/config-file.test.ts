import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../../src/service/config-file.ts';
import { sampleConfig } from '../../../src/service/config-sample.ts';

const environment = { XMPP_SECRET: 'a', DRACHTIO_SECRET: 'b', FREESWITCH_PASSWORD: 'c' };
const problem = (text: string, env: Record<string, string> = environment): string => {
  try {
    parseConfig(text, 'dir/config.yaml', env);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no problem';
};

/** What the sample leaves out or shows as a comment: the other kinds, and keys that need not be there. */
function otherConfig() {
  const config = parse(sampleConfig());
  config.bus.user = 'bridge';
  config.bus.password = 'secret';
  config.sip.server = { kind: 'embedded', listen: ['udp:127.0.0.1:5060', 'tcp:[::1]:5060'] };
  config.sip.mixer = { kind: 'embedded', host: '127.0.0.1' };
  config.sip['account-domains'] = ['example.org'];
  config.sip['trusted-peers'] = ['192.0.2.10', '[2001:db8::1]:5060'];
  config.sip['masking-key'] = 'another-key-of-many-characters';
  config.directory = { bindings: 'bindings.yaml', accounts: 'accounts.yaml' };
  Object.assign(config.links[0], {
    name: 'Tea',
    'further-uris': ['tel:+49 30 12345', 'sip:tea@pbx.example.org'],
    'free-text': 'All about tea',
    keywords: ['tea', 'grün'],
    host: { name: 'The society', 'web-page': 'https://example.org/tea', uris: ['mailto:tea@example.org'] },
    'media-names': { audio: 'Voice', chat: 'Text' },
  });
  config.http.token = 'a-token-of-sixteen-characters';
  return config;
}

/** Every place in a configuration that has a value, as a path. */
function leaves(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value)) return value.flatMap((item, i) => leaves(item, [...path, i]));
  if (value !== null && typeof value === 'object') {
    return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
  }
  return [path];
}

describe('the configuration file', () => {
  it('is good when it is the generated sample', () => {
    const config = parseConfig(sampleConfig(), 'config.sample.yaml', environment);
    expect(config.links[0]?.room).toBe('tea@rooms.example.org');
    expect(config.sip.server).toMatchObject({ kind: 'drachtio', secret: 'b' });
    expect(config.policy['phones-in-members-only']).toBe('refuse');
  });

  it('is good with all that may be left out', () => {
    expect(problem(stringify(otherConfig()))).toBe('no problem');
  });

  const keys = [() => parse(sampleConfig()), otherConfig].flatMap((make) =>
    leaves(make()).map((path) => [path.join('.'), path, make] as const),
  );
  it.each(keys.filter(([name], index) => keys.findIndex(([other]) => other === name) === index))(
    'names file, line, column and key when %s is wrong',
    (name, path, make) => {
      const sample = make();
      let inner = sample;
      for (const key of path.slice(0, -1)) inner = inner[key];
      inner[path.at(-1) as string] = { surprise: true };
      expect(problem(stringify(sample))).toMatch(
        new RegExp(`config\\.yaml:\\d+:\\d+ ${name.replace('.', '\\.')}.* - expected .+, got .+`),
      );
    },
  );

  it('names an unknown key and its place', () => {
    expect(problem(sampleConfig().replace('instance: bridge-1', 'instance: bridge-1\ncolour: red'))).toMatch(
      /config\.yaml:\d+:\d+ colour - expected no such key/,
    );
  });

  it('tells several faults at once, each with an example where there is one', () => {
    const text = sampleConfig().replace('port: 5347', 'port: many').replace('notify-gap: 5', 'notify-gap: -1');
    expect(problem(text).split('\n')).toEqual([
      expect.stringMatching(/xmpp\.port - expected number, got another text, e\.g\. 5347$/),
      expect.stringMatching(/sip\.notify-gap - expected number to be >=0, got the number -1$/),
    ]);
  });

  it('takes secrets from the environment or a file, and says when they are missing, without showing any', () => {
    expect(problem(sampleConfig(), {})).toMatch(
      /xmpp\.secret - expected the environment to have XMPP_SECRET or XMPP_SECRET_FILE/,
    );
    const file = join(tmpdir(), `cusax-secret-${process.pid}`);
    writeFileSync(file, 'from-file\n');
    const { XMPP_SECRET: _, ...others } = environment;
    const config = parseConfig(sampleConfig(), 'c.yaml', { ...others, XMPP_SECRET_FILE: file });
    expect(config.xmpp.secret).toBe('from-file');
    expect(problem(sampleConfig().replace('focus: focus', 'focus: "not allowed s3cret"'))).not.toContain('s3cret');
  });

  it('refuses a shortest subscription that is longer than the longest, and limits that are none', () => {
    const granted = (shortest: string, longest: string): string =>
      problem(
        sampleConfig()
          .replace('shortest-expiry: 60', `shortest-expiry: ${shortest}`)
          .replace('longest-expiry: 3600', `longest-expiry: ${longest}`),
      );
    expect(granted('30', '30')).toBe('no problem');
    expect(granted('31', '30')).toMatch(
      /^config\.yaml:\d+:\d+ sip\.subscriptions\.shortest-expiry - expected no more than longest-expiry, which is 30, got the number 31$/,
    );
    expect(granted('0', '30')).toMatch(/sip\.subscriptions\.shortest-expiry - expected .*>=1, got the number 0$/);
    expect(granted('1.5', '30')).toMatch(/sip\.subscriptions\.shortest-expiry - expected int, got the number 1\.5$/);
    expect(granted('60', '86401')).toMatch(
      /sip\.subscriptions\.longest-expiry - expected .*<=86400, got the number 86401$/,
    );
  });

  it('refuses two links with one room, and broken YAML with its place', () => {
    const twice = sampleConfig().replace(/links:\n([\s\S]*?)http:/, (_, body: string) => `links:\n${body}${body}http:`);
    expect(problem(twice)).toContain('links.1.room - expected a room that no other link has');
    expect(problem('instance: [')).toMatch(/config\.yaml:\d+:\d+ \(YAML\)/);
  });
});
