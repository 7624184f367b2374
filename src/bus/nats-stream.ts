/** The JetStream stream that holds the facts: made when missing, written with compare-and-set, read by one unfiltered ordered consumer. */
import {
  type Consumer,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../log.ts';
import { allFacts } from './facts.ts';

/** Name of the stream. */
export const factStream = 'CUSAX_FACTS';

const originHeader = 'Cusax-Origin';
const versionHeader = 'Cusax-Version';
const writeLimit = 2_000;
/** Messages that the server may send ahead of us. */
const readAhead = 2_000;

/** A stored message. */
export interface StoredFact {
  readonly subject: string;
  /** Its sequence in the stream: the revision of its subject. */
  readonly revision: number;
  readonly data: Uint8Array;
  /** Which process wrote it, and its version there (`OutboxEntry.version`). */
  readonly origin: string;
  readonly version: number;
  /** When the server stored it, in ms since 1970 by its clock. */
  readonly storedAt: number;
}

/** What became of a write. `refused`: the subject has another revision than expected. */
export type WriteOutcome = { readonly kind: 'stored'; readonly revision: number } | { readonly kind: 'refused' };

/** Reading in progress. */
export interface FactReader {
  /** Resolves when everything that stood at the beginning has been handed over. */
  readonly caughtUp: Promise<void>;
  stop(): void;
}

/** The stream on one connection. */
export class FactStream {
  /** When the server made the stream: another time means another stream. */
  readonly created: string;
  readonly lastRevision: number;
  readonly #js: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #log: Logger;

  private constructor(
    js: JetStreamClient,
    manager: JetStreamManager,
    info: { created: string; last: number },
    log: Logger,
  ) {
    this.#js = js;
    this.#manager = manager;
    this.created = info.created;
    this.lastRevision = info.last;
    this.#log = log;
  }

  /** Opens the stream, making it when it is not there; rejects with the client's errors. */
  static async open(connection: NatsConnection, log: Logger): Promise<FactStream> {
    const manager = await jetstreamManager(connection);
    const info = await manager.streams.info(factStream).catch((error: unknown) => {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
      throw error;
    });
    const { created, state, config } = info ?? (await manager.streams.add(streamSettings));
    if (config.max_msgs_per_subject !== 1) {
      log.warn({ stream: factStream }, 'the stream of facts keeps more than one message per subject');
    }
    return new FactStream(jetstream(connection), manager, { created, last: state.last_seq }, log);
  }

  /** Stores a message if its subject still has the expected revision (0: none). Rejects when the server cannot be asked. */
  async write(
    subject: string,
    data: Uint8Array,
    author: { origin: string; version: number },
    expected: number,
  ): Promise<WriteOutcome> {
    const head = headers();
    head.set(originHeader, author.origin);
    head.set(versionHeader, String(author.version));
    try {
      const expect = { lastSubjectSequence: expected, streamName: factStream };
      const { seq } = await this.#js.publish(subject, data, { headers: head, expect, timeout: writeLimit });
      return { kind: 'stored', revision: seq };
    } catch (error) {
      const refused = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
      if (refused) return { kind: 'refused' };
      throw error;
    }
  }

  /** The message that stands under a subject, or null. */
  async last(subject: string): Promise<StoredFact | null> {
    const message = await this.#manager.streams.getMessage(factStream, { last_by_subj: subject });
    return message && storedFact(message.subject, message.seq, message.data, message.header, message.time.getTime());
  }

  /** Removes messages for good; one whose place a newer one has taken is gone already. */
  async forget(revisions: readonly number[]): Promise<void> {
    for (const revision of revisions) {
      await this.#manager.streams.deleteMessage(factStream, revision, false).catch((err: unknown) => {
        this.#log.debug({ err }, 'an old message was already gone');
      });
    }
  }

  /** Hands over every message from a revision on, in order. `onTrouble`: the reading has ended and must begin anew. */
  async read(from: number, onMessage: (fact: StoredFact) => void, onTrouble: () => void): Promise<FactReader> {
    const consumer = await this.#js.consumers.get(factStream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, from),
    });
    const { num_pending: waiting } = await consumer.info(true);
    let caughtUp = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      caughtUp = resolve;
    });
    if (waiting === 0) caughtUp();
    const messages = await consumer.consume({
      max_messages: readAhead,
      idle_heartbeat: 2_000,
      callback: (message) => {
        const { streamSequence, pending, timestampNanos } = message.info;
        const storedAt = timestampNanos / 1e6;
        onMessage(storedFact(message.subject, streamSequence, message.data, message.headers, storedAt));
        if (pending === 0) caughtUp();
      },
    });
    let stopped = false;
    const ended = (): void => {
      if (!stopped) onTrouble();
      stopped = true;
    };
    void messages.closed().then(ended, ended);
    void watchReading(messages.status(), ended);
    return {
      caughtUp: done,
      stop: () => {
        stopped = true;
        void messages.close();
        this.#discard(consumer);
      },
    };
  }

  /** The server drops unused consumers by itself after five minutes; this is only tidier. */
  #discard(consumer: Consumer): void {
    consumer.delete().catch((err: unknown) => this.#log.debug({ err }, 'a consumer was already gone'));
  }
}

const streamSettings = {
  name: factStream,
  subjects: [allFacts],
  max_msgs_per_subject: 1,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
};

/** An ordered consumer repairs itself after gaps and restarts; only a stream that is gone it cannot repair. */
async function watchReading(notices: AsyncIterable<{ type: string }>, ended: () => void): Promise<void> {
  for await (const { type } of notices) if (type === 'stream_not_found') ended();
}

function storedFact(
  subject: string,
  revision: number,
  data: Uint8Array,
  head: MsgHdrs | undefined,
  storedAt: number,
): StoredFact {
  const version = Number(head?.get(versionHeader) ?? 0);
  return { subject, revision, data, origin: head?.get(originHeader) ?? '', version, storedAt };
}
