/** SIP clients of others at the focus, on a real drachtio-server; the mixer is the embedded one. */
import { describe } from 'vitest';
import { createEmbeddedMixer } from '../../src/embedded/mixer/embedded-mixer.ts';
import { drachtioLimits } from '../../src/sip-focus/flow-gate.ts';
import { findDrachtio, startDrachtio } from '../harness/servers/drachtio.ts';
import { baresipContract } from './baresip-contract.ts';
import { log, type Place } from './sip-focus-stage.ts';
import { sippContract } from './sipp-contract.ts';

async function startWithDrachtio(): Promise<Place> {
  const server = await startDrachtio();
  return {
    sipPort: server.sipPort,
    sipTcpPort: server.sipPort,
    admin: { port: server.adminPort, secret: server.secret },
    limits: drachtioLimits,
    newMixer: () => createEmbeddedMixer({ host: '127.0.0.1', log }),
    expectNothingLeft: () => undefined, // drachtio-server does not tell; the mixer is asked in the tests
    stop: () => server.stop(),
  };
}

const lacking = findDrachtio() === null ? ' (skipped: no drachtio-server on PATH or in DRACHTIO_BIN)' : '';

describe.skipIf(lacking !== '')(`with a real SIP server${lacking}`, () => {
  sippContract('drachtio-server', startWithDrachtio);
  baresipContract('drachtio-server', startWithDrachtio);
});
