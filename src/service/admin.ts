/** The admin API: shows meetings, and passes what an operator asks to the owner of the fact that it is about. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Ask, AskAnswer, Asks, AskTarget } from '../bus/asks.ts';
import type { Bus } from '../bus/bus.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import { BridgeError } from '../errors.ts';
import { withTrace } from '../trace.ts';
import { forgetLink } from './link-forgetting.ts';
import { linkReport, meetingReport } from './meeting-report.ts';
import { lookUp, type PersonAct, type PersonOrder, personActs, planOf } from './person-lookup.ts';

export interface AdminContext {
  readonly links: readonly LinkSettings[];
  readonly bus: Bus;
  readonly asks: Asks;
}

const who = { by: z.string().min(1).max(200).default('operator'), reason: z.string().max(1000).optional() };
const personBody = z.strictObject({
  person: z.string().min(1).max(3071),
  'audio-only': z.boolean().default(false),
  ...who,
});
const linkBody = z.strictObject(who).prefault({});
const forgetBody = z.strictObject({ force: z.boolean().default(false) }).prefault({});

/** HTTP status of a refusal, by its condition; 409 for what the room or the state of things does not allow. */
const statusOf: Readonly<Record<string, number>> = {
  'bad-request': 400,
  'item-not-found': 404,
  'internal-error': 500,
  'service-unavailable': 503,
  'remote-server-timeout': 503,
  'mixer-unavailable': 503,
};

const send = (reply: FastifyReply, answer: AskAnswer): FastifyReply =>
  answer.ok
    ? reply.send({ ok: true, notes: answer.notes })
    : reply.code(statusOf[answer.condition] ?? 409).send({ error: answer.condition, text: answer.text });

const refusal = (condition: string, text: string): AskAnswer => ({ ok: false, condition, text });

/** Reads a body, or answers 400 with the place and what is expected; null then. */
function bodyOf<T>(schema: z.ZodType<T>, body: unknown, reply: FastifyReply): T | null {
  const result = schema.safeParse(body ?? undefined);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`);
  reply.code(400).send({ error: 'bad-request', text: `The JSON body is not usable. ${faults.join('; ')}` });
  return null;
}

/** Adds the routes to a server; the caller sees to authorization. */
export function addAdminRoutes(server: FastifyInstance, context: AdminContext): void {
  const links = new Map(context.links.map((link) => [link.id, link]));
  const meetingOf = (id: string) => context.bus.facts.meeting(id);

  server.get('/links', async () => context.links.map((link) => linkReport(link, meetingOf(link.id))));

  server.get<LinkRoute>('/links/:link', async (request, reply) => {
    const link = links.get(request.params.link);
    if (!link) return send(reply, noSuchLink);
    return meetingReport(link, meetingOf(link.id), context.bus.facts.bindings);
  });

  for (const act of personActs) {
    server.post<LinkRoute>(`/links/:link/${act}`, async (request, reply) => {
      const { link } = request.params;
      if (!links.has(link)) return send(reply, noSuchLink);
      const body = bodyOf(personBody, request.body, reply);
      if (body === null) return reply;
      const order = orderOf(link, act, body);
      return send(reply, await withTrace(() => actOn(body.person, order, context)));
    });
  }
  for (const act of ['reopen', 'close', 'lock', 'unlock'] as const) {
    server.post<LinkRoute>(`/links/:link/${act}`, async (request, reply) => {
      const { link } = request.params;
      if (!links.has(link)) return send(reply, noSuchLink);
      const body = bodyOf(linkBody, request.body, reply);
      if (body === null) return reply;
      const ask: Ask = { to: 'room', act, link, by: body.by, reason: body.reason ?? null };
      return send(reply, await withTrace(() => askOne(context.asks, { owner: 'room' }, ask)));
    });
  }
  server.post<LinkRoute>('/links/:link/forget', async (request, reply) => {
    const { link } = request.params;
    if (links.has(link)) return send(reply, stillConfigured);
    const body = bodyOf(forgetBody, request.body, reply);
    if (body === null) return reply;
    return send(reply, await withTrace(() => forgetLink(context.bus, link, body.force)));
  });
}

interface LinkRoute {
  readonly Params: { readonly link: string };
}

const noSuchLink = refusal('item-not-found', 'There is no link with this id in the configuration');

const stillConfigured = refusal(
  'conflict',
  'This link is in the configuration. Take it out and restart the bridge first.',
);

const orderOf = (link: string, act: PersonAct, body: z.infer<typeof personBody>): PersonOrder => ({
  ...{ link, act, by: body.by, reason: body.reason ?? null },
  audioOnly: body['audio-only'],
});

/** Finds the person and does what is ordered; every part is tried, the first refusal is the answer. */
async function actOn(person: string, order: PersonOrder, { bus, asks }: AdminContext): Promise<AskAnswer> {
  const seen = lookUp(person, bus.facts.meeting(order.link), bus.facts.bindings);
  if (!('found' in seen)) return refusal(seen.condition, seen.text);
  const plan = planOf(order, seen.found);
  if (plan.kind === 'refused') return refusal(plan.condition, plan.text);
  if (plan.kind === 'lift-caller-ban') {
    const stood = bus.facts.meeting(order.link).callerBans.has(plan.aor);
    await bus.withdraw(order.link, 'caller-ban', plan.aor);
    return { ok: true, notes: stood ? [] : ['This caller was not banned'] };
  }
  const answers = await Promise.all(plan.asks.map(({ target, ask }) => askOne(asks, target, ask)));
  const refused = answers.find((answer) => !answer.ok);
  const notes = [...plan.notes, ...answers.flatMap((answer) => (answer.ok ? answer.notes : []))];
  return refused ?? { ok: true, notes: [...new Set(notes)] };
}

/** An ask that nobody answers is an answer too. */
async function askOne(asks: Asks, target: AskTarget, ask: Ask): Promise<AskAnswer> {
  try {
    return await asks.ask(target, ask);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return refusal('service-unavailable', `${error.message}. Is the instance running that this concerns?`);
  }
}
