/** The embedded mixer keeps the Mixer contract, and what only it promises. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createEmbeddedMixer,
  type EmbeddedMixer,
  type EmbeddedMixerSettings,
} from '../../src/embedded/mixer/embedded-mixer.ts';
import { createLog } from '../../src/log.ts';
import type { MixerReport } from '../../src/sip-focus/mixer.ts';
import { mixerContract } from './mixer-contract.ts';
import { amplitudeOf, audioOf, RtpPeer } from './rtp-peer.ts';

const log = createLog({ level: 'silent' });

async function started(settings: Partial<EmbeddedMixerSettings> = {}): Promise<EmbeddedMixer> {
  const mixer = createEmbeddedMixer({ host: '127.0.0.1', log, ...settings });
  await mixer.start();
  return mixer;
}

mixerContract('embedded', async () => {
  const mixer = await started();
  return { mixer, stop: () => mixer.stop() };
});

describe('the embedded mixer alone', () => {
  const cleanUp: Array<() => unknown> = [];

  afterEach(async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  });

  async function mixerWith(settings: Partial<EmbeddedMixerSettings>) {
    const mixer = await started(settings);
    cleanUp.push(() => mixer.stop());
    const reports: MixerReport[] = [];
    mixer.onReport((report) => reports.push(report));
    return { mixer, reports };
  }

  async function peer(tone = 440): Promise<RtpPeer> {
    const opened = await RtpPeer.open({ law: 'PCMU', tone });
    cleanUp.push(() => opened.close());
    return opened;
  }

  const order = (leg: string, offer: string, muted = false) => ({ conference: 'c', leg, offer, muted });
  const until = (check: () => unknown): Promise<unknown> => expect.poll(check, { timeout: 20_000 }).toBeTruthy();

  it('refuses a leg beyond its limit and one that is already in', async () => {
    const { mixer } = await mixerWith({ maxLegs: 1 });
    const { sdp } = await mixer.join(order('a', (await peer()).sdp()));
    expect(audioOf(sdp).port).toBeGreaterThan(0);
    await expect(mixer.join(order('b', (await peer()).sdp()))).rejects.toMatchObject({ code: 'MIXER_REFUSED' });
    await mixer.remove('a');
    await mixer.join(order('b', (await peer()).sdp()));
  });

  it('uses the even ports of its range and refuses when they are used up', async () => {
    const probe = await peer();
    const first = probe.port;
    probe.close();
    cleanUp.pop();
    const { mixer } = await mixerWith({ portRange: [first, first + 3] });
    const ports: number[] = [];
    for (const leg of ['a', 'b']) {
      ports.push(audioOf((await mixer.join(order(leg, (await peer()).sdp()))).sdp).port);
    }
    expect(ports.every((port) => port % 2 === 0 && port >= first && port <= first + 3)).toBe(true);
    await expect(mixer.join(order('c', (await peer()).sdp()))).rejects.toMatchObject({ code: 'MIXER_REFUSED' });
  });

  it('drops a leg whose media stopped, but not one on hold', async () => {
    const { mixer, reports } = await mixerWith({ mediaTimeout: 1000 });
    const lost = await peer();
    lost.sendTo((await mixer.join(order('lost', lost.sdp()))).sdp);
    await mixer.join(order('listener', (await peer()).sdp('recvonly')));
    await until(() => lost.heardPackets > 10);
    lost.silent(true);
    await until(() => reports.some(({ kind }) => kind === 'left'));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(reports.filter(({ kind }) => kind === 'left')).toEqual([
      { kind: 'left', leg: 'lost', cause: 'media-timeout' },
    ]);
    expect((await mixer.list()).map(({ leg }) => leg)).toEqual(['listener']);
  });

  it('goes on mixing while the main thread is blocked', async () => {
    const { mixer } = await mixerWith({});
    const a = await peer();
    a.sendTo((await mixer.join(order('a', a.sdp()))).sdp);
    await until(() => a.heardPackets > 10);
    const before = await mixer.health();
    const end = performance.now() + 600;
    while (performance.now() < end) Math.sqrt(end);
    const after = await mixer.health();
    expect(after.ticks - before.ticks).toBeGreaterThan(25);
  });

  it('lets a muted leg be heard when it is broken on purpose', async () => {
    const { mixer } = await mixerWith({ faults: { ignoreMute: true } });
    const [a, b] = [await peer(440), await peer(700)];
    a.sendTo((await mixer.join(order('a', a.sdp()))).sdp);
    b.sendTo((await mixer.join(order('b', b.sdp(), true))).sdp);
    await expect.poll(async () => amplitudeOf(await a.listen(), 700), { timeout: 20_000 }).toBeGreaterThan(2000);
  });

  it('fails its legs and comes back when its thread dies', async () => {
    const { mixer, reports } = await mixerWith({ faults: { dieAtMuteOf: 'b' } });
    await mixer.join(order('a', (await peer()).sdp()));
    await mixer.join(order('b', (await peer()).sdp()));
    await expect(mixer.mute('b', true)).rejects.toMatchObject({ code: 'MIXER_UNAVAILABLE' });
    await until(() => reports.some(({ kind }) => kind === 'up'));
    expect(reports).toEqual([
      { kind: 'down' },
      { kind: 'left', leg: 'a', cause: 'failed' },
      { kind: 'left', leg: 'b', cause: 'failed' },
      { kind: 'up' },
    ]);
    expect(await mixer.list()).toEqual([]);
    const again = await peer();
    again.sendTo((await mixer.join(order('a', again.sdp()))).sdp);
    await until(() => again.heardPackets > 10);
  });

  it('rejects orders when it is not running', async () => {
    const mixer = createEmbeddedMixer({ host: '127.0.0.1', log });
    expect(mixer.ready()).toBe(false);
    const offer = (await peer()).sdp();
    await expect(mixer.join(order('a', offer))).rejects.toMatchObject({ code: 'MIXER_UNAVAILABLE' });
  });

  it('reports every leg as left when it stops', async () => {
    const { mixer, reports } = await mixerWith({});
    await mixer.join(order('a', (await peer()).sdp()));
    await mixer.stop();
    expect(reports).toEqual([{ kind: 'left', leg: 'a', cause: 'ordered' }]);
  });
});

describe('the worker thread starts', () => {
  const run = promisify(execFile);
  const root = path.resolve(import.meta.dirname, '../..');
  const script = (mixer: string): string => `
    import { createEmbeddedMixer } from '${mixer}';
    const mixer = createEmbeddedMixer({ host: '127.0.0.1', log: { error: (...args) => process.stderr.write(JSON.stringify(args)) } });
    await mixer.start();
    process.stdout.write(String((await mixer.health()).legs));
    await mixer.stop();`;

  it('from source under tsx', async () => {
    const entry = path.join(root, 'src/embedded/mixer/embedded-mixer.ts');
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script(entry)];
    expect((await run(process.execPath, args, { cwd: root })).stdout).toBe('0');
  });

  it('from compiled JavaScript', async () => {
    const out = await mkdtemp(path.join(tmpdir(), 'embedded-mixer-'));
    try {
      const entry = path.join(root, 'src/embedded/mixer');
      const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
      const files = [path.join(entry, 'embedded-mixer.ts'), path.join(entry, 'worker.ts')];
      const options = ['--ignoreConfig', '--outDir', out, '--rootDir', path.join(root, 'src')];
      const language = [
        '--target',
        'es2023',
        '--module',
        'nodenext',
        '--rewriteRelativeImportExtensions',
        '--types',
        'node',
      ];
      await symlink(path.join(root, 'node_modules'), path.join(out, 'node_modules'));
      await symlink(path.join(root, 'package.json'), path.join(out, 'package.json'));
      await run(process.execPath, [compiler, ...options, ...language, '--skipLibCheck', ...files], { cwd: root });
      const started = path.join(out, 'start.js');
      await writeFile(started, script('./embedded/mixer/embedded-mixer.js'));
      expect((await run(process.execPath, [started])).stdout).toBe('0');
    } finally {
      await rm(out, { recursive: true });
    }
  });
});
