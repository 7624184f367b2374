/** A Kamailio for one test: registrar of phones, and proxy between them and the SIP server of a meeting, in the path of every dialog. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Place, thisMachine } from './place.ts';
import { acceptsTcp, freePort, scratchDir } from './process.ts';
import { startRestartable } from './restartable.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A running Kamailio; after `kill` or `restart` its addresses stay the same. */
export interface KamailioProxy {
  /** Where phones call, by UDP and TCP; what comes here goes on by this transport, whichever way it came. */
  readonly onwardBy: { readonly udp: Address; readonly tcp: Address };
  /** What it wrote since its last start: `<method> <transport> -> <transport>` for each request, `<method> <- <status>` for each answer. */
  log(): string;
  /** SIGKILL: what phones see of a crash. */
  kill(): Promise<void>;
  /** Starts it again on the same ports, ending it first when it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Where calls go, and on whose word. */
export interface KamailioOptions {
  /** The SIP server behind it, by UDP and TCP. */
  readonly server: Address;
  /** True: vouches for From in a P-Asserted-Identity (RFC 3325), in place of any that the phone sent. */
  readonly asserts?: boolean;
}

const host = '127.0.0.1';

/** What Kamailio is called by, or null when there is none. */
export function findKamailio(place: Place = thisMachine): string | null {
  return place.find('kamailio');
}

/** Starts Kamailio; throws when there is none (ask `findKamailio` first). */
export async function startKamailio(options: KamailioOptions, place: Place = thisMachine): Promise<KamailioProxy> {
  const command = findKamailio(place);
  if (command === null) throw new Error('kamailio is not installed');
  const onwardBy = { udp: { host, port: await freePort() }, tcp: { host, port: await freePort() } };
  const scratch = scratchDir('kamailio');
  const config = join(scratch.path, 'kamailio.cfg');
  writeFileSync(config, configuration(onwardBy, options));
  const { log, kill, restart, shutDown } = await startRestartable(() =>
    place.start({
      name: 'kamailio',
      command,
      // in the foreground, what it has to say on standard error, little memory
      args: ['-DD', '-E', '-f', config, '-Y', scratch.path, '-w', scratch.path, '-m', '32', '-M', '4'],
      cwd: scratch.path,
      files: { writes: [scratch.path] },
      ready: async () => (await acceptsTcp(onwardBy.udp.port)) && (await acceptsTcp(onwardBy.tcp.port)),
    }),
  );
  return {
    onwardBy,
    ...{ log, kill, restart },
    async stop() {
      await shutDown();
      scratch.remove();
    },
  };
}

/** RFC 3261 10.3, 16, RFC 5658: lets everybody register; a stateful proxy that adds two Record-Routes where the transport changes. */
function configuration(onwardBy: KamailioProxy['onwardBy'], { server, asserts }: KamailioOptions): string {
  const ports = [onwardBy.udp.port, onwardBy.tcp.port];
  const vouching = `
  remove_hf("P-Asserted-Identity");
  append_hf("P-Asserted-Identity: <$fu>\\r\\n");`;
  return `
debug=1
log_stderror=yes
log_name="kamailio"
# one worker of each kind: what came in order leaves in order, which SIPp counts on
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
disable_tls=yes
${ports.flatMap((port) => ['udp', 'tcp'].map((way) => `listen=${way}:${host}:${port}`)).join('\n')}

${['tm', 'sl', 'rr', 'maxfwd', 'textops', 'siputils', 'pv', 'xlog', 'usrloc', 'registrar'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("rr", "enable_double_rr", 1)
modparam("rr", "append_fromtag", 1)

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (is_method("REGISTER")) {
    save("location");
    exit;
  }
  if (has_totag()) {
    if (!loose_route()) {
      if (is_method("ACK") && t_check_trans()) t_relay();
      else if (!is_method("ACK")) sl_send_reply("404", "No Route");
      exit;
    }
    # RFC 6665 4.1.2.4: a NOTIFY may be what makes the dialog.
    if (is_method("NOTIFY")) record_route();
    # RFC 5627: what a registered phone may name as its Contact.
    if (is_gruu()) lookup("location");
    # The domain of the conferences leads to their server, as DNS would have it.
    if ($rd == "conf.test" && $du == $null) $du = "sip:${server.host}:${server.port};transport=" + $rP;
    route(ONWARD);
  }
  if (is_method("INVITE|SUBSCRIBE")) record_route();${asserts === true ? vouching : ''}
  $du = "sip:${server.host}:${server.port};transport=udp";
  if ($Rp == ${onwardBy.tcp.port}) $du = "sip:${server.host}:${server.port};transport=tcp";
  route(ONWARD);
}

route[ONWARD] {
  if (!t_relay()) sl_reply_error();
  exit;
}

onreply_route {
  xlog("L_ALERT", "$rm <- $rs\\n");
}

onsend_route {
  xlog("L_ALERT", "$rm $pr -> $snd(sproto)\\n");
}
`;
}
