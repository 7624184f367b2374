import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientTransaction, Outcome } from '../../../../src/embedded/sip-agent/client-transaction.ts';
import { createRequest, type SipRequest } from '../../../../src/embedded/sip-agent/sip-message.ts';
import { LayerHarness, responseText } from './layer-harness.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function ourRequest(method: string): SipRequest {
  const request = createRequest(method, 'sip:bob@127.0.0.1:5099');
  request.headers.add('Route', '<sip:relay@127.0.0.1;lr>');
  request.headers.add('From', '<sip:tea@127.0.0.1>;tag=tea');
  request.headers.add('To', '<sip:bob@127.0.0.1>');
  request.headers.add('Call-ID', 'ours');
  request.headers.add('CSeq', `7 ${method}`);
  return request;
}

interface Started {
  harness: LayerHarness;
  transaction: ClientTransaction;
  outcomes: Outcome[];
  /** The request as it went out. */
  text: string;
}

function start(method: string, protocol: 'udp' | 'tcp' = 'udp'): Started {
  const harness = new LayerHarness(protocol);
  const outcomes: Outcome[] = [];
  const transaction = harness.layer.request(ourRequest(method), harness.flow, (outcome) => outcomes.push(outcome));
  if (!transaction) throw new Error('refused');
  const text = harness.sent[0] ?? '';
  harness.take();
  return { harness, transaction, outcomes, text };
}

function sendTimes(harness: LayerHarness, duration: number): number[] {
  const times: number[] = [];
  for (let now = 100; now <= duration; now += 100) {
    vi.advanceTimersByTime(100);
    for (const _ of harness.take()) times.push(now);
  }
  return times;
}

const statuses = (outcomes: Outcome[]) => outcomes.map(({ response, cause }) => cause ?? response.status);

describe('INVITE client transaction (RFC 3261 17.1.1, RFC 6026)', () => {
  it('repeats the INVITE with doubling intervals and gives 408 after 32 s (A, B)', () => {
    const { harness, outcomes } = start('INVITE');
    expect(sendTimes(harness, 31_900)).toEqual([500, 1500, 3500, 7500, 15_500, 31_500]);
    vi.advanceTimersByTime(200);
    expect(outcomes[0]?.response.status).toBe(408);
    expect(statuses(outcomes)).toEqual(['timeout']);
    expect(harness.layer.clients.size).toBe(0);
  });

  it('does not repeat over TCP', () => {
    const { harness } = start('INVITE', 'tcp');
    expect(sendTimes(harness, 20_000)).toEqual([]);
  });

  it('stops repeating at a provisional answer and then waits without end', () => {
    const { harness, outcomes, text } = start('INVITE');
    harness.receive(responseText(text, '180 Ringing'));
    expect(sendTimes(harness, 200_000)).toEqual([]);
    expect(statuses(outcomes)).toEqual([180]);
  });

  it('acknowledges a failure, each time it comes, along the same route and branch (D)', () => {
    const { harness, outcomes, text } = start('INVITE');
    harness.receive(responseText(text, '486 Busy Here'));
    harness.receive(responseText(text, '486 Busy Here'));
    expect(harness.sent).toHaveLength(2);
    const [ack = ''] = harness.sent;
    expect(ack).toContain('ACK sip:bob@127.0.0.1:5099 SIP/2.0');
    expect(ack).toContain('CSeq: 7 ACK');
    expect(ack).toContain(';tag=peer');
    expect(ack).toContain('Route: <sip:relay@127.0.0.1;lr>');
    expect(/branch=([^;\s]+)/.exec(ack)?.[1]).toBe(/branch=([^;\s]+)/.exec(text)?.[1]);
    expect(statuses(outcomes)).toEqual([486]);
    vi.advanceTimersByTime(32_100);
    expect(harness.layer.clients.size).toBe(0);
  });

  it('hands on every 2xx for 32 s (M), and none after', () => {
    const { harness, outcomes, text } = start('INVITE');
    harness.receive(responseText(text, '200 OK'));
    harness.receive(responseText(text, '200 OK', 'fork'));
    expect(statuses(outcomes)).toEqual([200, 200]);
    expect(harness.take()).toEqual([]);
    vi.advanceTimersByTime(32_100);
    harness.receive(responseText(text, '200 OK'));
    expect(outcomes).toHaveLength(2);
  });

  it('waits with the CANCEL for a provisional answer, and gives 487 when nothing follows', () => {
    const { harness, outcomes, transaction, text } = start('INVITE');
    transaction.cancel(ourRequest('CANCEL'));
    expect(harness.take()).toEqual([]);
    harness.receive(responseText(text, '100 Trying'));
    const cancel = harness.sent[0] ?? '';
    expect(cancel).toContain('CANCEL sip:bob@127.0.0.1:5099');
    expect(/branch=([^;\s]+)/.exec(cancel)?.[1]).toBe(/branch=([^;\s]+)/.exec(text)?.[1]);
    harness.receive(responseText(cancel, '200 OK'));
    vi.advanceTimersByTime(32_100);
    expect(outcomes.at(-1)).toMatchObject({ cause: 'canceled', response: { status: 487 } });
  });

  it('reports a 200 that was faster than the CANCEL', () => {
    const { harness, outcomes, transaction, text } = start('INVITE');
    harness.receive(responseText(text, '180 Ringing'));
    transaction.cancel(ourRequest('CANCEL'));
    harness.receive(responseText(text, '200 OK'));
    vi.advanceTimersByTime(40_000);
    expect(statuses(outcomes)).toEqual([180, 200]);
  });
});

