/** What `deploy/` describes, in containers: its three images built, and started with the limits that docker-compose.yml sets them. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { parse, stringify } from 'yaml';
import { type DebianRelease, debianImage, nodeImage } from '../harness/containers/base-image.ts';
import { type HeldContainer, holdContainer } from '../harness/containers/containers.ts';
import { freePort, scratchDir } from '../harness/servers/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DEPLOYED_CONFIG = join(ROOT, 'deploy/bridge/config.yaml');
const IN_CONTAINER = '/etc/cusax-bridge/config.yaml';

/** The bridge's image, built once for all; its layers stay in Docker's cache. */
export async function buildBridge(): Promise<string> {
  const base = nodeImage();
  return build(ROOT, 'deploy/bridge/Dockerfile', 'cusax-bridge:local', base === null ? {} : { BASE: base });
}

async function build(context: string, dockerfile: string, tag: string, args: Record<string, string>): Promise<string> {
  await GenericContainer.fromDockerfile(context, dockerfile).withBuildArgs(args).build(tag, { deleteOnExit: false });
  return tag;
}

/** A container with the limits of docker-compose.yml whose ports are published on loopback only; up when its own health check says so. */
class ConfinedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.withDroppedCapabilities('ALL').withWaitStrategy(Wait.forHealthCheck()).withStartupTimeout(90_000);
  }

  protected override async beforeContainerCreated(): Promise<void> {
    this.hostConfig.ReadonlyRootfs = true;
    this.hostConfig.SecurityOpt = ['no-new-privileges:true'];
    this.hostConfig.Init = true;
    for (const bindings of Object.values(this.hostConfig.PortBindings ?? {})) {
      for (const binding of bindings as { HostIp?: string }[]) binding.HostIp = '127.0.0.1';
    }
  }
}

/** A running deployment. */
export interface Deployment {
  readonly nats: StartedTestContainer;
  readonly prosody: StartedTestContainer;
  readonly bridge: StartedTestContainer;
  /** As `XmppUser` wants it. */
  readonly xmpp: { readonly c2sPort: number; readonly domain: string };
  readonly sipPort: number;
  readonly httpUrl: string;
  stop(): Promise<void>;
}

/** Secrets as deploy/make-secrets.mjs makes them, and what else the configuration of the bridge wants from the environment. */
export function makeEnvironment(): Record<string, string> {
  const names = ['BRIDGE_SECRET', 'NATS_PASSWORD', 'DRACHTIO_SECRET', 'FREESWITCH_PASSWORD', 'ADMIN_TOKEN'];
  const secrets = names.map((name) => [name, `s${randomBytes(24).toString('hex')}`]);
  return {
    ...Object.fromEntries(secrets),
    XMPP_DOMAIN: 'localhost',
    SIP_DOMAIN: 'conf.example.org',
    SIP_ADDRESS: '127.0.0.1',
  };
}

/**
 * Starts NATS and Prosody of a Debian release and the bridge, which uses the machine's network as docker-compose.yml has it, and the
 * embedded SIP agent and mixer, since images of drachtio-server and FreeSWITCH cannot be made from packages.
 */
export async function startDeployment(release: DebianRelease, bridgeImage: string): Promise<Deployment> {
  const environment = makeEnvironment();
  const base = debianImage(release);
  const natsImage = await build(join(ROOT, 'deploy/nats'), 'Dockerfile', `cusax-nats:${release}`, { BASE: base });
  const prosodyImage = await build(join(ROOT, 'deploy/prosody'), 'Dockerfile', `cusax-prosody:${release}`, {
    BASE: base,
  });
  const held: HeldContainer[] = [];
  const scratch = scratchDir('deployment');
  const stop = async (): Promise<void> => {
    for (const container of held.reverse()) container.remove();
    scratch.remove();
  };
  const up = async (container: GenericContainer): Promise<StartedTestContainer> => {
    const hold = holdContainer('deployment');
    held.push(hold);
    return container.withName(hold.name).start();
  };
  try {
    const nats = await up(new ConfinedContainer(natsImage).withEnvironment(environment).withExposedPorts(4222));
    const prosody = await up(
      new ConfinedContainer(prosodyImage)
        .withEnvironment(environment)
        .withTmpFs({ '/run/prosody': 'mode=1777', '/tmp': '' })
        .withExposedPorts(5222, 5347),
    );
    const [sipPort, httpPort] = [await freePort(), await freePort()];
    const ports = {
      nats: nats.getMappedPort(4222),
      component: prosody.getMappedPort(5347),
      sip: sipPort,
      http: httpPort,
    };
    const config = join(scratch.path, 'config.yaml');
    writeFileSync(config, configuration(ports), { mode: 0o644 });
    const bridge = await up(
      new ConfinedContainer(bridgeImage)
        .withEnvironment({ ...environment, HEALTH_URL: `http://127.0.0.1:${httpPort}/health/ready` })
        .withNetworkMode('host')
        .withBindMounts([{ source: config, target: IN_CONTAINER, mode: 'ro' }]),
    );
    const xmpp = { c2sPort: prosody.getMappedPort(5222), domain: 'localhost' };
    return { nats, prosody, bridge, xmpp, sipPort, httpUrl: `http://127.0.0.1:${httpPort}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Ports {
  readonly nats: number;
  readonly component: number;
  readonly sip: number;
  readonly http: number;
}

/** The deployed configuration with the ports of this test, and without servers for SIP and media. */
function configuration(ports: Ports): string {
  const config = parse(readFileSync(DEPLOYED_CONFIG, 'utf8'));
  config.bus.servers = [`nats://127.0.0.1:${ports.nats}`];
  config.xmpp.port = ports.component;
  config.http.port = ports.http;
  config.sip.server = { kind: 'embedded', listen: [`udp:127.0.0.1:${ports.sip}`, `tcp:127.0.0.1:${ports.sip}`] };
  config.sip.mixer = { kind: 'embedded', host: '127.0.0.1' };
  return stringify(config);
}
