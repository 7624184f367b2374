/** A subscriber to a conference's state (RFC 4575, RFC 6665), by itself or inside a call: every document is judged as it comes. */
import { ConferenceReader } from '../conference/reader.ts';
import { RuleBroken } from '../conference/rules.ts';
import { validateCollected } from '../conference/schema.ts';
import type { ConferenceView } from '../conference/view.ts';
import { Watch } from '../xmpp-watch.ts';
import { parameterOf } from './address.ts';
import type { Call } from './call.ts';
import { briefly } from './courtesy.ts';
import type { Dialog, IncomingRequest, Usage } from './dialog.ts';
import type { HeaderLine, SipMessage } from './message.ts';
import { type AgentOptions, SipUserAgent } from './user-agent.ts';

/** How a subscriber treats NOTIFY: 200, no answer at all, or this status. */
export type NotifyAnswer = 'ok' | 'silent' | number;

/** Who watches and how. */
export interface WatcherOptions extends AgentOptions {
  /** Subscribes within the dialog of this call, with the call's user agent. */
  readonly inDialogOf?: Call;
  /** Seconds to ask for; default 600. */
  readonly expires?: number;
  /** The Event header; default `conference`. */
  readonly event?: string;
  /** Default: ok. */
  readonly answer?: NotifyAnswer;
  /** Tokens of service URIs that descriptions must have; default: what ConferenceReader expects. */
  readonly chat?: ConstructorParameters<typeof ConferenceReader>[1];
  /** True: NOTIFYs may get lost on the way. A whole document is then right whatever its version (RFC 4575 4.6), a partial one is not. */
  readonly lossy?: boolean;
  /** More headers of each SUBSCRIBE. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A document as it came. */
export interface WatchedDocument {
  /** The state attribute; `full` where it is left out (RFC 4575 5.1). */
  readonly state: string;
  readonly version: number;
  readonly xml: string;
}

/** A SUBSCRIBE that was refused: the final answer of 300 or above. */
export class SubscribeRefused extends Error {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(response: SipMessage) {
    super(`the subscription was refused: ${response.status} ${response.reason}`);
    this.name = 'SubscribeRefused';
    this.status = response.status;
    this.headers = response.headers;
  }
}

const mediaType = 'application/conference-info+xml';
/** An attribute of the root element. */
function attributeOf(xml: string, name: string): string | undefined {
  const root = /<[A-Za-z][^>]*>/.exec(xml)?.[0] ?? '';
  return new RegExp(`\\s${name}\\s*=\\s*["']([^"']*)["']`).exec(root)?.[1];
}

/** Whether what the reader complains of is but that documents are missing before one that has everything. */
const isGapBeforeWhole = (error: unknown, xml: string): boolean =>
  error instanceof RuleBroken &&
  error.message.includes('version gap') &&
  (attributeOf(xml, 'state') ?? 'full') === 'full';

export class Watcher implements Usage {
  /** How NOTIFYs are answered from now on. */
  answer: NotifyAnswer;
  /** All NOTIFYs of the subscription, in order. */
  readonly notifies: SipMessage[] = [];
  readonly #options: WatcherOptions;
  readonly #agent: SipUserAgent;
  readonly #dialog: Dialog;
  readonly #documents: WatchedDocument[] = [];
  readonly #watch = new Watch();
  readonly #reader: ConferenceReader;
  #broken: Error | undefined;
  #end: { reason?: string } | undefined;
  #expires = 0;

  private constructor(options: WatcherOptions, agent: SipUserAgent, dialog: Dialog) {
    this.#options = options;
    this.#reader = new ConferenceReader(undefined, options.chat);
    this.answer = options.answer ?? 'ok';
    this.#agent = agent;
    this.#dialog = dialog;
    dialog.usages.add(this);
  }

  /** Subscribes and resolves once the first NOTIFY is there; rejects with SubscribeRefused. */
  static async subscribe(options: WatcherOptions, uri: string): Promise<Watcher> {
    const agent = options.inDialogOf?.agent ?? (await SipUserAgent.open(options));
    const watcher = new Watcher(options, agent, options.inDialogOf?.dialog ?? agent.dialogTo(uri));
    try {
      await watcher.#subscribe(options.expires ?? 600);
      // RFC 6665 4.2.1.2: a NOTIFY follows every 2xx at once.
      await watcher.#watch.until(() => watcher.notifies.length > 0, 'the NOTIFY after a SUBSCRIBE');
      return watcher;
    } catch (error) {
      await watcher.#release();
      throw error;
    }
  }

  /** What the documents so far say of the conference. */
  get view(): ConferenceView {
    return this.#reader.view;
  }

  /** The documents so far. */
  get documents(): readonly WatchedDocument[] {
    return this.#documents;
  }

  /** NOTIFYs that came after the last one. */
  get lateNotifies(): readonly SipMessage[] {
    const { callId } = this.#dialog;
    return this.#agent.strays.filter((stray) => stray.method === 'NOTIFY' && stray.header('call-id') === callId);
  }

  /** Seconds granted by the last answer or NOTIFY. */
  get expires(): number {
    return this.#expires;
  }

