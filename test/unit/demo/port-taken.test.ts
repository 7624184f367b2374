/** Only a port that another program has is worth a second try of the demo's start. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isPortTaken } from '../../../demo/port-taken.ts';
import { createSipAgent } from '../../../src/embedded/sip-agent/agent.ts';
import { BridgeError } from '../../../src/errors.ts';
import { createLog } from '../../../src/log.ts';

const host = '127.0.0.1';
const log = createLog({ level: 'silent' });
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step();
});

/** A port that somebody has, by one protocol only. */
async function takenPort(protocol: 'udp' | 'tcp'): Promise<number> {
  if (protocol === 'udp') {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    cleanUp.push(() => socket.close());
    return socket.address().port;
  }
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanUp.push(() => server.close());
  return (server.address() as { port: number }).port;
}

/** What the embedded agent says when it is to listen there. */
async function failure(at: string, port: number): Promise<unknown> {
  const listen = (['udp', 'tcp'] as const).map((protocol) => ({ protocol, host: at, port }));
  const agent = createSipAgent({ admin: { host, port: 0 }, secret: 'of the test', listen, log });
  return agent.then(
    (running) => {
      cleanUp.push(() => running.stop());
      return null;
    },
    (error: unknown) => error,
  );
}

describe('a failed start of the demo', () => {
  it.each(['udp', 'tcp'] as const)('is mended by another port when somebody has the port by %s', async (protocol) => {
    expect(isPortTaken(await failure(host, await takenPort(protocol)))).toBe(true);
  });

  it('is not when the address is not ours', async () => {
    const error = await failure('192.0.2.1', 5060);
    expect(error).toBeInstanceOf(BridgeError);
    expect(isPortTaken(error)).toBe(false);
  });

  it('is not when something else is in use, or something else is wrong', () => {
    expect(isPortTaken(Object.assign(new Error('the HTTP port'), { code: 'EADDRINUSE' }))).toBe(false);
    expect(isPortTaken(new BridgeError('BUS_UNAVAILABLE', 'away'))).toBe(false);
    expect(isPortTaken('no error at all')).toBe(false);
  });
});
