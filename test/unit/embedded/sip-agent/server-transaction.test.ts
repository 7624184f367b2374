import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LayerHarness, requestText } from './layer-harness.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Milliseconds at which something was sent, counted from now. */
function sendTimes(harness: LayerHarness, duration: number, step = 100): number[] {
  const times: number[] = [];
  for (let now = step; now <= duration; now += step) {
    vi.advanceTimersByTime(step);
    for (const _ of harness.take()) times.push(now);
  }
  return times;
}

describe('INVITE server transaction (RFC 3261 17.2.1, RFC 6026)', () => {
  it('repeats the last provisional answer when the INVITE comes again', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.transaction.answer(180);
    harness.receive(requestText());
    expect(harness.take()).toEqual(['SIP/2.0 180 Ringing', 'SIP/2.0 180 Ringing']);
    expect(harness.requests).toHaveLength(1);
  });

  it('repeats a failure at 0.5, 1.5, 3.5, 7.5 s, then every 4 s, and gives up after 32 s (G, H)', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.transaction.answer(486);
    harness.take();
    expect(sendTimes(harness, 16_000)).toEqual([500, 1500, 3500, 7500, 11_500, 15_500]);
    vi.advanceTimersByTime(16_000);
    expect(harness.layer.servers.size).toBe(0);
  });

  it('does not repeat a failure over TCP, but keeps it for a repeated INVITE', () => {
    const harness = new LayerHarness('tcp');
    harness.receive(requestText());
    harness.transaction.answer(486);
    harness.take();
    expect(sendTimes(harness, 10_000)).toEqual([]);
    harness.receive(requestText());
    expect(harness.take()).toEqual(['SIP/2.0 486 Busy Here']);
  });

  it('stops at the ACK, absorbs further ACKs and INVITEs, and ends after T4 (I)', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.transaction.answer(486);
    harness.take();
    harness.receive(requestText({ method: 'ACK' }));
    harness.receive(requestText({ method: 'ACK' }));
    harness.receive(requestText());
    expect(sendTimes(harness, 4_900)).toEqual([]);
    expect(harness.acks).toHaveLength(0);
    vi.advanceTimersByTime(200);
    expect(harness.layer.servers.size).toBe(0);
  });

  it.each(['udp', 'tcp'] as const)('repeats a 2xx on %s until the ACK, and absorbs INVITEs until L', (protocol) => {
    const harness = new LayerHarness(protocol);
    harness.receive(requestText());
    const timedOut = vi.fn();
    harness.transaction.onAckTimeout = timedOut;
    harness.transaction.answer(200);
    harness.take();
    expect(sendTimes(harness, 4_000)).toEqual([500, 1500, 3500]);
    harness.transaction.acknowledge();
    harness.receive(requestText());
    expect(sendTimes(harness, 27_900)).toEqual([]);
    expect(harness.layer.servers.size).toBe(1);
    vi.advanceTimersByTime(200);
    expect(harness.layer.servers.size).toBe(0);
    expect(timedOut).not.toHaveBeenCalled();
  });

  it('reports a 2xx without ACK after 32 s', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    const timedOut = vi.fn();
    harness.transaction.onAckTimeout = timedOut;
    harness.transaction.answer(200);
    vi.advanceTimersByTime(31_900);
    expect(timedOut).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(timedOut).toHaveBeenCalledOnce();
  });

  it('hands an ACK for a 2xx on, whatever its branch', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.transaction.answer(200);
    harness.receive(requestText({ method: 'ACK', branch: 'z9hG4bKack' }));
    harness.receive(requestText({ method: 'ACK' }));
    expect(harness.acks).toHaveLength(2);
  });

  it('takes one final answer only', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    const { transaction, request } = harness.requests[0]!;
    transaction.answer(486);
    transaction.answer(200);
    expect(request.method).toBe('INVITE');
    expect(harness.take()).toEqual(['SIP/2.0 486 Busy Here']);
  });
});

describe('non-INVITE server transaction (RFC 3261 17.2.2)', () => {
  it('keeps the answer for 32 s over UDP (J)', () => {
    const harness = new LayerHarness();
    harness.receive(requestText({ method: 'OPTIONS' }));
    harness.transaction.answer(200);
    harness.receive(requestText({ method: 'OPTIONS' }));
    expect(harness.take()).toEqual(['SIP/2.0 200 OK', 'SIP/2.0 200 OK']);
    vi.advanceTimersByTime(32_100);
    expect(harness.layer.servers.size).toBe(0);
  });

  it('ends at once over TCP', () => {
    const harness = new LayerHarness('tcp');
    harness.receive(requestText({ method: 'OPTIONS' }));
    harness.transaction.answer(200);
    vi.advanceTimersByTime(1);
    expect(harness.layer.servers.size).toBe(0);
  });
});

