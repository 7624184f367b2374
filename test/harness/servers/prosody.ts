/** A Prosody for one test file: starts within half a second, on free ports, with its data in a scratch directory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Place, thisMachine } from './place.ts';
import { acceptsTcp, freePort, scratchDir } from './process.ts';
import { startRestartable } from './restartable.ts';
import { XMPP_NAMES, type XmppServer, type XmppServerOptions } from './xmpp-server.ts';

const MODULES = fileURLToPath(new URL('../../../deploy/prosody/modules', import.meta.url));

/** What prosody is called by, or null when there is none (or its prosodyctl is lacking). */
export function findProsody(place: Place = thisMachine): string | null {
  return place.find('prosodyctl') === null ? null : place.find('prosody');
}

/** Starts Prosody; throws when there is none (ask `findProsody` first). */
export async function startProsody(options: XmppServerOptions = {}, place: Place = thisMachine): Promise<XmppServer> {
  const command = findProsody(place);
  const control = place.find('prosodyctl');
  if (command === null || control === null) throw new Error('prosody is not installed');
  const scratch = scratchDir('prosody');
  const [c2sPort, componentPort] = [await freePort(), await freePort()];
  const config = join(scratch.path, 'prosody.cfg.lua');
  const directTlsPort = options.directTls === true ? await freePort() : null;
  for (const directory of ['data', 'certs']) mkdirSync(join(scratch.path, directory));
  if (directTlsPort !== null) await makeCertificate(join(scratch.path, 'certs'), place);
  writeFileSync(config, configuration(scratch.path, { c2sPort, componentPort, directTlsPort }, options));

  const { current, log, kill, restart, shutDown } = await startRestartable(() =>
    place.start({
      name: 'prosody',
      command,
      args: ['--config', config, '-F'],
      files: { reads: [MODULES], writes: [scratch.path] },
      ready: async () => (await acceptsTcp(c2sPort)) && (await acceptsTcp(componentPort)),
    }),
  );
  const asRoot = process.getuid?.() === 0 ? ['--root'] : [];
  const ctl = (...args: string[]) => current().run(control, [...asRoot, '--config', config, ...args]);
  return {
    ...XMPP_NAMES,
    kind: 'prosody',
    c2sPort,
    directTlsPort,
    componentPort,
    options: { modules: options.modules !== false },
    addUser: (name, password) => ctl('register', name, XMPP_NAMES.domain, password),
    removeUser: (name) => ctl('deluser', `${name}@${XMPP_NAMES.domain}`),
    ...{ log, kill, restart, shutDown },
    async stop() {
      await kill();
      scratch.remove();
    },
  };
}

/** A certificate for the domain that nobody has signed: a client must be told to trust it. */
async function makeCertificate(directory: string, place: Place): Promise<void> {
  const openssl = place.find('openssl');
  if (openssl === null) throw new Error('openssl is not installed; it makes the certificate for direct TLS');
  const { domain } = XMPP_NAMES;
  const files = ['-keyout', join(directory, `${domain}.key`), '-out', join(directory, `${domain}.crt`)];
  const name = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain}`];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...files, ...name];
  await place.run(openssl, request, { writes: [directory] });
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
