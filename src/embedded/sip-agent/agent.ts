/**
 * The embedded SIP agent: speaks drachtio-server's client protocol to applications, and SIP over UDP and TCP to the network.
 * Meant for trying out, development and tests; drachtio-server is the one for service.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { BridgeError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { type AgentCore, forgetIfUnused, type SipAgentLimits } from './agent-core.ts';
import { AppResponder } from './app-response.ts';
import { inviteUsage } from './dialog.ts';
import { DialogSender } from './dialog-sender.ts';
import { DialogTable } from './dialog-table.ts';
import { Inbound } from './inbound.ts';
import { Outbound } from './outbound.ts';
import { OutgoingRequests } from './outgoing.ts';
import { type Dns, systemDns } from './resolver.ts';
import { defaultScreening, type Screening } from './screening.ts';
import { TransactionLayer } from './transaction-layer.ts';
import { addressText, type LocalAddress, type Protocol, Transport } from './transport.ts';
import type { WireClient } from './wire-client.ts';
import { type AppFrame, parseAppMessage } from './wire-messages.ts';
import { WireServer } from './wire-server.ts';

export type { SipAgentLimits } from './agent-core.ts';

export interface SipAgentOptions {
  /** Where applications connect; port 0 takes a free one. */
  readonly admin: { readonly host: string; readonly port: number };
  /** What an application must know; make it random for each process. */
  readonly secret: string;
  /** SIP addresses; loopback by default. A port 0 is the same for UDP and TCP of one host where possible. */
  readonly listen?: readonly { readonly protocol: Protocol; readonly host: string; readonly port: number }[];
  readonly log: Logger;
  readonly limits?: Partial<SipAgentLimits>;
  /** Whom the agent answers by itself; scanners that are known everywhere are refused by default. */
  readonly screening?: Partial<Screening>;
  /** The host's resolver by default. */
  readonly dns?: Dns;
}

export interface SipAgentCounts {
  readonly clients: number;
  readonly connections: number;
  readonly dialogs: number;
  readonly serverTransactions: number;
  readonly clientTransactions: number;
  /** Requests that wait for an application, and requests of applications that wait for the network. */
  readonly incoming: number;
  readonly outgoing: number;
}

export interface SipAgent {
  /** The addresses in use, with their real ports. */
  readonly addresses: readonly LocalAddress[];
  readonly adminPort: number;
  counts(): SipAgentCounts;
  stop(): Promise<void>;
}

const defaultLimits: SipAgentLimits = {
  maxTransactions: 20_000,
  maxDialogs: 10_000,
  maxConnections: 1_000,
  maxClients: 64,
  maxHeaderBytes: 64 * 1024,
  maxMessageBytes: 256 * 1024,
};

const sweepInterval = 30_000;
/** How long a call is remembered whose application is gone, in ms. */
const orphanTime = 3_600_000;

/** Starts the agent. Rejects with SIP_SERVER_UNAVAILABLE when an address is not to be had, CONFIG_INVALID for a wildcard. */
export async function createSipAgent(options: SipAgentOptions): Promise<SipAgent> {
  const agent = new Agent(options);
  try {
    await agent.start();
  } catch (cause) {
    await agent.stop();
    if (cause instanceof BridgeError) throw cause;
    throw new BridgeError('SIP_SERVER_UNAVAILABLE', 'the embedded SIP agent cannot listen', { cause });
  }
  return agent;
}

