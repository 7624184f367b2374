/** Asks over core NATS: request and reply, never stored; one of several that serve a target gets each ask. */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { z } from 'zod';
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { currentTrace, withTrace } from '../trace.ts';
import type { Ask, AskAnswer, Asks, AskTarget } from './asks.ts';
import { answerOf } from './memory-bus.ts';
import type { NatsLink } from './nats-link.ts';

const text = z.string().max(4096);
const base = { link: z.string().max(64), by: text, reason: text.nullable() };
const askForm: z.ZodType<Ask> = z.union([
  z.strictObject({ ...base, to: z.literal('room'), act: z.enum(['mute', 'unmute', 'kick']), nick: text }),
  z.strictObject({ ...base, to: z.literal('room'), act: z.enum(['ban', 'unban']), jid: text }),
  z.strictObject({ ...base, to: z.literal('room'), act: z.enum(['reopen', 'close', 'lock', 'unlock']) }),
  z.strictObject({ ...base, to: z.literal('room'), act: z.literal('tell-moderators'), text }),
  z.strictObject({ ...base, to: z.literal('focus'), act: z.enum(['mute', 'unmute', 'remove', 'ban']), leg: text }),
]);
const requestForm = z.strictObject({ ask: askForm, trace: z.string().max(64).optional() });
const answerForm: z.ZodType<AskAnswer> = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), notes: z.array(text).readonly() }),
  z.strictObject({ ok: z.literal(false), condition: text, text }),
]);

type Handler = (ask: Ask) => Promise<AskAnswer>;

function subjectFor(target: AskTarget): string {
  if (target.owner === 'room') return 'cusax.ask.v1.room';
  return `cusax.ask.v1.focus.${Buffer.from(target.instance, 'utf8').toString('base64url')}`;
}

/** Makes asks on a link, which the bus opens and closes. Asks may be served before it is open. */
export function createNatsAsks(link: NatsLink, log: Logger): Asks {
  return {
    serve(target, handler) {
      let served: { connection: NatsConnection; subscription: Subscription } | undefined;
      const off = link.onUp((connection) => {
        // A connection that came back has kept its subscriptions.
        if (served?.connection === connection) return;
        served = { connection, subscription: subscribe(connection, target, handler, log) };
      });
      return () => {
        off();
        served?.subscription.unsubscribe();
      };
    },
    ask: (target, ask, limitMs = 10_000) => request(link, target, ask, limitMs),
  };
}

function subscribe(connection: NatsConnection, target: AskTarget, handler: Handler, log: Logger): Subscription {
  return connection.subscribe(subjectFor(target), {
    queue: 'owner',
    callback: (err, message) => {
      if (err !== null) log.error({ err }, 'asks cannot be received');
      else void reply(message, handler, log);
    },
  });
}

async function reply(message: Msg, handler: Handler, log: Logger): Promise<void> {
  const request = parse(requestForm, message.data);
  if (request === undefined) {
    log.warn({}, 'an ask without the form of an ask is refused');
    respond(message, { ok: false, condition: 'bad-request', text: 'The request has not the expected form.' }, log);
    return;
  }
  const { ask, trace } = request;
  respond(message, await withTrace(() => answerOf(handler, ask, log), trace), log);
}

function respond(message: Msg, answer: AskAnswer, log: Logger): void {
  try {
    message.respond(JSON.stringify(answer));
  } catch (err) {
    log.warn({ err }, 'an answer cannot be sent');
  }
}

async function request(link: NatsLink, target: AskTarget, ask: Ask, limitMs: number): Promise<AskAnswer> {
  const connection = link.connection;
  if (connection === undefined) throw unanswered(target, 'NATS is not connected');
  const payload = JSON.stringify({ ask, trace: currentTrace() });
  const message = await connection
    .request(subjectFor(target), payload, { timeout: limitMs })
    .catch((cause: unknown) => {
      throw unanswered(target, `no answer within ${limitMs} ms`, cause);
    });
  const answer = parse(answerForm, message.data);
  if (answer === undefined) throw unanswered(target, 'an answer without the form of one');
  return answer;
}

function unanswered(target: AskTarget, why: string, cause?: unknown): BridgeError {
  return new BridgeError('ASK_UNANSWERED', `The ask to the ${target.owner} was not answered: ${why}.`, { cause });
}

function parse<T>(form: z.ZodType<T>, data: Uint8Array): T | undefined {
  try {
    return form.parse(JSON.parse(Buffer.from(data).toString('utf8')));
  } catch {
    return undefined;
  }
}
