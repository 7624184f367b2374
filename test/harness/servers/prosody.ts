/** A Prosody for one test file: starts within half a second, on free ports, with its data in a scratch directory. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { acceptsTcp, findExecutable, freePort, type RunningProcess, scratchDir, startProcess } from './process.ts';
import { XMPP_NAMES, type XmppServer, type XmppServerOptions } from './xmpp-server.ts';

const MODULES = fileURLToPath(new URL('../../../deploy/prosody/modules', import.meta.url));
const run = promisify(execFile);

/** Path of prosody, or null when this machine has none (or lacks its prosodyctl). */
export function findProsody(): string | null {
  return findExecutable('prosodyctl') === null ? null : findExecutable('prosody');
}

/** Starts Prosody; throws when there is none (ask `findProsody` first). */
export async function startProsody(options: XmppServerOptions = {}): Promise<XmppServer> {
  const command = findProsody();
  const control = findExecutable('prosodyctl');
  if (command === null || control === null) throw new Error('prosody is not installed');
  const scratch = scratchDir('prosody');
  const [c2sPort, componentPort] = [await freePort(), await freePort()];
  const config = join(scratch.path, 'prosody.cfg.lua');
  const directTlsPort = options.directTls === true ? await freePort() : null;
  for (const directory of ['data', 'certs']) mkdirSync(join(scratch.path, directory));
  if (directTlsPort !== null) await makeCertificate(join(scratch.path, 'certs'));
  writeFileSync(config, configuration(scratch.path, { c2sPort, componentPort, directTlsPort }, options));

  const asRoot = process.getuid?.() === 0 ? ['--root'] : [];
  const ctl = (...args: string[]) => run(control, [...asRoot, '--config', config, ...args]);
  const start = (): Promise<RunningProcess> =>
    startProcess({
      name: 'prosody',
      command,
      args: ['--config', config, '-F'],
      ready: async () => (await acceptsTcp(c2sPort)) && (await acceptsTcp(componentPort)),
    });

  let server = await start();
  return {
    ...XMPP_NAMES,
    kind: 'prosody',
    c2sPort,
    directTlsPort,
    componentPort,
    options: { modules: options.modules !== false },
    async addUser(name, password) {
      await ctl('register', name, XMPP_NAMES.domain, password);
    },
    async removeUser(name) {
      await ctl('deluser', `${name}@${XMPP_NAMES.domain}`);
    },
    async restart() {
      await server.stop();
      server = await start();
    },
    shutDown: () => server.stop(),
    kill: () => server.kill(),
    async stop() {
      await server.kill();
      scratch.remove();
    },
    log: () => server.output(),
  };
}

/** A certificate for the domain that nobody has signed: a client must be told to trust it. */
async function makeCertificate(directory: string): Promise<void> {
  const openssl = findExecutable('openssl');
  if (openssl === null) throw new Error('openssl is not installed; it makes the certificate for direct TLS');
  const { domain } = XMPP_NAMES;
  const files = ['-keyout', join(directory, `${domain}.key`), '-out', join(directory, `${domain}.crt`)];
  const name = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain}`];
  await run(openssl, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...files, ...name]);
}

interface Ports {
  readonly c2sPort: number;
  readonly componentPort: number;
  readonly directTlsPort: number | null;
}

function configuration(base: string, ports: Ports, options: XmppServerOptions): string {
  const { c2sPort, componentPort, directTlsPort } = ports;
  const { domain, mucDomain, componentDomain, otherComponentDomain, componentSecret } = XMPP_NAMES;
  const modules = options.modules === false ? '' : '"muc_avuri"; "muc_call_hats"; "muc_protect_focus"';
  return `
run_as_root = true
pidfile = "${base}/prosody.pid"
data_path = "${base}/data"
certificates = "${base}/certs"
plugin_paths = { "${MODULES}" }
interfaces = { "127.0.0.1" }
c2s_ports = { ${c2sPort} }
c2s_direct_tls_ports = { ${directTlsPort ?? ''} }
s2s_ports = {}
s2s_direct_tls_ports = {}
component_ports = { ${componentPort} }
component_interfaces = { "127.0.0.1" }
component_stanza_size_limit = 1024 * 1024
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
-- no smacks: @xmpp/client 0.14 miscounts and its session would be closed
modules_enabled = {
  "roster"; "saslauth"; "disco"; "pep"; "vcard4"; "vcard_legacy"; "ping"; "version"; "carbons"; "blocklist"; "private"; "bookmarks";
}
modules_disabled = { "s2s"; "tls"; "s2s_auth_certs" }
log = { { levels = { min = "info" }, to = "console" } }

VirtualHost "${domain}"

Component "${mucDomain}" "muc"
  modules_enabled = { ${modules} }
  admins = { "${componentDomain}"; "focus@${componentDomain}" }
  component_admins_as_room_owners = true
  restrict_room_creation = false
  muc_room_locking = false
  muc_room_default_public = true
  muc_room_default_public_jids = false
  muc_room_cache_size = 1000
  ${avuriOptions(options.avuri ?? {})}

Component "${componentDomain}"
  component_secret = "${componentSecret}"

Component "${otherComponentDomain}"
  component_secret = "${componentSecret}"
`;
}

function avuriOptions({ setBy, allowedHosts, clarkNamespace }: NonNullable<XmppServerOptions['avuri']>): string {
  const hosts = allowedHosts?.map((host) => JSON.stringify(host)).join('; ');
  return [
    `muc_avuri_set_by = "${setBy ?? 'owner'}"`,
    ...(hosts === undefined ? [] : [`muc_avuri_allowed_hosts = { ${hosts} }`]),
    ...(clarkNamespace === undefined ? [] : [`muc_avuri_clark_namespace = "${clarkNamespace}"`]),
  ].join('\n  ');
}
