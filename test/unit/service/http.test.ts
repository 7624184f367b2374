import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/log.ts';
import { createHttp, type Readiness } from '../../../src/service/http.ts';
import { createMetrics } from '../../../src/service/metrics.ts';

const token = 'a-token-of-the-tests';
const sample = {
  legs: new Map([['tea', 2]]),
  callsOverRate: 8,
  subscriptions: 1,
  notifies: { sent: 7, failed: 3, tooLarge: 2, waiting: 5 },
  documents: { builds: 6, cut: 1, omitted: 4 },
};
const http = (parts: readonly Readiness[] = [], withToken: string | undefined = token) =>
  createHttp({
    token: withToken,
    readiness: () => parts,
    metrics: createMetrics(() => sample),
    log: createLog({ level: 'silent' }),
    admin: (server) => {
      server.post('/echo', async (request) => request.body);
      server.get('/fail', async () => {
        throw new Error('a secret detail');
      });
    },
  });
const authorization = `Bearer ${token}`;

describe('health and metrics', () => {
  it('is alive, and ready only when every part is', async () => {
    const down = { part: 'bus', ready: false, text: 'NATS does not answer' };
    expect((await http().inject('/health/live')).json()).toEqual({ live: true });
    expect((await http([{ ...down, ready: true }]).inject('/health/ready')).statusCode).toBe(200);
    const notReady = await http([down]).inject('/health/ready');
    expect(notReady.statusCode).toBe(503);
    expect(notReady.json()).toEqual({ ready: false, parts: [down] });
  });

  it('gives the metrics', async () => {
    const server = http();
    await server.inject('/metrics');
    const { body } = await server.inject('/metrics');
    const lines = body.split('\n').filter((line) => line.startsWith('cusax_'));
    expect(lines).toEqual(
      expect.arrayContaining([
        'cusax_legs{link="tea"} 2',
        'cusax_calls_over_rate_total 8',
        'cusax_subscriptions 1',
        'cusax_notifies_total 7',
        'cusax_notifies_failed_total 3',
        'cusax_notifies_too_large_total 2',
        'cusax_notifies_waiting 5',
        'cusax_documents_total 6',
        'cusax_documents_cut_total 1',
        'cusax_documents_omitted_total 4',
      ]),
    );
  });
});

describe('the admin API', () => {
  it('is closed to strangers and absent without a token', async () => {
    expect((await http().inject({ method: 'POST', url: '/admin/echo', payload: {} })).statusCode).toBe(401);
    const wrong = { authorization: 'Bearer nonsense' };
    expect((await http().inject({ method: 'POST', url: '/admin/echo', payload: {}, headers: wrong })).statusCode).toBe(
      401,
    );
    const closed = createHttp({
      token: undefined,
      readiness: () => [],
      metrics: createMetrics(() => sample),
      log: createLog({ level: 'silent' }),
      admin: () => undefined,
    });
    expect((await closed.inject({ method: 'POST', url: '/admin/echo', headers: { authorization } })).statusCode).toBe(
      404,
    );
  });

  it('answers bad input with a clear error and keeps its failures to itself', async () => {
    const headers = { authorization, 'content-type': 'application/json' };
    const server = http();
    const broken = await server.inject({ method: 'POST', url: '/admin/echo', headers, payload: '{"a":' });
    expect(broken.statusCode).toBe(400);
    const large = await server.inject({
      method: 'POST',
      url: '/admin/echo',
      headers,
      payload: JSON.stringify('x'.repeat(70000)),
    });
    expect(large.statusCode).toBe(413);
    const failed = await server.inject({ url: '/admin/fail', headers: { authorization } });
    expect(failed.statusCode).toBe(500);
    expect(failed.body).not.toContain('secret detail');
    expect((await server.inject({ method: 'POST', url: '/admin/echo', headers, payload: '{"a":1}' })).json()).toEqual({
      a: 1,
    });
  });
});
