/** The SIP half: one focus per link (RFC 4353), on one SIP server and one mixer. Wires the parts; decides nothing itself. */
import { randomBytes } from 'node:crypto';
import type { Asks } from '../bus/asks.ts';
import type { Bus } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { Credentials } from '../identity/credentials.ts';
import type { Logger } from '../log.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { Adoption } from './adoption.ts';
import { Authenticator } from './authentication.ts';
import { anyCallRate, CallRate } from './call-rate.ts';
import { Departures, hungUp } from './departures.ts';
import { Foci } from './foci.ts';
import { FocusAsks } from './focus-asks.ts';
import { notifierSettings, type SipFocusSettings } from './focus-settings.ts';
import { InDialogHandler } from './in-dialog.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { InviteHandler } from './invite.ts';
import { Legs } from './legs.ts';
import { withinLimit } from './limited-wait.ts';
import { Mirror } from './mirror.ts';
import type { Mixer } from './mixer.ts';
import { type NotifyCounts, NotifyWriter } from './notify-writer.ts';
import { NumberMask } from './number-mask.ts';
import { RequestRouter } from './request-router.ts';
import { defaultSessionTimer } from './session-timer.ts';
import { Signaling } from './signaling.ts';
import { retryAfter } from './sip-errors.ts';
import { StrayMembers } from './stray-members.ts';
import { Subscriptions } from './subscribe.ts';
import type { DocumentCounts } from './subscribe-context.ts';
import { defaultExpiry } from './subscribe-request.ts';
import { defaultSubscriptionLimits } from './subscription-quota.ts';
import { WatcherRecords } from './watcher-records.ts';

export interface SipFocusParts {
  readonly settings: SipFocusSettings;
  readonly links: readonly LinkSettings[];
  readonly policy: PolicySettings;
  readonly bus: Bus;
  readonly asks: Asks;
  readonly mixer: Mixer;
  readonly credentials: Credentials;
  readonly log: Logger;
  /** Configured name, and a new id per start. */
  readonly instance: string;
  readonly generation: string;
  /** Hears the status of each refusal of a call, and of a subscription; a challenge is none. */
  readonly onRefused?: (what: 'call' | 'subscription', status: number) => void;
}

/** What the admin page shows of the focus. */
export interface SipFocusState {
  readonly connected: boolean;
  readonly notifyConnected: boolean;
  readonly mixerReady: boolean;
  readonly legs: number;
  /** Calls refused so far because somebody called too often. */
  readonly callsOverRate: number;
  readonly subscriptions: number;
  readonly notify: { readonly waiting: number; readonly unanswered: number } & NotifyCounts;
  readonly documents: DocumentCounts;
}

export interface SipFocus {
  /** The signaling connection, for a mixer that makes calls of its own. */
  readonly signaling: Signaling;
  /** Starts taking calls. The bus must have started and the mixer as well. Resolves without waiting for the SIP server. */
  start(): Promise<void>;
  /** Ends every call and subscription, and closes. `handOver`: leaves calls that outlive the process to the next one. */
  stop(options?: { readonly handOver?: boolean }): Promise<void>;
  /** True while calls can be taken. */
  ready(): boolean;
  debug(): SipFocusState;
}

/** Longer than the gap between two NOTIFYs to one watcher: nobody misses it. */
const defaultShowDepartedMs = 10_000;
const shutdown = { status: 503, text: 'The conference service is shutting down' };
/** How long a stop waits for the last answers. */
const farewellMs = 2000;

/** Makes the SIP half; nothing happens before `start`. */
export function createSipFocus(parts: SipFocusParts): SipFocus {
  return new Focus(parts);
}

class Focus implements SipFocus {
  readonly signaling: Signaling;
  readonly #parts: SipFocusParts;
  readonly #writer: NotifyWriter;
  readonly #legs: Legs;
  readonly #mirror: Mirror;
  readonly #departures: Departures;
  readonly #subscriptions: Subscriptions;
  readonly #adoption: Adoption;
  readonly #callRate: CallRate;
  readonly #strays: StrayMembers;
  readonly #asks: FocusAsks;
  readonly #endings: (() => void)[] = [];
  #stopping = false;
  #tookOver = false;
  #grace: NodeJS.Timeout | null = null;

