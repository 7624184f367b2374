/**
 * An ejabberd for one test file: 2 to 4 s to start, on free ports, with its data in a scratch directory.
 * `erl` is called directly: Debian's ejabberdctl wants to become the system user and to read its directories. Without a
 * node name there is no Erlang distribution either, hence no epmd, no cookie, and no second port.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Place, thisMachine } from './place.ts';
import { acceptsTcp, freePort, type ScratchDir, scratchDir } from './process.ts';
import { startRestartable } from './restartable.ts';
import { XMPP_NAMES, type XmppServer, type XmppServerOptions } from './xmpp-server.ts';

/** The parts of an installed ejabberd. */
export interface EjabberdInstallation {
  /** What `erl` is called by. */
  readonly erl: string;
  /** The directory that holds `ejabberd-<version>`; further libraries may be in Erlang's own directory. */
  readonly libs: string;
}

const SOURCES = fileURLToPath(new URL('../../../deploy/ejabberd', import.meta.url));

/** Where ejabberd is, or null when there is none. */
export function findEjabberd(place: Place = thisMachine): EjabberdInstallation | null {
  const erl = place.find('erl');
  const libs = place.findErlangLibraries();
  return erl === null || libs === null ? null : { erl, libs };
}

/** Starts ejabberd; throws when there is none (ask `findEjabberd` first). */
export async function startEjabberd(options: XmppServerOptions = {}, place: Place = thisMachine): Promise<XmppServer> {
  const installation = findEjabberd(place);
  if (installation === null) throw new Error('ejabberd is not installed');
  const withModules = options.modules !== false;
  const modules = withModules ? await builtModules(place) : null;
  const scratch = scratchDir('ejabberd');
  const ports = { c2s: await freePort(), component: await freePort(), http: await freePort() };
  writeFileSync(join(scratch.path, 'ejabberd.yml'), configuration(ports, options));
  mkdirSync(join(scratch.path, 'database'));

  const { log, kill, restart, shutDown } = await startRestartable(() =>
    place.start({
      name: 'ejabberd',
      command: installation.erl,
      args: erlangArguments(scratch, modules),
      cwd: scratch.path,
      files: { reads: modules === null ? [] : [modules], writes: [scratch.path] },
      env: environment(installation, scratch),
      ready: async () =>
        (await acceptsTcp(ports.http)) && (await acceptsTcp(ports.c2s)) && (await acceptsTcp(ports.component)),
      readyTimeoutMs: 60_000,
      stopTimeoutMs: 30_000,
    }),
  );
  const api = (command: string, body: object) => callApi(ports.http, command, body);
  return {
    ...XMPP_NAMES,
    kind: 'ejabberd',
    directTlsPort: null,
    c2sPort: ports.c2s,
    componentPort: ports.component,
    options: { modules: withModules },
    addUser: (user, password) => api('register', { user, host: XMPP_NAMES.domain, password }),
    removeUser: (user) => api('unregister', { user, host: XMPP_NAMES.domain }),
    ...{ log, kill, restart, shutDown },
    async stop() {
      await kill();
      scratch.remove();
    },
  };
}

const modulesOfThisRun = new Map<Place, Promise<string>>();

/** Compiles the modules of deploy/ejabberd where they will run, once per test process. */
function builtModules(place: Place): Promise<string> {
  const built = modulesOfThisRun.get(place) ?? buildModules(place);
  modulesOfThisRun.set(place, built);
  return built;
}

async function buildModules(place: Place): Promise<string> {
  const { path } = scratchDir('ejabberd-modules');
  await place.run(join(SOURCES, 'build.sh'), [path], { reads: [SOURCES], writes: [path] });
  return path;
}

function erlangArguments(scratch: ScratchDir, modules: string | null): string[] {
  return [
    ...['+sss', '8192'], // the default stack of a port driver overflows on deeply nested stanzas and kills the node
    ...['+sbwt', 'none'], // no busy waiting: the tests share the processors
    ...(modules === null ? [] : ['-pa', modules]),
    ...['-noinput', '-mnesia', 'dir', JSON.stringify(join(scratch.path, 'database')), '-s', 'ejabberd'],
  ];
}

function environment(installation: EjabberdInstallation, scratch: ScratchDir): Record<string, string> {
  return {
    ERL_LIBS: installation.libs,
    ERL_CRASH_DUMP_BYTES: '0',
    EJABBERD_CONFIG_PATH: join(scratch.path, 'ejabberd.yml'),
    EJABBERD_LOG_PATH: join(scratch.path, 'ejabberd.log'),
    CONTRIB_MODULES_PATH: join(scratch.path, 'contrib'),
    CONTRIB_MODULES_CONF_DIR: join(scratch.path, 'contrib-conf'),
    HOME: scratch.path,
  };
}

async function callApi(port: number, command: string, body: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`ejabberd refused ${command}: ${response.status} ${text}`);
}

function configuration(ports: { c2s: number; component: number; http: number }, options: XmppServerOptions): string {
  const { domain, mucDomain, componentDomain, otherComponentDomain, componentSecret } = XMPP_NAMES;
  const { setBy = 'owner', allowedHosts = [], clarkNamespace = '' } = options.avuri ?? {};
  const avuri = { set_by: setBy, allowed_hosts: allowedHosts, clark_namespace: clarkNamespace };
  const modules = options.modules === false ? '' : `mod_muc_avuri: ${JSON.stringify(avuri)}`;
  return `
hosts: [${domain}]
loglevel: info
certfiles: []
new_sql_schema: false
auth_password_format: plain
disable_sasl_mechanisms: [digest-md5, X-OAUTH2]
s2s_access: { deny: all }
listen:
  - { port: ${ports.c2s}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, shaper: none, access: all }
  - port: ${ports.component}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    global_routes: false
    check_from: true
    max_fsm_queue: 100000
    max_stanza_size: 1048576
    hosts:
      ${componentDomain}: { password: "${componentSecret}" }
      ${otherComponentDomain}: { password: "${componentSecret}" }
  - { port: ${ports.http}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: { /api: mod_http_api } }
acl:
  bridge: { user: focus@${componentDomain} }
  loopback: { ip: [127.0.0.0/8] }
access_rules:
  muc_admin: { allow: bridge }
api_permissions:
  "accounts of the tests": { who: { access: { allow: loopback } }, what: [register, unregister] }
modules:
  mod_adhoc: {}
  mod_admin_extra: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_disco: {}
  mod_muc:
    host: ${mucDomain}
    access: all
    access_admin: muc_admin
    access_create: all
    access_persistent: all
    max_users: 5000
    max_user_conferences: 10000
    max_users_presence: 10000
    max_rooms_discoitems: 1000
    default_room_options:
      { persistent: false, moderated: false, anonymous: true, public: true, enable_hats: true, max_users: 5000 }
  ${modules}
  mod_ping: {}
  mod_private: {}
  mod_pubsub: { plugins: [flat, pep] }
  mod_roster: {}
  mod_vcard: { search: false }
  mod_version: {}
`;
}