  /** Resolves once the view fits. Rejects after the limit, and at once when a document broke a rule. */
  async until(predicate: (view: ConferenceView) => boolean, what: string, limitMs?: number): Promise<void> {
    const holds = (): boolean => {
      this.#throwBroken();
      return predicate(this.view);
    };
    try {
      await this.#watch.until(holds, what, limitMs);
    } catch (error) {
      this.#throwBroken();
      // a document that the schema does not admit may be the reason
      const invalid = await validateCollected().then(
        () => '',
        (complaint: Error) => `; ${complaint.message}`,
      );
      throw new Error(`${(error as Error).message}; ${this.#describe()}${invalid}`, { cause: error });
    }
  }

  /** Subscribes again within the subscription and resolves once the NOTIFY that must follow is there. Rejects with SubscribeRefused. */
  async refresh(expires?: number): Promise<void> {
    const before = this.notifies.length;
    await this.#subscribe(expires ?? this.#options.expires ?? 600);
    await this.#watch.until(() => this.notifies.length > before, 'the NOTIFY after a refresh');
  }

  /** Entity-tag of the state that the last NOTIFY told (RFC 5839); undefined where it had none. */
  get entityTag(): string | undefined {
    return this.notifies.at(-1)?.header('sip-etag') ?? undefined;
  }

  /**
   * Subscribes again, unless the state has changed since the last NOTIFY (RFC 5839) only for the time: 204, and no NOTIFY follows. 200
   * once the NOTIFY that must follow is there. Rejects with SubscribeRefused.
   */
  async refreshIfChanged(expires?: number): Promise<number> {
    const before = this.notifies.length;
    const condition: HeaderLine[] = [['Suppress-If-Match', this.entityTag ?? '']];
    const status = await this.#subscribe(expires ?? this.#options.expires ?? 600, condition);
    if (status !== 204) await this.#watch.until(() => this.notifies.length > before, 'the NOTIFY after a refresh');
    return status;
  }

  /** Ends the subscription and resolves once the last NOTIFY is there. */
  async unsubscribe(): Promise<void> {
    if (this.#end !== undefined) return;
    await this.#subscribe(0);
    await this.ended();
  }

  /** Resolves once a NOTIFY has ended the subscription, at once if one already has. */
  ended(limitMs?: number): Promise<{ reason?: string }> {
    return this.#watch.until(() => this.#end, 'the end of a subscription', limitMs);
  }

  /** Ends the subscription if it stands, and the user agent unless it is a call's. Throws when a document broke a rule. */
  async close(): Promise<void> {
    if (this.#end === undefined && this.answer === 'ok' && !this.#dialog.dead) {
      await briefly(this.unsubscribe());
    }
    await this.#release();
    this.#throwBroken();
  }

  receive(incoming: IncomingRequest): boolean {
    const { message } = incoming;
    const event = (this.#options.event ?? 'conference').split(';')[0];
    const theirs = message.header('event')?.split(';')[0];
    if (message.method !== 'NOTIFY' || theirs !== event || this.#end !== undefined) return false;
    if (this.answer !== 'silent') incoming.respond(this.answer === 'ok' ? 200 : this.answer);
    this.notifies.push(message);
    this.#readDocument(message);
    this.#readState(message.header('subscription-state') ?? '');
    this.#watch.changed();
    return true;
  }

  async #subscribe(expires: number, more: readonly HeaderLine[] = []): Promise<number> {
    const headers: HeaderLine[] = [
      ['Event', this.#options.event ?? 'conference'],
      ['Accept', mediaType],
      ['Expires', `${expires}`],
      ...Object.entries(this.#options.headers ?? {}),
      ...more,
    ];
    const response = await this.#agent.request(this.#dialog, 'SUBSCRIBE', { headers });
    if (response.status >= 300) throw new SubscribeRefused(response);
    this.#expires = Number(response.header('expires') ?? expires);
    return response.status;
  }

  #readDocument(message: SipMessage): void {
    if (message.body === '') return;
    const xml = message.body;
    const version = Number(attributeOf(xml, 'version'));
    this.#documents.push({ state: attributeOf(xml, 'state') ?? 'full', version, xml });
    try {
      const type = (message.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
      if (type !== mediaType) throw new Error(`a document of type ${type}`);
      this.#reader.accept(xml);
    } catch (error) {
      if (this.#options.lossy !== true || !isGapBeforeWhole(error, xml)) this.#broken ??= error as Error;
    }
  }

  #readState(state: string): void {
    const granted = parameterOf(state, 'expires');
    if (granted !== undefined) this.#expires = Number(granted);
    if (!/^\s*terminated/i.test(state)) return;
    const reason = parameterOf(state, 'reason');
    this.#end = reason === undefined ? {} : { reason };
    this.#dialog.usages.delete(this);
    this.#agent.release(this.#dialog);
  }

  #throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #describe(): string {
    const last = this.#documents.at(-1);
    const people = this.view.users.map((user) => user.displayText ?? user.entity).join(', ');
    const state = this.#end === undefined ? '' : `, the subscription has ended (${this.#end.reason ?? 'no reason'})`;
    return `${this.#documents.length} documents so far, version ${last?.version ?? 'none'}, users: ${people || 'none'}${state}`;
  }

  async #release(): Promise<void> {
    this.#dialog.usages.delete(this);
    this.#agent.release(this.#dialog);
    if (this.#options.inDialogOf === undefined) await this.#agent.close();
  }
}
