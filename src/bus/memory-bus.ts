/** The bus inside one process: facts and asks without a server. Nothing outlives the process. */
import { isDeepStrictEqual } from 'node:util';
import type { FactKind, FactValues } from '../conference-info/meeting.ts';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { currentTrace, withTrace } from '../trace.ts';
import type { Ask, AskAnswer, Asks, AskTarget } from './asks.ts';
import type { Bus, BusStatus, FactEvent, Facts } from './bus.ts';
import { FactStore } from './fact-store.ts';
import { checkFact, subjectOf } from './facts.ts';

/** Makes a bus for one process; several halves may share it. It keeps its facts over `close` and `start`, as a server would. */
export function createMemoryBus(log: Logger): Bus {
  const store = new FactStore(log);
  const statusListeners = new Set<(status: BusStatus) => void>();
  let status: BusStatus = 'closed';
  const setStatus = (next: BusStatus): void => {
    status = next;
    for (const listener of statusListeners) listener(next);
  };
  const put = <K extends FactKind>(link: string, kind: K, key: string, value: FactValues[K] | null): void => {
    subjectOf(link, kind, key);
    if (isDeepStrictEqual(store.get(link, kind, key), value)) return;
    store.apply(link, kind, key, value === null ? null : structuredClone(value), currentTrace());
  };
  return {
    facts: store as Facts,
    start: async () => setStatus('connected'),
    status: () => status,
    onStatus(listener) {
      statusListeners.add(listener);
      return () => statusListeners.delete(listener);
    },
    listen: (listener: (event: FactEvent) => void) => store.listen(listener),
    async publish(link, kind, key, value) {
      put(link, kind, key, checkFact(kind, value));
    },
    async withdraw(link, kind, key) {
      put(link, kind, key, null);
    },
    flush: async () => undefined,
    close: async () => setStatus('closed'),
  };
}

const nameOf = (target: AskTarget): string => (target.owner === 'room' ? 'room' : `focus ${target.instance}`);

/** Asks inside one process. */
export function createMemoryAsks(log: Logger): Asks {
  const handlers = new Map<string, (ask: Ask) => Promise<AskAnswer>>();
  return {
    serve(target, handler) {
      handlers.set(nameOf(target), handler);
      return () => {
        if (handlers.get(nameOf(target)) === handler) handlers.delete(nameOf(target));
      };
    },
    async ask(target, ask, limitMs = 10_000) {
      const handler = handlers.get(nameOf(target));
      if (!handler) throw new BridgeError('ASK_UNANSWERED', `nobody answers asks to the ${target.owner}`);
      const answer = withTrace(() => answerOf(handler, ask, log), currentTrace());
      return limited(answer, limitMs, target.owner);
    },
  };
}

/** Runs a handler; a failure becomes the answer `internal-error`. */
export async function answerOf(handler: (ask: Ask) => Promise<AskAnswer>, ask: Ask, log: Logger): Promise<AskAnswer> {
  try {
    return await handler(ask);
  } catch (error) {
    log.error({ err: error, act: ask.act, link: ask.link }, 'an ask failed');
    return { ok: false, condition: 'internal-error', text: 'The request failed; the log of the service says why.' };
  }
}

async function limited(answer: Promise<AskAnswer>, limitMs: number, owner: string): Promise<AskAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new BridgeError('ASK_UNANSWERED', `no answer from the ${owner} within ${limitMs} ms`)),
      limitMs,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