class Agent implements SipAgent {
  adminPort = 0;
  readonly #options: SipAgentOptions;
  readonly #core: AgentCore;
  readonly #transport: Transport;
  readonly #wire: WireServer;
  readonly #sender: DialogSender;
  readonly #inbound: Inbound;
  readonly #outgoing: OutgoingRequests;
  readonly #outbound: Outbound;
  readonly #responder: AppResponder;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: SipAgentOptions) {
    this.#options = options;
    const { log, secret } = options;
    const limits = { ...defaultLimits, ...options.limits };
    this.#transport = new Transport({ limits, log, receive: (bytes, flow) => this.#core.layer.receive(bytes, flow) });
    const layer = new TransactionLayer({
      transport: this.#transport,
      user: {
        request: (request, transaction) => this.#inbound.request(request, transaction),
        cancel: (request, invite) => this.#inbound.cancel(request, invite),
        ack: (request, flow) => this.#inbound.ack(request, flow),
      },
      log,
      maxTransactions: limits.maxTransactions,
    });
    this.#core = {
      layer,
      dialogs: new DialogTable((dialog) => this.#sender.stopSession(dialog)),
      locals: this.#transport.locals,
      dns: options.dns ?? systemDns,
      log,
      limits,
      screening: { ...defaultScreening, ...options.screening },
      pick: (method) => this.#wire.pick(method),
    };
    this.#sender = new DialogSender(this.#core);
    this.#inbound = new Inbound(this.#core, this.#sender);
    this.#outgoing = new OutgoingRequests(this.#core, this.#sender);
    this.#outbound = new Outbound(this.#core, this.#outgoing, this.#sender);
    this.#responder = new AppResponder(this.#core, this.#inbound, this.#sender);
    this.#wire = new WireServer({
      secret,
      log,
      maxClients: limits.maxClients,
      hostports: () => this.addresses.map((local) => `${local.protocol}/${addressText(local)}`).join(','),
      onSip: (client, frame) => this.#onSip(client, frame),
      onClosed: (client) => this.#onClosed(client),
    });
  }

  get addresses(): readonly LocalAddress[] {
    return this.#transport.locals;
  }

  async start(): Promise<void> {
    const { admin, log, listen = defaultListen } = this.#options;
    for (const { protocol, host, port } of listen) await this.#listen(protocol, host, port);
    this.adminPort = await this.#wire.listen(admin.host, admin.port);
    this.#sweeper = setInterval(() => this.#sweep(), sweepInterval);
    this.#sweeper.unref();
    log.info(
      {
        addresses: this.addresses.map((local) => `${local.protocol}/${addressText(local)}`),
        adminPort: this.adminPort,
      },
      'embedded SIP agent started: it is meant for trying out, development and tests; use drachtio-server in service',
    );
  }

  counts(): SipAgentCounts {
    return {
      clients: this.#wire.clients.size,
      connections: this.#transport.connectionCount,
      dialogs: this.#core.dialogs.size,
      serverTransactions: this.#core.layer.servers.size,
      clientTransactions: this.#core.layer.clients.size,
      incoming: this.#inbound.size,
      outgoing: this.#outgoing.size,
    };
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#sender.close();
    this.#inbound.close();
    this.#core.layer.close();
    await Promise.all([this.#wire.close(), this.#transport.close()]);
  }

  async #listen(protocol: Protocol, host: string, port: number): Promise<void> {
    if (host === '0.0.0.0' || host === '::' || !(isIPv4(host) || isIPv6(host))) {
      throw new BridgeError(
        'CONFIG_INVALID',
        'the embedded SIP agent listens on a numeric address, not on all or a name',
      );
    }
    const sibling = port === 0 ? this.addresses.find((local) => local.host === host)?.port : undefined;
    if (sibling !== undefined) {
      const taken = await this.#transport.listen(protocol, host, sibling).catch(() => undefined);
      if (taken) return;
    }
    await this.#transport.listen(protocol, host, port);
  }

  #onSip(client: WireClient, frame: AppFrame): void {
    const [transactionId = '', dialogId = '', route = ''] = frame.fields;
    const message = parseAppMessage(frame.content);
    if (!message) client.refuse(frame.id, 'invalid request-uri: the message cannot be read');
    else if (message.kind === 'request') {
      this.#outbound.request({ client, frameId: frame.id, request: message }, { transactionId, dialogId, route });
    } else if (transactionId === '') client.refuse(frame.id, 'Server error: a response needs a transaction id');
    else this.#responder.respond(client, frame.id, transactionId, message);
  }

  /** Dialogs die with the connection of their application, but the peer must be able to end them. */
  #onClosed(client: WireClient): void {
    this.#inbound.release(client);
    this.#outgoing.release(client);
    const end = Date.now() + orphanTime;
    for (const dialog of this.#core.dialogs.all()) {
      if (dialog.owner === client && dialog.usages.has(inviteUsage)) dialog.usages.set(inviteUsage, end);
    }
  }

  /** Forgets subscriptions that ran out without a word, and calls nobody ended. */
  #sweep(): void {
    const now = Date.now();
    for (const dialog of [...this.#core.dialogs.all()]) {
      for (const [usage, end] of dialog.usages) if (end < now) dialog.usages.delete(usage);
      if (dialog.confirmed) forgetIfUnused(this.#core, dialog);
    }
  }
}

const defaultListen = [
  { protocol: 'udp', host: '127.0.0.1', port: 5060 },
  { protocol: 'tcp', host: '127.0.0.1', port: 5060 },
] as const;
