/**
 * XEP-0114: one supervised link to the XMPP server, the only file that knows @xmpp/component. It cures what 0.13.1 leaves
 * open: characters split over reads, a server that accepts and stays silent, answers from strangers, writes without a socket,
 * half-dead connections. Each attempt uses a fresh entity, so that nothing of a broken one is carried on.
 */
import type { Socket } from 'node:net';
import { type ComponentEntity, component, type Element, xml } from '@xmpp/component';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { withTrace } from '../trace.ts';
import { element, type StanzaLimits, withinLimits, type XmlElement } from './element.ts';
import { iqError } from './iq-error.ts';
import { pause } from './pause.ts';
import { type IqAnswer, PendingRequests } from './pending-requests.ts';

/** Where and as whom to connect, and how patient to be. All times in milliseconds. */
export interface ComponentSettings {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly secret: string;
  readonly connectLimitMs?: number;
  readonly answerLimitMs?: number;
  /** A ping (XEP-0199) goes to `pingTarget` this often; the link is dropped when it stays unanswered. */
  readonly pingEveryMs?: number;
  readonly pingTarget?: string;
  readonly firstDelayMs?: number;
  readonly longestDelayMs?: number;
  /** Least delay after the server refused us for good reason (secret, domain, conflict). */
  readonly fatalDelayMs?: number;
}

const defaults = {
  connectLimitMs: 5_000,
  answerLimitMs: 15_000,
  pingEveryMs: 15_000,
  firstDelayMs: 250,
  longestDelayMs: 30_000,
  fatalDelayMs: 5_000,
};

/** Bytes that may wait in the socket before senders are held back. */
const highWaterBytes = 4 * 1024 * 1024;
/** For stanzas from people; answers to our own questions may be longer. */
const strangerLimits: StanzaLimits = { characters: 64 * 1024, depth: 64 };
const answerLimits: StanzaLimits = { characters: 4 * 1024 * 1024, depth: 64 };

const advice: Readonly<Record<string, string>> = {
  'not-authorized': 'the component secret or domain is not the one in the XMPP server configuration',
  'host-unknown': 'the XMPP server does not know this component domain: add the component to its configuration',
  conflict: 'another process is connected with this component domain: only one may be',
};

/** What a link tells. `online` carries a number that grows with each connection: whatever was known before must be seen anew. */
export interface LinkListener {
  online(generation: number): void;
  offline(): void;
  /** Every stanza within limits that is no answer to a request of ours. Runs under a trace of its own. */
  stanza(stanza: XmlElement): void;
}

const toLibrary = (node: XmlElement): Element =>
  xml(
    node.name,
    { ...node.attrs },
    ...node.children.map((child) => (typeof child === 'string' ? child : toLibrary(child))),
  );

/** The supervised link. */
export class ComponentLink {
  readonly domain: string;
  readonly #settings: ComponentSettings & typeof defaults;
  readonly #log: Logger;
  readonly #listener: LinkListener;
  readonly #pending = new PendingRequests();
  #entity: ComponentEntity | null = null;
  #generation = 0;
  #stopping = new AbortController();
  #loop: Promise<void> | null = null;
  #lastCondition: string | null = null;

  constructor(settings: ComponentSettings, listener: LinkListener, log: Logger) {
    this.domain = settings.domain;
    this.#settings = { ...defaults, ...settings };
    this.#listener = listener;
    this.#log = log;
  }

  /** True while stanzas can be sent. */
  get online(): boolean {
    return this.#entity?.status === 'online';
  }

  /** Begins to connect and keeps connected until `stop`. */
  start(): void {
    this.#stopping = this.#loop ? this.#stopping : new AbortController();
    this.#loop ??= this.#run(this.#stopping.signal);
  }