describe('non-INVITE client transaction (RFC 3261 17.1.2)', () => {
  it('repeats up to every 4 s and gives 408 after 32 s (E, F)', () => {
    const { harness, outcomes } = start('OPTIONS');
    expect(sendTimes(harness, 16_000)).toEqual([500, 1500, 3500, 7500, 11_500, 15_500]);
    vi.advanceTimersByTime(16_200);
    expect(statuses(outcomes)).toEqual(['timeout']);
  });

  it('goes on repeating every 4 s after a provisional answer', () => {
    const { harness, text } = start('OPTIONS');
    harness.receive(responseText(text, '100 Trying'));
    expect(sendTimes(harness, 9_000)).toEqual([500, 4500, 8500]);
  });

  it('drops repeated final answers for T4 (K)', () => {
    const { harness, outcomes, text } = start('OPTIONS');
    harness.receive(responseText(text, '200 OK'));
    harness.receive(responseText(text, '200 OK'));
    expect(statuses(outcomes)).toEqual([200]);
    vi.advanceTimersByTime(5_100);
    expect(harness.layer.clients.size).toBe(0);
  });

  it('makes room for what is new by forgetting what was answered, and nothing else', () => {
    const harness = new LayerHarness('udp', 2);
    const outcomes: Outcome[] = [];
    const ask = (method: string) =>
      harness.layer.request(ourRequest(method), harness.flow, (outcome) => outcomes.push(outcome));
    ask('NOTIFY');
    const [first = ''] = harness.sent;
    expect(ask('INVITE')).toBeDefined();
    expect(ask('NOTIFY')).toBeUndefined();
    harness.receive(responseText(first, '200 OK'));
    expect(ask('NOTIFY')).toBeDefined();
    harness.receive(responseText(first, '200 OK'));
    expect(statuses(outcomes)).toEqual([200]);
    expect(ask('NOTIFY')).toBeUndefined();
  });

  it('gives 503 when the network refuses', () => {
    const harness = new LayerHarness();
    harness.networkError = new Error('refused');
    const outcomes: Outcome[] = [];
    harness.layer.request(ourRequest('OPTIONS'), harness.flow, (outcome) => outcomes.push(outcome));
    expect(outcomes[0]).toMatchObject({ cause: 'transport', response: { status: 503 } });
  });

  it('matches a response by branch and method only', () => {
    const { harness, outcomes, text } = start('OPTIONS');
    harness.receive(responseText(text.replaceAll('7 OPTIONS', '7 INFO'), '200 OK'));
    harness.receive(responseText(text.replace(/branch=[^;]+/, 'branch=z9hG4bKelse'), '200 OK'));
    expect(outcomes).toEqual([]);
  });
});
