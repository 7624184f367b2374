import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentCore } from '../../../../src/embedded/sip-agent/agent-core.ts';
import { type Dialog, dialogOfServer, inviteUsage } from '../../../../src/embedded/sip-agent/dialog.ts';
import { DialogSender } from '../../../../src/embedded/sip-agent/dialog-sender.ts';
import { DialogTable } from '../../../../src/embedded/sip-agent/dialog-table.ts';
import { systemDns } from '../../../../src/embedded/sip-agent/resolver.ts';
import { isSessionTooShort, sessionDelays, sessionTerms } from '../../../../src/embedded/sip-agent/session-timer.ts';
import { createResponse, type SipRequest } from '../../../../src/embedded/sip-agent/sip-message.ts';
import { parseSip } from '../../../../src/embedded/sip-agent/sip-parser.ts';
import type { WireClient } from '../../../../src/embedded/sip-agent/wire-client.ts';
import { createLog } from '../../../../src/log.ts';
import { LayerHarness, requestText, responseText } from './layer-harness.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function asking(headers: string): SipRequest {
  const result = parseSip(Buffer.from(requestText({ headers })));
  if (!result.ok || result.message.kind !== 'request') throw new Error('not a request');
  return result.message;
}

describe('terms (RFC 4028)', () => {
  it.each([
    ['x: 1800;refresher=UAS', { seconds: 1800, refresher: 'uas' }],
    ['Session-Expires: 90 ; other=1', { seconds: 90, refresher: undefined }],
    ['Session-Expires: soon', undefined],
    ['Subject: none', undefined],
  ])('are read from %j', (line, terms) => expect(sessionTerms(asking(`${line}\r\n`))).toEqual(terms));

  it('too short are those below 90 s, of a peer that knows session timers', () => {
    expect(isSessionTooShort(asking('Session-Expires: 89\r\nSupported: 100rel, timer\r\n'))).toBe(true);
    expect(isSessionTooShort(asking('Session-Expires: 90\r\nSupported: timer\r\n'))).toBe(false);
    expect(isSessionTooShort(asking('Session-Expires: 89\r\n'))).toBe(false);
  });

  it('end the smaller of 32 s and a third before the interval is over', () => {
    expect(sessionDelays({ seconds: 90, refresher: 'uac' })).toEqual({ refreshMs: 45_000, endMs: 60_000 });
    expect(sessionDelays({ seconds: 1800, refresher: 'uac' })).toEqual({ refreshMs: 900_000, endMs: 1_768_000 });
  });
});

describe('a running session', () => {
  let harness: LayerHarness;
  let dialog: Dialog;
  let sender: DialogSender;
  let table: DialogTable;
  let told: string[];

  beforeEach(() => {
    harness = new LayerHarness();
    told = [];
    const owner = { send: (bytes: Buffer) => told.push(bytes.toString()) } as unknown as WireClient;
    harness.receive(requestText());
    const { transaction, request } = harness.requests[0]!;
    dialog = dialogOfServer(transaction, createResponse(request, 200, '', transaction.toTag), owner, '<sip:us>');
    dialog.usages.set(inviteUsage, Number.POSITIVE_INFINITY);
    dialog.localSdp = Buffer.from('v=0\r\n');
    transaction.terminate();
    table = new DialogTable((removed) => sender.stopSession(removed));
    table.add(dialog);
    const core: AgentCore = {
      layer: harness.layer,
      dialogs: table,
      locals: [harness.flow.local],
      dns: systemDns,
      log: createLog({ level: 'silent' }),
      limits: {} as AgentCore['limits'],
      screening: { refuse: [], answerOptionsOf: [] },
      pick: () => undefined,
    };
    sender = new DialogSender(core);
    harness.sent.length = 0;
  });

  it('is ended by BYE when the peer does not refresh, and the application learns it', () => {
    sender.startSession(dialog, { seconds: 90, refresher: 'uac' }, 'uas');
    vi.advanceTimersByTime(59_900);
    expect(harness.sent).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(harness.sent[0]).toMatch(/^BYE sip:ann@127\.0\.0\.1:5099 /);
    expect(told[0]).toContain('|unsolicited|call;from-tag=ann|');
    expect(told[0]).toContain('Reason: SIP;cause=200;text="Session timer expired"');
    expect(table.size).toBe(0);
  });

  it('is refreshed by us at half time with the SDP as it was, again and again', () => {
    sender.startSession(dialog, { seconds: 90, refresher: 'uas' }, 'uas');
    for (let round = 1; round <= 3; round++) {
      vi.advanceTimersByTime(45_100);
      const [invite = ''] = harness.sent.splice(0);
      expect(invite).toMatch(/^INVITE /);
      expect(invite).toContain('Session-Expires: 90;refresher=uac');
      expect(invite).toMatch(/v=0\r\n$/);
      harness.receive(responseText(invite, '200 OK'));
      expect(harness.take()).toEqual(['ACK sip:ann@127.0.0.1:5099 SIP/2.0']);
    }
    expect(told).toEqual([]);
  });

  it.each([
    ['481 Gone', 0, true],
    ['491 Pending', 4_000, false],
  ])('whose refresh gets %s within %i ms is over: %s', (status, wait, over) => {
    sender.startSession(dialog, { seconds: 90, refresher: 'uas' }, 'uas');
    vi.advanceTimersByTime(45_100);
    harness.receive(responseText(harness.sent[0] ?? '', status));
    harness.sent.length = 0;
    harness.take();
    vi.advanceTimersByTime(wait);
    expect(table.size).toBe(over ? 0 : 1);
    if (!over) expect(harness.take().some((line) => line.startsWith('INVITE'))).toBe(true);
  });

  it('does nothing more after the call', () => {
    sender.startSession(dialog, { seconds: 90, refresher: 'uas' }, 'uas');
    sender.endCall(dialog);
    vi.advanceTimersByTime(1_000_000);
    expect(harness.sent).toEqual([]);
  });
});
