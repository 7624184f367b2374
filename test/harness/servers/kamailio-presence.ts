/** A Kamailio as notifier of the conference event (RFC 4575, RFC 3903), everything in its memory: what benchmarks compare with. */
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, freePort, scratchDir, startProcess } from './process.ts';

/** A running Kamailio that takes PUBLISH and SUBSCRIBE for every URI. */
export interface KamailioPresence {
  /** UDP and TCP. */
  readonly port: number;
  /** Its main process; the workers are children of it. */
  readonly pid: number;
  log(): string;
  stop(): Promise<void>;
}

const host = '127.0.0.1';
/** Empty tables, which the module wants although nothing is kept in them. */
const tables = '/usr/share/kamailio/dbtext/kamailio';
const modulesPlaces = ['/usr/lib/x86_64-linux-gnu/kamailio/modules', '/usr/lib/aarch64-linux-gnu/kamailio/modules'];
const modules = modulesPlaces.find((place) => existsSync(join(place, 'presence_conference.so')));

/** Whether this machine has a Kamailio with its presence modules, as Debian packs them. */
export const hasKamailioPresence = (): boolean =>
  findExecutable('kamailio') !== null && modules !== undefined && existsSync(tables);

/** Starts it; throws when there is none (ask `hasKamailioPresence` first). */
export async function startKamailioPresence(): Promise<KamailioPresence> {
  const command = findExecutable('kamailio');
  if (command === null || !hasKamailioPresence()) throw new Error('kamailio with presence modules is not installed');
  const port = await freePort();
  const scratch = scratchDir('kamailio-presence');
  const database = join(scratch.path, 'tables');
  cpSync(tables, database, { recursive: true });
  const config = join(scratch.path, 'kamailio.cfg');
  writeFileSync(config, configuration(port, database));
  const server = await startProcess({
    name: 'kamailio',
    command,
    args: ['-DD', '-E', '-f', config, '-Y', scratch.path, '-w', scratch.path, '-m', '1024', '-M', '64'],
    cwd: scratch.path,
    ready: /ready for the benchmark/,
  });
  return {
    port,
    pid: server.pid,
    log: server.output,
    async stop() {
      await server.stop();
      scratch.remove();
    },
  };
}

/** Two workers, as for the two cores of a small machine; no cache of the database and no database, no timers that batch. */
const configuration = (port: number, database: string): string => `
debug=1
log_stderror=yes
log_name="kamailio"
children=2
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
use_dns_failover=off
disable_tls=yes
maxbuffer=8388608
tcp_rd_buf_size=2097152
listen=udp:${host}:${port}
listen=tcp:${host}:${port}

${['kex', 'tm', 'sl', 'pv', 'maxfwd', 'textops', 'siputils', 'xlog', 'db_text', 'presence', 'presence_conference', 'presence_xml'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tm", "fr_timer", 30000)
modparam("presence|presence_xml", "db_url", "text://${database}")
modparam("presence", "server_address", "sip:presence@${host}:${port}")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "send_fast_notify", 1)
modparam("presence", "timeout_rm_subs", 0)
modparam("presence", "subs_htable_size", 11)
modparam("presence", "max_expires", 36000)
modparam("presence_xml", "force_active", 1)

event_route[core:worker-one-init] {
  xlog("L_ALERT", "ready for the benchmark\\n");
}

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (!is_method("PUBLISH|SUBSCRIBE")) {
    sl_send_reply("405", "Method Not Allowed");
    exit;
  }
  if (!t_newtran()) {
    sl_reply_error();
    exit;
  }
  if (is_method("PUBLISH")) handle_publish();
  else handle_subscribe();
  t_release();
}
`;
