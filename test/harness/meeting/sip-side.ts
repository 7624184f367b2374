/** Where phones call: the agent inside the bridge, or a drachtio-server with FreeSWITCH behind it. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { type DrachtioServer, startDrachtio } from '../servers/drachtio.ts';
import { type FreeswitchServer, startFreeswitch } from '../servers/freeswitch.ts';
import { freePort } from '../servers/process.ts';
import type { Section } from './bridge-config.ts';
import type { SipKind } from './find-stacks.ts';

/** The SIP servers of a stack; none run for `embedded`. */
export interface SipSide {
  /** UDP and TCP. */
  readonly address: { readonly host: string; readonly port: number };
  readonly drachtio: DrachtioServer | null;
  readonly freeswitch: FreeswitchServer | null;
  /** What the bridge's configuration says of them. */
  readonly config: { readonly server: Section; readonly mixer: Section };
  stop(): Promise<void>;
}

const host = '127.0.0.1';

const isFreeUdp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });

const isFreeTcp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });

/** A port that is free for TCP and for UDP: the wanted one if it is. */
async function freeSipPort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await isFreeTcp(wanted)) && (await isFreeUdp(wanted))) return wanted;
  for (;;) {
    const port = await freePort('tcp');
    if (await isFreeUdp(port)) return port;
  }
}

/** Starts what `kind` needs; `wantedPort` is taken for calls when it is free. */
export async function startSipSide(kind: SipKind, wantedPort?: number): Promise<SipSide> {
  return kind === 'native' ? startNative(wantedPort) : reserveEmbedded(wantedPort);
}

async function reserveEmbedded(wantedPort?: number): Promise<SipSide> {
  const port = await freeSipPort(wantedPort);
  return {
    address: { host, port },
    drachtio: null,
    freeswitch: null,
    config: {
      server: { kind: 'embedded', listen: [`udp:${host}:${port}`, `tcp:${host}:${port}`] },
      mixer: { kind: 'embedded', host },
    },
    async stop() {
      // it ends with the bridge
    },
  };
}

async function startNative(wantedPort?: number): Promise<SipSide> {
  const [drachtioStart, freeswitchStart] = await Promise.allSettled([
    freeSipPort(wantedPort).then((sipPort) => startDrachtio({ sipPort })),
    startFreeswitch(),
  ]);
  const drachtio = drachtioStart.status === 'fulfilled' ? drachtioStart.value : null;
  const freeswitch = freeswitchStart.status === 'fulfilled' ? freeswitchStart.value : null;
  const stop = async (): Promise<void> => {
    await Promise.all([drachtio?.stop(), freeswitch?.stop()]);
  };
  if (drachtio === null || freeswitch === null) {
    await stop();
    throw [drachtioStart, freeswitchStart].find((start) => start.status === 'rejected')?.reason;
  }
  return {
    address: { host, port: drachtio.sipPort },
    drachtio,
    freeswitch,
    config: {
      server: { kind: 'drachtio', host, port: drachtio.adminPort, secret: drachtio.secret },
      mixer: {
        kind: 'freeswitch',
        host,
        port: freeswitch.eventPort,
        password: freeswitch.password,
        sip: freeswitch.sip,
      },
    },
    stop,
  };
}
