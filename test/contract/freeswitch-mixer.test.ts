/** The Mixer contract on a real FreeSWITCH, called through a real drachtio-server; and what only this mixer can show. */
import { afterAll, beforeAll, describe } from 'vitest';
import { createLog } from '../../src/log.ts';
import { drachtioLimits } from '../../src/sip-focus/flow-gate.ts';
import { createFreeswitchMixer } from '../../src/sip-focus/freeswitch-mixer.ts';
import type { Mixer } from '../../src/sip-focus/mixer.ts';
import { Signaling } from '../../src/sip-focus/signaling.ts';
import { SignalingDialer } from '../../src/sip-focus/uac-dialer.ts';
import { type DrachtioServer, findDrachtio, startDrachtio } from '../harness/servers/drachtio.ts';
import { type FreeswitchServer, findFreeswitch, startFreeswitch } from '../harness/servers/freeswitch.ts';
import { mixerContract } from './mixer-contract.ts';

const log = createLog({ level: (process.env.TEST_LOG as 'debug' | undefined) ?? 'silent' });
const missing = [...(findDrachtio() ? [] : ['drachtio-server']), ...(findFreeswitch() ? [] : ['FreeSWITCH'])];

let drachtio: DrachtioServer;
let freeswitch: FreeswitchServer;

async function connectedSignaling(): Promise<Signaling> {
  const { adminPort, secret } = drachtio;
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

async function startedMixer(): Promise<{ mixer: Mixer; signaling: Signaling; stop(): Promise<void> }> {
  const signaling = await connectedSignaling();
  const dialer = new SignalingDialer(signaling, log);
  const { eventPort: port, password, sip } = freeswitch;
  const mixer = createFreeswitchMixer({
    ...{ name: 'freeswitch', host: '127.0.0.1', port, password, sip, log },
    dialer: () => dialer,
  });
  await mixer.start();
  return {
    mixer,
    signaling,
    async stop() {
      await mixer.stop();
      signaling.stop();
    },
  };
}

describe.skipIf(missing.length > 0)(
  `with real servers${missing.length ? ` (not here: ${missing.join(', ')})` : ''}`,
  () => {
    beforeAll(async () => {
      drachtio = await startDrachtio({ loglevel: process.env.TEST_LOG ? 'info' : 'notice' });
      freeswitch = await startFreeswitch({ loglevel: process.env.TEST_LOG ? 'debug' : 'warning' });
    }, 120_000);

    afterAll(async () => {
      await freeswitch?.stop();
      await drachtio?.stop();
    });

    mixerContract('FreeSWITCH', startedMixer);
  },
);
