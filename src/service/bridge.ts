/** The composition root: one process of the service, made from its configuration. Decides nothing about meetings. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Facts } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createMucBridge, type MucBridge } from '../muc-bridge/muc-bridge.ts';
import type { PolicySettings } from '../policy/settings.ts';
import type { Mixer } from '../sip-focus/mixer.ts';
import { createSipFocus, type SipFocus } from '../sip-focus/sip-focus.ts';
import { SignalingDialer } from '../sip-focus/uac-dialer.ts';
import { addAdminRoutes } from './admin.ts';
import { BindingFacts } from './binding-facts.ts';
import { type Config, parsePeer } from './config.ts';
import { createFileDirectory, type FileDirectory } from './file-directory.ts';
import { createHttp } from './http.ts';
import { linkOf } from './link-config.ts';
import { meteredMixer } from './metered-mixer.ts';
import { createMetrics, type Sample } from './metrics.ts';
import { readinessOf } from './readiness.ts';
import { createHub, createMixer, type Hub, openSipServer, type SipServer } from './seams.ts';

/** One process of the service. */
export interface Bridge {
  /** Resolves when calls can be taken as soon as the servers are there; servers that are not there yet are waited for. */
  start(): Promise<void>;
  /** Ends what it does. `handOver`: calls that outlive the process are left to the next one. */
  stop(options?: { readonly handOver?: boolean }): Promise<void>;
  /** Where health, metrics and the admin API are; null before `start`. */
  readonly httpAddress: string | null;
  /** What the embedded SIP agent listens on, `protocol:host:port`. */
  readonly listening: readonly string[];
  /** All that is known of the meetings, now; only after `start`. */
  readonly facts: Facts;
  /** Calls back at every change of `facts`. */
  onChange(listener: Parameters<Hub['bus']['listen']>[0]): () => void;
}

/** What a caller may put in the place of the configured parts. */
export interface BridgeOptions {
  readonly log: Logger;
  /** Instead of the mixer of the configuration. */
  readonly mixer?: Mixer;
  /** Calls back when another process has taken over the name of this instance: this one must end. */
  readonly onReplaced?: () => void;
}

/** The links of a configuration in the form that the halves want. */
export const linksOf = (config: Config): readonly LinkSettings[] => config.links.map(linkOf);

const policyOf = ({ policy }: Config): PolicySettings => ({
  phonesInMembersOnly: policy['phones-in-members-only'],
  phonesStartMuted: policy['phones-start-muted'],
  visitorsMutedInUnmoderated: policy['visitors-muted-in-unmoderated'],
  anonymousCallers: policy['anonymous-callers'],
  callsPerPerson: policy['calls-per-person'],
});

/** Makes the service; nothing happens before `start`. Throws CONFIG_INVALID when a directory file is not usable. */
export function createBridge(config: Config, options: BridgeOptions): Bridge {
  return new Service(config, options);
}

class Service implements Bridge {
  readonly #config: Config;
  readonly #options: BridgeOptions;
  readonly #log: Logger;
  readonly #links: readonly LinkSettings[];
  readonly #hub: Hub;
  readonly #directory: FileDirectory;
  readonly #bindings: BindingFacts;
  readonly #metrics = createMetrics(() => this.#sample());
  readonly #mixer: Mixer;
  readonly #http: FastifyInstance;
  readonly #muc: MucBridge;
  readonly #ending = new AbortController();
  #sipServer: SipServer | null = null;
  #focus: SipFocus | null = null;
  #dialer: SignalingDialer | null = null;
  httpAddress: string | null = null;