  constructor(parts: SipFocusParts) {
    const { settings, links, policy, bus, asks, mixer, credentials, log, instance, generation } = parts;
    this.#parts = parts;
    this.signaling = new Signaling(settings, log);
    this.#writer = new NotifyWriter(settings, log);
    const foci = new Foci(links);
    const me = { instance, generation };
    this.#departures = new Departures(bus, me, settings.showDepartedMs ?? defaultShowDepartedMs, log);
    this.#legs = new Legs(bus, mixer, this.signaling, this.#departures, log);
    this.#mirror = new Mirror(this.#legs, bus, mixer, policy, log);
    this.#callRate = new CallRate(settings.callRate ?? anyCallRate);
    const sessionTimer = settings.sessionTimer ?? defaultSessionTimer;
    const authenticator = new Authenticator(settings, credentials, log);
    const invites = new InviteHandler({
      ...{ bus, mixer, legs: this.#legs, mirror: this.#mirror, policy, sessionTimer, instance, generation, log },
      maximumPending: settings.maximumPending ?? 64,
      ...{ callRate: this.#callRate, trustedPeers: settings.trustedPeers },
      mask: new NumberMask(settings.maskingKey ?? randomBytes(32).toString('hex')),
    });
    const calls = new InDialogHandler(this.#legs, mixer, sessionTimer, log);
    const router = new RequestRouter({
      foci,
      signaling: this.signaling,
      authenticator,
      invites,
      calls,
      legs: this.#legs,
      log,
    });
    this.#subscriptions = new Subscriptions(links, {
      ...{ bus, writer: this.#writer, records: new WatcherRecords(bus, me, log), policy, log },
      notifier: notifierSettings(settings),
      expiry: settings.expiry ?? defaultExpiry,
      limits: settings.subscriptionLimits ?? defaultSubscriptionLimits,
      graceMs: settings.watchGraceMs ?? 3000,
      watching: settings.watching ?? 'participants',
      keepsDialogs: settings.keepsDialogs ?? false,
      dialogLost: (leg, status) => this.#dialogLost(leg, status),
      identify: (request, always) => router.identify(request, always),
    });
    router.serve(this.#subscriptions);
    this.#adoption = new Adoption(bus, mixer, this.#legs, foci, this.#departures, me, log);
    this.#strays = new StrayMembers(bus, mixer, log);
    this.#asks = new FocusAsks(bus, asks, this.#legs, this.#mirror, log);
    this.#legs.onEnd((leg) => this.#subscriptions.legEnded(leg));
    this.#writer.onReady(() => this.#subscriptions.resume());
    this.signaling.listen(
      (request) => {
        const begins = request.toTag === null;
        if (begins) this.#countRefusal(request);
        // Nothing new while stopping; who hangs up meanwhile is heard.
        if (this.#stopping && begins) void request.respond(503, { headers: { 'Retry-After': retryAfter() } });
        else router.route(request);
      },
      (connection) => this.#connected(connection),
    );
  }

  async start(): Promise<void> {
    const { bus, asks, mixer, instance } = this.#parts;
    mixer.onReport((report) => {
      if (report.kind === 'left') this.#left(report.leg, report.cause);
      else if (report.kind === 'down') this.#mixerDown();
      else this.#mirror.report(report);
      if (report.kind === 'up') this.#mixerUp();
    });
    this.#endings.push(
      bus.listen((event) => {
        this.#mirror.fact(event);
        this.#subscriptions.fact(event);
      }),
    );
    this.#endings.push(asks.serve({ owner: 'focus', instance }, (ask) => this.#asks.answer(ask)));
    this.signaling.start();
    this.#writer.start();
  }

  async stop({ handOver = false } = {}): Promise<void> {
    this.#stopping = true;
    if (this.#grace) clearTimeout(this.#grace);
    for (const end of this.#endings) end();
    this.#strays.stop();
    this.#subscriptions.end(null, 'deactivated');
    const closed = this.#departures.close();
    const outlives = handOver && this.#parts.mixer.outlivesProcess;
    const farewells = outlives ? [] : [...this.#legs.all].map((leg) => this.#legs.end(leg, shutdown));
    await withinLimit(Promise.all([...farewells, closed, this.#legs.released(), this.#notified()]), farewellMs);
    this.#subscriptions.stop();
    this.#writer.stop();
    this.signaling.stop();
  }

  ready(): boolean {
    return this.signaling.connected && this.#parts.mixer.ready() && !this.#stopping;
  }

  debug(): SipFocusState {
    return {
      connected: this.signaling.connected,
      notifyConnected: this.#writer.ready,
      mixerReady: this.#parts.mixer.ready(),
      legs: this.#legs.size,
      callsOverRate: this.#callRate.refused,
      subscriptions: this.#subscriptions.size,
      notify: { ...this.#writer.load, ...this.#writer.counts },
      documents: this.#subscriptions.documents,
    };
  }

  #countRefusal(request: IncomingRequest): void {
    const what = request.method === 'INVITE' ? 'call' : request.method === 'SUBSCRIBE' ? 'subscription' : null;
    if (what === null) return;
    request.onFinalAnswer = (status) => {
      if (status >= 300 && status !== 401) this.#parts.onRefused?.(what, status);
    };
  }

  /** A later connection than the first: what hung on the one before is dead. */
  #connected(connection: number): void {
    this.#takeOver();
    if (connection === 1) return;
    this.#subscriptions.reconnected(connection);
    this.#adoption.reconnected(connection).catch((error) => this.#complain(error));
  }

  /** Once, as soon as both the SIP server and the mixer can be asked: deals with what the process before has left. */
  #takeOver(): void {
    if (this.#tookOver || !this.ready()) return;
    this.#tookOver = true;
    this.#adopt().catch((error) => this.#complain(error));
  }

  /** Facts and mixer have gone on without a focus: what they say now holds for the legs of before as well. */
  async #adopt(): Promise<void> {
    await this.#adoption.takeOver();
    for (const leg of [...this.#legs.all]) this.#mirror.compare(leg);
    this.#mirror.resync();
    await this.#strays.look();
  }

  #complain(error: unknown): void {
    this.#parts.log.error({ err: error }, 'calls of before could not all be dealt with');
  }

  #mixerUp(): void {
    if (this.#grace) clearTimeout(this.#grace);
    this.#grace = null;
    this.#takeOver();
  }

  /** Calls may go on without us; when they cannot be reached for long, silence is taken for what it is. */
  #mixerDown(): void {
    this.#parts.log.warn('the mixer cannot be reached');
    if (this.#grace || this.#stopping) return;
    this.#grace = setTimeout(() => {
      this.#grace = null;
      const cause = { status: 503, text: 'The media server is down' };
      for (const leg of [...this.#legs.all]) void this.#legs.end(leg, cause);
    }, this.#parts.settings.mixerGraceMs ?? 30_000);
    this.#grace.unref();
  }

  #dialogLost(id: string, status: number): void {
    const leg = this.#legs.byId(id);
    if (!leg) return;
    this.#parts.log.warn({ leg: id, status }, 'a phone says that the dialog of its call is dead');
    void this.#legs.end(leg, { status: 481, text: 'The phone does not know this call any more' });
  }

  #left(id: string, cause: string): void {
    const leg = this.#legs.byId(id);
    if (!leg) return;
    this.#parts.log.info({ leg: id, cause }, 'the mixer let a call go');
    const text = cause === 'media-timeout' ? 'No media came from this call' : 'The media of this call have ended';
    const willing = cause === 'hung-up' || cause === 'ordered';
    const end = { status: cause === 'hung-up' ? 200 : 503, text };
    void this.#legs.end(leg, end, willing ? hungUp : undefined);
  }

  /** Resolves when the last NOTIFYs are out and answered. */
  async #notified(): Promise<void> {
    while (this.#writer.ready && this.#writer.load.unanswered + this.#writer.load.waiting > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
