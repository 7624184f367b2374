/** A real FreeSWITCH and a real drachtio-server, with the mixer of this service on both. */
import { expect } from 'vitest';
import { createLog } from '../../src/log.ts';
import { drachtioLimits } from '../../src/sip-focus/flow-gate.ts';
import { createFreeswitchMixer } from '../../src/sip-focus/freeswitch-mixer.ts';
import type { Mixer, MixerReport } from '../../src/sip-focus/mixer.ts';
import { Signaling } from '../../src/sip-focus/signaling.ts';
import { SignalingDialer, type UacDialer } from '../../src/sip-focus/uac-dialer.ts';
import { type DrachtioServer, findDrachtio, startDrachtio } from '../harness/servers/drachtio.ts';
import { type FreeswitchServer, findFreeswitch, startFreeswitch } from '../harness/servers/freeswitch.ts';
import type { Place } from './sip-focus-stage.ts';

const log = createLog({ level: (process.env.TEST_LOG as 'debug' | undefined) ?? 'silent' });

/** Names of servers that this machine lacks; tests are skipped when there are any. */
export const missingServers: readonly string[] = [
  ...(findDrachtio() ? [] : ['drachtio-server']),
  ...(findFreeswitch() ? [] : ['FreeSWITCH']),
];

/** A mixer with the connections that it works on: what one process of the service has. */
export interface MixerProcess {
  readonly mixer: Mixer;
  readonly signaling: Signaling;
  readonly reports: MixerReport[];
  /** As a crash: connections close, nothing is said. */
  stop(): Promise<void>;
}

export interface FreeswitchStack {
  readonly drachtio: DrachtioServer;
  readonly freeswitch: FreeswitchServer;
  /** Another process of the service. `eventPort` leads to the event socket; default the true one. */
  startProcess(settings?: { eventPort?: number }): Promise<MixerProcess>;
  /** Both servers as a place for a focus; it does not stop them. */
  place(): Place;
  stop(): Promise<void>;
}

async function connectedSignaling({ adminPort, secret }: DrachtioServer): Promise<Signaling> {
  const signaling = new Signaling({ host: '127.0.0.1', port: adminPort, secret, limits: drachtioLimits }, log);
  await new Promise<void>((resolve) => {
    signaling.listen(
      (request) => void request.respond(503),
      () => resolve(),
    );
    signaling.start();
  });
  return signaling;
}

export async function startFreeswitchStack(): Promise<FreeswitchStack> {
  const verbose = 'TEST_LOG' in process.env;
  const drachtio = await startDrachtio({ loglevel: verbose ? 'debug' : 'notice' });
  const freeswitch = await startFreeswitch({ loglevel: verbose ? 'debug' : 'warning' });
  const { password, sip } = freeswitch;
  const newMixer = (dialer: () => UacDialer, port = freeswitch.eventPort): Mixer =>
    createFreeswitchMixer({ name: 'freeswitch', host: '127.0.0.1', port, password, sip, log, dialer });
  return {
    drachtio,
    freeswitch,
    place: () => ({
      sipPort: drachtio.sipPort,
      admin: { port: drachtio.adminPort, secret: drachtio.secret },
      limits: drachtioLimits,
      keepsDialogs: true,
      newMixer: (dialer) => newMixer(dialer),
      async expectNothingLeft() {
        expect(await freeswitch.api('show channels count')).toBe('0 total.');
      },
      stop: async () => undefined,
    }),
    async startProcess({ eventPort = freeswitch.eventPort } = {}) {
      const signaling = await connectedSignaling(drachtio);
      const dialer = new SignalingDialer(signaling, log);
      const mixer = newMixer(() => dialer, eventPort);
      const reports: MixerReport[] = [];
      mixer.onReport((report) => reports.push(report));
      await mixer.start();
      return {
        mixer,
        signaling,
        reports,
        async stop() {
          await mixer.stop();
          signaling.stop();
        },
      };
    },
    async stop() {
      if (verbose) process.stderr.write(drachtio.log());
      await freeswitch.stop();
      await drachtio.stop();
    },
  };
}