  constructor(config: Config, options: BridgeOptions) {
    const { log } = options;
    this.#config = config;
    this.#options = options;
    this.#log = log;
    this.#links = linksOf(config);
    this.#hub = createHub(config, log);
    const { bindings, accounts } = config.directory;
    this.#directory = createFileDirectory(
      { ...(bindings === undefined ? {} : { bindings }), ...(accounts === undefined ? {} : { accounts }) },
      log,
    );
    this.#bindings = new BindingFacts(this.#directory, this.#hub.bus, log);
    const mixer = options.mixer ?? createMixer(config, () => this.#dialing(), log);
    this.#mixer = meteredMixer(mixer, this.#metrics);
    this.#muc = createMucBridge({
      ...this.#hub,
      settings: mucSettings(config),
      links: this.#links,
      log,
      instance: config.instance,
    });
    this.#http = createHttp({
      token: config.http.token,
      readiness: () => readinessOf({ bus: this.#hub.bus, focus: this.#focus, mixer: this.#mixer, muc: this.#muc }),
      metrics: this.#metrics,
      log,
      admin: (server) => addAdminRoutes(server, { links: this.#links, ...this.#hub }),
    });
  }

  get facts(): Facts {
    return this.#hub.bus.facts;
  }

  get listening(): readonly string[] {
    return this.#sipServer?.listening ?? [];
  }

  onChange(listener: Parameters<Hub['bus']['listen']>[0]): () => void {
    return this.#hub.bus.listen(listener);
  }

  async start(): Promise<void> {
    const { host, port } = this.#config.http;
    this.httpAddress = await this.#http.listen({ host, port });
    this.#log.info({ address: this.httpAddress }, 'health, metrics and the admin API are up');
    await this.#reachBus();
    await this.#claimName();
    await this.#bindings.compare();
    this.#sipServer = await openSipServer(this.#config, this.#log);
    this.#focus = this.#makeFocus(this.#sipServer);
    this.#dialer = new SignalingDialer(this.#focus.signaling, this.#log);
    await this.#mixer.start();
    await this.#focus.start();
    await this.#muc.start();
    this.#log.info({ instance: this.#config.instance, links: this.#links.length }, 'the bridge is running');
  }

  async stop({ handOver = false } = {}): Promise<void> {
    this.#ending.abort();
    this.#bindings.stop();
    this.#directory.close();
    await this.#focus?.stop({ handOver });
    await this.#muc.stop();
    await this.#mixer.stop();
    await this.#sipServer?.stop();
    await this.#hub.bus
      .flush(2_000)
      .catch((err: unknown) => this.#log.warn({ err }, 'the last facts did not reach the bus'));
    await this.#hub.bus.close();
    await this.#http.close();
    this.#log.info('the bridge has ended');
  }

  /** Servers that start at the same time as we do come up in any order. */
  async #reachBus(): Promise<void> {
    for (;;) {
      try {
        return await this.#hub.bus.start();
      } catch (error) {
        if (!(error instanceof BridgeError) || error.code !== 'BUS_UNAVAILABLE' || this.#ending.signal.aborted)
          throw error;
        this.#log.error({ err: error }, 'the event bus cannot be reached yet; trying again');
      }
    }
  }

  /** Only one process may answer to the name of this instance: the newest, since it is started in the place of another. */
  async #claimName(): Promise<void> {
    const name = `instance.${this.#config.instance}`;
    const lease = await this.#hub.leases.wait(name, this.#config.instance, this.#ending.signal);
    lease.onLost(() => {
      this.#log.fatal('another process runs under the name of this instance: give each its own `instance`');
      this.#options.onReplaced?.();
    });
    this.#ending.signal.addEventListener('abort', () => void lease.release());
  }

  #makeFocus(server: SipServer): SipFocus {
    const { sip, instance } = this.#config;
    return createSipFocus({
      ...this.#hub,
      settings: {
        ...{ host: server.host, port: server.port, secret: server.secret, limits: server.limits },
        keepsDialogs: sip.server.kind === 'drachtio',
        realm: sip.realm,
        accountDomains: sip['account-domains'],
        trustedPeers: sip['trusted-peers'].map(parsePeer).filter((peer) => peer !== null),
        authentication: sip.authentication,
        algorithms: sip.digests,
        watching: sip.watching,
        showDepartedMs: sip['show-departed'] * 1000,
        ...(sip['masking-key'] === undefined ? {} : { maskingKey: sip['masking-key'] }),
        expiry: { shortest: sip.subscriptions['shortest-expiry'], longest: sip.subscriptions['longest-expiry'] },
        subscriptionLimits: {
          perConference: sip.subscriptions['most-per-conference'],
          perAccount: sip.subscriptions['most-per-account'],
        },
        callRate: {
          perAddress: sip['call-rate']['per-address'],
          perAccount: sip['call-rate']['per-account'],
          seconds: sip['call-rate'].seconds,
        },
        notifier: { minimumGapMs: sip['notify-gap'] * 1000, chatPurposes: sip['chat-uris'] },
      },
      links: this.#links,
      policy: policyOf(this.#config),
      mixer: this.#mixer,
      credentials: this.#directory,
      log: this.#log,
      instance,
      generation: randomBytes(8).toString('hex'),
      onRefused: (what, status) => this.#metrics.refused[what].inc({ status: String(status) }),
    });
  }

  #dialing(): SignalingDialer {
    if (!this.#dialer) throw new BridgeError('SIP_SERVER_UNAVAILABLE', 'The SIP half has not started');
    return this.#dialer;
  }

  #sample(): Sample {
    const own = ({ id }: LinkSettings): number =>
      [...this.facts.meeting(id).legs.values()].filter((leg) => leg.instance === this.#config.instance).length;
    const focus = this.#focus?.debug();
    return {
      legs: new Map(this.#links.map((link) => [link.id, own(link)])),
      callsOverRate: focus?.callsOverRate ?? 0,
      subscriptions: focus?.subscriptions ?? 0,
      notifies: focus?.notify ?? { sent: 0, failed: 0, tooLarge: 0, waiting: 0 },
      documents: focus?.documents ?? { builds: 0, cut: 0, omitted: 0 },
    };
  }
}

const mucSettings = ({ xmpp, sip }: Config) => ({
  ...{ host: xmpp.host, port: xmpp.port, domain: xmpp.domain, secret: xmpp.secret },
  ...{ focus: xmpp.focus, nick: xmpp.nick, display: xmpp.display },
  summaryGapMs: xmpp['call-summary'] ? sip['notify-gap'] * 1000 : null,
  conferenceEndsAfterMs: xmpp['conference-ends-after'] * 1000,
});
