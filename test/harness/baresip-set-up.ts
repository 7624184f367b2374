/** What baresip needs to run without sound hardware: modules, configuration, an account, and a tone to play. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, freePort } from './servers/process.ts';

/**
 * An account on a server, and what it plays. Version 1.0.0 gives a call up when any of several challenges is not for MD5, so the server
 * must offer nothing else to an account with credentials.
 */
export interface BaresipOptions {
  readonly server: { readonly host: string; readonly port: number };
  readonly transport?: 'udp' | 'tcp';
  /** `sip:carol@elsewhere.example`. */
  readonly aor: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Hz of what it plays; 440 when absent. */
  readonly tone?: number;
}

const rate = 8000;
/** baresip plays a file once. */
const playedSeconds = 300;

/** RIFF header, format and the head of the data, as libsndfile writes them for 16-bit PCM. */
export const headerLength = 44;

/** Where Debian, and baresip's own installation, put the modules. */
const moduleFolders = ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules'];
const neededModules = ['account', 'aufile', 'ctrl_tcp', 'g711', 'menu', 'sndfile'];

/** Why baresip cannot be used here; null when it can. */
export function baresipLacks(): string | null {
  if (findExecutable('baresip') === null) return 'baresip is not on PATH';
  return modulesFolder() === null ? `baresip lacks one of its modules ${neededModules.join(', ')}` : null;
}

/** The folder with all the modules we need, or null. */
export function modulesFolder(): string | null {
  const holds = (folder: string): boolean => {
    try {
      const files = new Set(readdirSync(folder));
      return neededModules.every((name) => files.has(`${name}.so`));
    } catch {
      return false;
    }
  };
  return moduleFolders.find(holds) ?? null;
}

/** The lines of its `config`; it plays `tone.wav` and records into `heard`, both in `folder`. */
export async function configuration(folder: string, modules: string, controlPort: number): Promise<string> {
  const media = 20_000 + 2 * Math.floor((await freePort()) / 4);
  return [
    'poll_method epoll',
    // the kernel chooses a port for each transport, which nobody can take in between
    'sip_listen 127.0.0.1:0',
    // an address, not a name: it finds no address on `lo` by itself and then has no network at all
    'net_interface 127.0.0.1',
    `rtp_ports ${media}-${media + 40}`,
    'rtcp_mux no',
    `audio_source aufile,${join(folder, 'tone.wav')}`,
    'audio_alert none',
    'call_local_timeout 30',
    'call_max_calls 4',
    `module_path ${modules}`,
    ...['g711', 'sndfile', 'aufile'].map((name) => `module ${name}.so`),
    'module_tmp account.so',
    ...['ctrl_tcp', 'menu'].map((name) => `module_app ${name}.so`),
    `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
    `snd_path ${join(folder, 'heard')}`,
    '',
  ].join('\n');
}

/** The line of its `accounts`. */
export function account({ aor, server, transport = 'udp', credentials }: BaresipOptions): string {
  const proxy = `;outbound="sip:${server.host}:${server.port};transport=${transport}"`;
  const proof = credentials ? `;auth_user=${credentials.username};auth_pass=${credentials.password}` : '';
  return `<${aor};transport=${transport}>;regint=0${proxy}${proof}`;
}

/** A tone as a WAV file of 16-bit samples, long enough for any test. */
export function waveOf(hz: number): Buffer {
  const samples = rate * playedSeconds;
  const file = Buffer.alloc(headerLength + 2 * samples);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20); // PCM
  file.writeUInt16LE(1, 22); // one channel
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(2 * rate, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let at = 0; at < samples; at += 1) {
    file.writeInt16LE(Math.round(4000 * Math.sin((2 * Math.PI * hz * at) / rate)), headerLength + 2 * at);
  }
  return file;
}
