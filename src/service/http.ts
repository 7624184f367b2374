/** HTTP for the operator: health, metrics, and the admin API behind a bearer token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from '../log.ts';
import type { Metrics } from './metrics.ts';

/** One part of the service and whether it can do its work. `text` says what is wrong and what to do. */
export interface Readiness {
  readonly part: string;
  readonly ready: boolean;
  readonly text: string;
}

export interface HttpSettings {
  readonly token: string | undefined;
  readonly readiness: () => readonly Readiness[];
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Adds the routes of the admin API under `/admin`; called only when there is a token. */
  readonly admin: (server: FastifyInstance) => void;
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True when the request carries the token; compares in constant time. */
function carries(request: FastifyRequest, token: string): boolean {
  const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digestOf(given), digestOf(token));
}

async function refuseStranger(request: FastifyRequest, reply: FastifyReply, token: string): Promise<unknown> {
  if (carries(request, token)) return undefined;
  const text = 'Send the admin token of the configuration as: Authorization: Bearer TOKEN';
  return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'unauthorized', text });
}

/** Makes the server; the caller listens and closes. Bodies above 64 KiB, wrong JSON and unknown paths get a JSON error that says so. */
export function createHttp(settings: HttpSettings): FastifyInstance {
  const server = fastify({ bodyLimit: 65536, logger: false });
  server.get('/health/live', async () => ({ live: true }));
  server.get('/health/ready', async (_request, reply) => {
    const parts = settings.readiness();
    const ready = parts.every((part) => part.ready);
    return reply.code(ready ? 200 : 503).send({ ready, parts });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type(settings.metrics.registry.contentType).send(await settings.metrics.registry.metrics()),
  );
  const { token } = settings;
  if (token !== undefined) {
    server.register(
      async (admin) => {
        admin.addHook('onRequest', (request, reply) => refuseStranger(request, reply, token));
        settings.admin(admin);
      },
      { prefix: '/admin' },
    );
  }
  server.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send({ error: 'not-found', text: 'There is nothing at this path.' }),
  );
  server.setErrorHandler(async (error: Error & { statusCode?: number; code?: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) settings.log.error({ err: error }, 'an HTTP request failed');
    const text = status >= 500 ? 'The request failed; the log of the service says why.' : error.message;
    return reply.code(status).send({ error: error.code ?? 'error', text });
  });
  return server;
}