describe('matching (RFC 3261 17.2.3, 9.2, 8.2.2.2)', () => {
  it('takes requests with one branch and different sent-by for different ones', () => {
    const harness = new LayerHarness();
    harness.receive(requestText({ method: 'OPTIONS', callId: 'a' }));
    harness.receive(
      requestText({ method: 'OPTIONS', callId: 'b', via: 'SIP/2.0/UDP 127.0.0.2:5099;branch=z9hG4bKone' }),
    );
    expect(harness.requests).toHaveLength(2);
  });

  it('matches a peer of RFC 2543 by Request-URI, tags, Call-ID, CSeq and Via', () => {
    const harness = new LayerHarness();
    const old = { via: 'SIP/2.0/UDP 127.0.0.1:5099', method: 'OPTIONS' };
    harness.receive(requestText(old));
    harness.receive(requestText(old));
    expect(harness.requests).toHaveLength(1);
    harness.receive(requestText({ ...old, cseq: 2 }));
    expect(harness.requests).toHaveLength(2);
  });

  it('finds the INVITE of an RFC 2543 ACK for a failure', () => {
    const harness = new LayerHarness();
    const old = { via: 'SIP/2.0/UDP 127.0.0.1:5099' };
    harness.receive(requestText(old));
    harness.transaction.answer(486);
    harness.receive(requestText({ ...old, method: 'ACK', toTag: harness.transaction.toTag }));
    expect(harness.transaction.state).toBe('confirmed');
  });

  it('answers a request that came by a second way with 482', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.receive(requestText({ branch: 'z9hG4bKtwo' }));
    expect(harness.take()).toEqual(['SIP/2.0 482 Loop Detected']);
    expect(harness.requests).toHaveLength(1);
  });

  it('accepts the same Call-ID again with another CSeq, as after a 401', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.transaction.answer(401);
    harness.receive(requestText({ branch: 'z9hG4bKtwo', cseq: 2 }));
    expect(harness.requests).toHaveLength(2);
  });

  it('answers CANCEL with 200 while the INVITE is undecided, and repeats that answer', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.receive(requestText({ method: 'CANCEL' }));
    harness.receive(requestText({ method: 'CANCEL' }));
    expect(harness.take()).toEqual(['SIP/2.0 200 OK', 'SIP/2.0 200 OK']);
    expect(harness.canceled).toEqual([harness.transaction]);
  });

  it('answers CANCEL after the 2xx, and an unknown one, with 481 only', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    harness.transaction.answer(200);
    harness.take();
    harness.receive(requestText({ method: 'CANCEL' }));
    harness.receive(requestText({ method: 'CANCEL', branch: 'z9hG4bKother' }));
    expect(harness.take()).toEqual(Array(2).fill('SIP/2.0 481 Call/Transaction Does Not Exist'));
    expect(harness.canceled).toEqual([]);
  });

  it('answers 503 when there are too many transactions, without keeping anything', () => {
    const harness = new LayerHarness('udp', 2);
    for (let i = 0; i < 5; i++)
      harness.receive(requestText({ method: 'OPTIONS', branch: `z9hG4bK${i}`, callId: `c${i}` }));
    expect(harness.requests).toHaveLength(2);
    expect(harness.take()).toEqual(Array(3).fill('SIP/2.0 503 Service Unavailable'));
    expect(harness.layer.servers.size).toBe(2);
  });

  it('never answers an ACK or a faulty response', () => {
    const harness = new LayerHarness();
    harness.receive(requestText({ method: 'ACK' }).replace('CSeq: 1', 'CSeq: x'));
    harness.receive('SIP/2.0 999 What\r\nVia: x\r\n\r\n');
    harness.receive('\r\n\r\n');
    expect(harness.take()).toEqual([]);
  });

  it('notes where a request came from, whatever its Via says', () => {
    const harness = new LayerHarness();
    harness.receive(requestText({ via: 'SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKnat;received=1.2.3.4' }));
    harness.transaction.answer(180);
    expect(harness.sent[0]).toContain('Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKnat;received=127.0.0.1;rport=5099\r\n');
  });
});

describe('reliable provisional answers (RFC 3262 3)', () => {
  it('are repeated with doubling intervals until stopped', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    const { transaction, request } = harness.requests[0]!;
    const sending = transaction.sendReliably(
      { kind: 'response', status: 183, reason: 'x', headers: request.headers, body: Buffer.alloc(0) },
      () => undefined,
    );
    harness.take();
    expect(sendTimes(harness, 16_000)).toEqual([500, 1500, 3500, 7500, 15_500]);
    sending.stop();
    expect(sendTimes(harness, 32_000)).toEqual([]);
  });

  it('fail after 64*T1', () => {
    const harness = new LayerHarness();
    harness.receive(requestText());
    const failed = vi.fn();
    const { transaction, request } = harness.requests[0]!;
    transaction.sendReliably(
      { kind: 'response', status: 183, reason: 'x', headers: request.headers, body: Buffer.alloc(0) },
      failed,
    );
    vi.advanceTimersByTime(32_100);
    expect(failed).toHaveBeenCalledOnce();
  });
});
