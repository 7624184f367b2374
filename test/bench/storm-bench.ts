/**
 * Many people join within seconds while many watch: how long a call takes to be set up, and taken voice to be silence, before and during
 * it. Run: `npm run bench -- storm [joins [subscribers]]` (default 2000 joins in 10 s, 500 subscribers).
 */
import { randomBytes } from 'node:crypto';
import { findDrachtio, startDrachtio } from '../harness/servers/drachtio.ts';
import { findFreeswitch, startFreeswitch } from '../harness/servers/freeswitch.ts';
import { SipPhone } from '../harness/sip/phone.ts';
import { Child } from './child.ts';
import { Ear } from './ear.ts';
import { type Cell, clock, pause, quantile, report, table } from './measure.ts';
import { link } from './people.ts';
import type { CrowdOrder, CrowdReport } from './storm-crowd.ts';
import type { NativeServers, StormOrder, StormReport } from './storm-product.ts';

const [joins = 2000, subscribers = 500] = process.argv.slice(2).map(Number);
const stormMs = 10_000;
const quietMs = 15_000;
const warmUpMs = 5000;
const tone = 610;
const host = '127.0.0.1';
/** Between two calls, and two takings of voice, on average; else the measuring itself would be the load. */
const breathMs = 100;

/** In ms. */
interface Latencies {
  readonly setUp: number[];
  readonly mute: number[];
}

/** Phones in one conference, and what changes there. */
interface Scene {
  readonly product: Child<StormOrder, StormReport>;
  readonly guest: SipPhone;
  readonly ear: Ear;
}

async function measureWhile({ product, guest, ear }: Scene, goesOn: () => boolean): Promise<Latencies> {
  const taken: Latencies = { setUp: [], mute: [] };
  const breath = (): Promise<void> => pause(Math.random() * 2 * breathMs);
  const calls = async (): Promise<void> => {
    while (goesOn()) {
      const at = clock();
      const call = await guest.call(link.conference);
      taken.setUp.push(clock() - at);
      await breath();
      await call.hangUp();
    }
  };
  const mutes = async (): Promise<void> => {
    while (goesOn()) {
      const { at } = await product.ask({ kind: 'voice', given: false }, 'told');
      taken.mute.push((await ear.until(false)) - at);
      await product.ask({ kind: 'voice', given: true }, 'told');
      await ear.until(true);
      await breath();
    }
  };
  await Promise.all([calls(), mutes()]);
  return taken;
}

async function nativeServers(): Promise<{ readonly servers: NativeServers; stop(): Promise<void> }> {
  const drachtio = await startDrachtio();
  const freeswitch = await startFreeswitch();
  const { adminPort, secret, sipPort } = drachtio;
  const { eventPort, password, sip: mixerSip } = freeswitch;
  return {
    servers: { adminPort, secret, sipPort, eventPort, password, mixerSip },
    async stop() {
      await freeswitch.stop();
      await drachtio.stop();
    },
  };
}

function row(stack: string, when: string, { setUp, mute }: Latencies): Record<string, Cell> {
  const at = (values: readonly number[], share: number): string => quantile(values, share).toFixed(1);
  return {
    stack,
    when,
    calls: setUp.length,
    'set up p50 ms': at(setUp, 0.5),
    'p95 ms ': at(setUp, 0.95),
    'longest ms ': at(setUp, 1),
    mutes: mute.length,
    'until silence p50 ms': at(mute, 0.5),
    'p95 ms': at(mute, 0.95),
    'longest ms': at(mute, 1),
  };
}

async function measure(
  stack: string,
  native: NativeServers | null,
): Promise<{ rows: Record<string, Cell>[]; after: string }> {
  const product: Scene['product'] = await Child.start(new URL('./storm-product.ts', import.meta.url));
  const crowd: Child<CrowdOrder, CrowdReport> = await Child.start(new URL('./storm-crowd.ts', import.meta.url));
  const phones: SipPhone[] = [];
  try {
    const password = randomBytes(9).toString('hex');
    const { sipPort: port } = await product.ask({ kind: 'start', native, password }, 'ready');
    const server = { host, port };
    const credentials = { username: 'guest0', password };
    const talker = await SipPhone.open({ server, aor: 'sip:guest0@example.com', credentials, tone });
    const listener = await SipPhone.open({ server, aor: 'sip:listener@elsewhere.test' });
    const guest = await SipPhone.open({ server, aor: 'sip:guest@elsewhere.test' });
    phones.push(talker, listener, guest);
    await talker.call(link.conference);
    const heard = await listener.call(link.conference);
    const ear = new Ear(tone);
    heard.onAudio((samples) => ear.hear(samples));
    await ear.until(true);
    await crowd.ask({ kind: 'subscribe', count: subscribers, port, uri: link.conference }, 'subscribed');
    const scene = { product, guest, ear };
    const lasts = (ms: number): (() => boolean) => {
      const end = clock() + ms;
      return () => clock() < end;
    };
    await measureWhile(scene, lasts(warmUpMs));
    const before = await measureWhile(scene, lasts(quietMs));
    let raging = true;
    const began = clock();
    const storm = product.ask({ kind: 'storm', joins, ms: stormMs }, 'raged');
    const known = storm.then(() => crowd.ask({ kind: 'know', people: joins + 2 }, 'known'));
    void known.finally(() => {
      raging = false;
    });
    const during = await measureWhile(scene, () => raging);
    const [{ ms }, { at, notifies, repeated, bytes }] = [await storm, await known];
    const after =
      `${stack}: joins within ${(ms / 1000).toFixed(1)} s; everybody knew everybody ${((at - began) / 1000).toFixed(1)} s after it began; ` +
      `${notifies} NOTIFYs, ${(bytes / 1e6).toFixed(0)} MB, ${repeated} repeated.`;
    return { rows: [row(stack, 'before', before), row(stack, 'during', during)], after };
  } finally {
    for (const phone of phones) await phone.close();
    for (const child of [crowd, product]) await child.stop();
  }
}

const outcomes = [await measure('embedded', null)];
if (findDrachtio() === null || findFreeswitch() === null)
  console.log('not run: native (drachtio-server and FreeSWITCH)');
else {
  const { servers, stop } = await nativeServers();
  outcomes.push(await measure('native', servers).finally(stop));
}
report(
  'A storm of joins',
  `${joins} joins in ${stormMs / 1000} s, ${subscribers} subscribers.`,
  '',
  table(outcomes.flatMap(({ rows }) => rows)),
  '',
  ...outcomes.map(({ after }) => after),
);
