/** Where phones call: the agent inside the bridge, or a drachtio-server with FreeSWITCH behind it. */
import { type DrachtioServer, startDrachtio } from '../servers/drachtio.ts';
import { type FreeswitchServer, startFreeswitch } from '../servers/freeswitch.ts';
import type { Place } from '../servers/place.ts';
import { freePort, isFree } from '../servers/process.ts';
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

/** The wanted port if it is free, else another. */
const freeSipPort = async (wanted?: number): Promise<number> =>
  wanted !== undefined && (await isFree(wanted)) ? wanted : freePort();

/**
 * Starts what `kind` needs, on this machine when no place is named; `wantedPort` is taken for calls when it is free. For
 * `embedded` the port is only chosen: whether nobody has taken it meanwhile shows when the bridge binds it.
 */
export async function startSipSide(kind: SipKind, wantedPort?: number, place?: Place): Promise<SipSide> {
  return kind === 'native' ? startNative(wantedPort, place) : reserveEmbedded(wantedPort);
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

/** A drachtio-server on the wanted port, or on another when somebody has the wanted one or takes it between our look and its binding. */
async function startDrachtioAt(wantedPort?: number, place?: Place): Promise<DrachtioServer> {
  const sipPort = await freeSipPort(wantedPort);
  try {
    return await startDrachtio({ sipPort }, place);
  } catch (error) {
    // It ends without a word about the cause.
    if (sipPort !== wantedPort || (await isFree(sipPort))) throw error;
    return startDrachtio({}, place);
  }
}

async function startNative(wantedPort?: number, place?: Place): Promise<SipSide> {
  const [drachtioStart, freeswitchStart] = await Promise.allSettled([
    startDrachtioAt(wantedPort, place),
    startFreeswitch({}, place),
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