  /** Says goodbye to the server and ends. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const entity = this.#entity;
    if (entity?.status === 'online') await entity.stop().catch(() => undefined);
    entity?.socket?.destroy();
    await this.#loop;
    this.#loop = null;
  }

  /** Sends a stanza; resolves when the kernel has taken it. Rejects with XMPP_UNAVAILABLE while the link is down. */
  async send(stanza: XmlElement): Promise<void> {
    const { entity, socket } = this.#connected();
    if (socket.writableLength > highWaterBytes) {
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', () => resolve());
      });
      this.#connected();
    }
    try {
      await entity.send(toLibrary(stanza));
    } catch (cause) {
      throw new BridgeError('XMPP_UNAVAILABLE', 'the link to the XMPP server broke while sending', { cause });
    }
  }

  /** Asks by IQ. Refusals are answers; rejects with XMPP_UNAVAILABLE or XMPP_TIMEOUT. */
  async request(
    type: 'get' | 'set',
    from: string,
    to: string,
    payload: XmlElement,
    limitMs = this.#settings.answerLimitMs,
  ): Promise<IqAnswer> {
    const { id, answer } = this.#pending.open(to, limitMs);
    answer.catch(() => undefined); // it is awaited below, but sending may fail first
    try {
      await this.send(element('iq', { type, from, to, id }, payload));
    } catch (error) {
      this.#pending.fail(error as BridgeError, id);
    }
    return answer;
  }

  #connected(): { entity: ComponentEntity; socket: NonNullable<ComponentEntity['socket']> } {
    const entity = this.#entity;
    if (entity?.status !== 'online' || !entity.socket) {
      throw new BridgeError('XMPP_UNAVAILABLE', 'there is no link to the XMPP server');
    }
    return { entity, socket: entity.socket };
  }

  async #run(signal: AbortSignal): Promise<void> {
    let delay = this.#settings.firstDelayMs;
    while (!signal.aborted) {
      this.#lastCondition = null;
      if (await this.#session(signal)) delay = this.#settings.firstDelayMs;
      if (signal.aborted) return;
      const fatal = this.#lastCondition !== null && this.#lastCondition in advice;
      const wait = fatal ? Math.max(delay, this.#settings.fatalDelayMs) : delay;
      delay = Math.min(delay * 2, this.#settings.longestDelayMs);
      await pause(wait * (0.8 + Math.random() * 0.4), signal);
    }
  }

  /** One connection from attempt to end; true when it got online. */
  async #session(signal: AbortSignal): Promise<boolean> {
    const entity = this.#makeEntity();
    const ended = new Promise<void>((resolve) => entity.once('disconnect', () => resolve()));
    this.#entity = entity;
    try {
      await this.#attempt(entity, signal);
    } catch (error) {
      this.#reportFailure(error);
      entity.socket?.destroy();
      return false;
    }
    this.#generation += 1;
    this.#log.info({ generation: this.#generation }, 'linked to the XMPP server');
    const stopPing = this.#keepAlive(entity);
    withTrace(() => this.#listener.online(this.#generation));
    await ended;
    stopPing();
    this.#pending.fail(new BridgeError('XMPP_UNAVAILABLE', 'the link to the XMPP server was lost'));
    if (!signal.aborted)
      this.#log.warn({ condition: this.#lastCondition ?? undefined }, 'the link to the XMPP server was lost');
    withTrace(() => this.#listener.offline());
    return true;
  }

  #makeEntity(): ComponentEntity {
    const { host, port, domain, secret } = this.#settings;
    const address = host.includes(':') ? `[${host}]` : host;
    const entity = component({ service: `xmpp://${address}:${port}`, domain, password: secret });
    entity.reconnect.stop();
    // The library's own routing answers IQs, reads addresses that may be malformed, and knows no limits: it is left out.
    entity.removeAllListeners('element');
    entity.setMaxListeners(50);
    entity.on('connect', () => {
      entity.socket?.setEncoding('utf8').setNoDelay(true).setKeepAlive(true, 10_000);
      if (entity.socket) this.#guardReading(entity.socket);
    });
    entity.on('error', (error) => {
      this.#lastCondition = error.condition ?? this.#lastCondition;
    });
    entity.on('stanza', (stanza) => withTrace(() => this.#receive(stanza)));
    return entity;
  }

  /** The library's parser throws at an unknown entity; out of a socket's event that would end the process. */
  #guardReading(socket: Socket): void {
    const readers = socket.listeners('data');
    socket.removeAllListeners('data').on('data', (chunk) => {
      try {
        for (const read of readers) read.call(socket, chunk);
      } catch (error) {
        this.#log.warn({ err: error }, 'the XMPP server sent what cannot be read; connecting anew');
        socket.destroy();
      }
    });
  }

  async #attempt(entity: ComponentEntity, signal: AbortSignal): Promise<void> {
    const started = entity.start();
    started.catch(() => undefined); // the race below may be over by then
    const cancel = new AbortController();
    const limit = this.#settings.connectLimitMs;
    const failed = new Promise<never>((_, reject) => {
      entity.once('error', reject);
      entity.once('disconnect', () =>
        reject(new BridgeError('XMPP_UNAVAILABLE', 'the XMPP server closed the connection')),
      );
      signal.addEventListener('abort', () => reject(new BridgeError('XMPP_UNAVAILABLE', 'stopped')), { once: true });
    });
    failed.catch(() => undefined); // an error after the race is reported by the session
    const late = pause(limit, cancel.signal).then(() => {
      if (!cancel.signal.aborted)
        throw new BridgeError('XMPP_TIMEOUT', `the XMPP server did not let us in within ${limit} ms`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([started, failed, late]);
    } finally {
      cancel.abort();
    }
    if (entity.status !== 'online')
      throw new BridgeError('XMPP_UNAVAILABLE', 'the XMPP server did not take the handshake');
  }

  #reportFailure(error: unknown): void {
    const condition = (error as { condition?: string }).condition ?? this.#lastCondition;
    if (condition) this.#lastCondition = condition;
    const { host, port, domain } = this.#settings;
    const hint = condition ? advice[condition] : undefined;
    if (hint) this.#log.error({ condition, host, port, domain }, `the XMPP server refuses us: ${hint}`);
    else this.#log.warn({ err: error, host, port }, 'no link to the XMPP server yet');
  }

  #keepAlive(entity: ComponentEntity): () => void {
    const { pingTarget, pingEveryMs, answerLimitMs, domain } = this.#settings;
    if (pingTarget === undefined) return () => undefined;
    const timer = setInterval(async () => {
      try {
        await this.request(
          'get',
          domain,
          pingTarget,
          element('ping', { xmlns: 'urn:xmpp:ping' }),
          Math.min(answerLimitMs, pingEveryMs),
        );
      } catch (error) {
        if ((error as BridgeError).code !== 'XMPP_TIMEOUT' || this.#entity !== entity) return;
        this.#log.warn('the XMPP server is silent; connecting anew');
        entity.socket?.destroy();
      }
    }, pingEveryMs);
    return () => clearInterval(timer);
  }

  #receive(stanza: Element): void {
    const answer = stanza.name === 'iq' && (stanza.attrs.type === 'result' || stanza.attrs.type === 'error');
    if (!withinLimits(stanza, answer ? answerLimits : strangerLimits)) {
      const { name: kind, attrs } = stanza;
      this.#log.warn({ peer: attrs.from, kind }, 'a stanza that is too large or too deep was left aside');
      // RFC 6120 8.2.3: a get or set is answered, whatever it is. A link that breaks meanwhile needs no answer any more.
      if (kind === 'iq' && !answer) this.send(iqError(stanza, 'modify', 'policy-violation')).catch(() => undefined);
      return;
    }
    if (answer) {
      const foreign = this.#pending.take(stanza) === 'foreign';
      if (foreign) this.#log.warn({ peer: stanza.attrs.from }, 'an answer from a stranger was left aside');
      return;
    }
    try {
      this.#listener.stanza(stanza);
    } catch (error) {
      this.#log.error({ err: error, kind: stanza.name }, 'a stanza could not be handled');
    }
  }
}
