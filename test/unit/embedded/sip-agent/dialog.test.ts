import { beforeEach, describe, expect, it } from 'vitest';
import {
  createDialogRequest,
  type Dialog,
  dialogOfClient,
  dialogOfServer,
  endSubscription,
  inviteUsage,
  learnPeer,
  nextHopUri,
  refreshTarget,
  subscriptionUsage,
} from '../../../../src/embedded/sip-agent/dialog.ts';
import { DialogTable } from '../../../../src/embedded/sip-agent/dialog-table.ts';
import { createResponse, type SipRequest } from '../../../../src/embedded/sip-agent/sip-message.ts';
import { parseSip } from '../../../../src/embedded/sip-agent/sip-parser.ts';
import type { WireClient } from '../../../../src/embedded/sip-agent/wire-client.ts';
import { flowOf, LayerHarness, type RequestFields, requestText } from './layer-harness.ts';

const owner = {} as WireClient;

function read(fields: RequestFields): SipRequest {
  const result = parseSip(Buffer.from(requestText(fields)));
  if (!result.ok || result.message.kind !== 'request') throw new Error('not a request');
  return result.message;
}

function serverDialog(fields: RequestFields = {}): Dialog {
  const harness = new LayerHarness();
  harness.receive(requestText(fields));
  const { transaction, request } = harness.requests[0]!;
  const dialog = dialogOfServer(transaction, createResponse(request, 200, '', transaction.toTag), owner, '<sip:us>');
  transaction.terminate();
  return dialog;
}

describe('dialog of a server (RFC 3261 12.1.1)', () => {
  it('takes names, tags, routes in order, and target from the request', () => {
    const dialog = serverDialog({ callId: 'x', headers: 'Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\n' });
    expect(dialog.id).toBe('x;from-tag=ann');
    expect(dialog.routeSet).toEqual(['<sip:p2;lr>', '<sip:p1;lr>']);
    const request = createDialogRequest(dialog, 'BYE', 5);
    expect(request.uri).toBe('sip:ann@127.0.0.1:5099');
    expect(request.headers.all('route')).toEqual(['<sip:p2;lr>', '<sip:p1;lr>']);
    expect(request.headers.get('to')).toBe('<sip:ann@x>;tag=ann');
    expect(request.headers.get('from')).toBe(`<sip:tea@127.0.0.1>;tag=${dialog.localTag}`);
    expect(request.headers.get('cseq')).toBe('5 BYE');
    expect(nextHopUri(dialog)).toBe('sip:p2;lr');
  });

  it('puts the target last for a strict router', () => {
    const dialog = serverDialog({ headers: 'Record-Route: <sip:old;lrx>\r\nRecord-Route: <sip:p1;lr>\r\n' });
    const request = createDialogRequest(dialog, 'BYE', 5);
    expect(request.uri).toBe('sip:old;lrx');
    expect(request.headers.all('route')).toEqual(['<sip:p1;lr>', '<sip:ann@127.0.0.1:5099>']);
  });

  it.each([
    ['<sip:ann@10.9.9.9>', true],
    ['<sip:ann@abc.invalid;transport=ws>', true],
    ['<sip:ann@127.0.0.1:7777>', false],
    ['<sip:ann@phone.example.org>', false],
  ])('with Contact %s is behind NAT: %s', (contact, behindNat) => {
    const dialog = serverDialog();
    const refresh = read({ headers: '' });
    refresh.headers.set('Contact', contact);
    refreshTarget(dialog, refresh, flowOf('udp'));
    expect(dialog.behindNat).toBe(behindNat);
    expect(nextHopUri(dialog) === undefined).toBe(behindNat);
  });
});

describe('dialog of a client (RFC 3261 12.1.2)', () => {
  it('turns the routes round, and forgets the target when a 2xx has no Contact', () => {
    const request = read({});
    const dialog = dialogOfClient(request, flowOf('udp'), owner);
    expect(dialog.remoteTarget).toBe('sip:tea@127.0.0.1');
    const ringing = createResponse(request, 180, '', 'early');
    ringing.headers.add('Record-Route', '<sip:p1;lr>, <sip:p2;lr>');
    learnPeer(dialog, ringing, flowOf('udp'));
    expect(dialog).toMatchObject({ remoteTag: 'early', routeSet: ['<sip:p2;lr>', '<sip:p1;lr>'] });
    expect(dialog.remoteTarget).toBe('sip:tea@127.0.0.1');
    learnPeer(dialog, createResponse(request, 200, '', 'late'), flowOf('udp'));
    expect(dialog).toMatchObject({ remoteTag: 'late', remoteTarget: undefined });
  });
});

describe('usages (RFC 5057, RFC 6665 4.5.2, RFC 3515 2.4.6)', () => {
  it('are told apart by package and id', () => {
    expect(subscriptionUsage('Conference ; x=1; id = 7')).toBe('conference;id=7');
    expect(subscriptionUsage(undefined)).toBe('');
  });

  it('of a REFER may be ended without its id when there is one only', () => {
    const dialog = serverDialog();
    for (const usage of [inviteUsage, 'conference', 'refer;id=2']) dialog.usages.set(usage, 1);
    endSubscription(dialog, 'refer');
    expect([...dialog.usages.keys()]).toEqual([inviteUsage, 'conference']);
    for (const usage of ['refer;id=3', 'refer;id=4']) dialog.usages.set(usage, 1);
    endSubscription(dialog, 'refer');
    endSubscription(dialog, 'presence');
    expect(dialog.usages.size).toBe(4);
    endSubscription(dialog, 'refer;id=4');
    expect(dialog.usages.size).toBe(3);
  });
});

describe('table', () => {
  let removed: Dialog[];
  let table: DialogTable;
  beforeEach(() => {
    removed = [];
    table = new DialogTable((dialog) => removed.push(dialog));
  });

  it('finds a dialog by both tags, for either role', () => {
    const ours = serverDialog({ callId: 'a' });
    table.add(ours);
    expect(table.ofRequest(read({ callId: 'a', toTag: ours.localTag }))).toBe(ours);
    expect(table.ofRequest(read({ callId: 'a', toTag: 'other' }))).toBeUndefined();
    expect(table.ofRequest(read({ callId: 'b', toTag: ours.localTag }))).toBeUndefined();
    const theirs = dialogOfClient(read({ callId: 'c' }), flowOf('udp'), owner);
    table.add(theirs);
    const fromPeer = read({ callId: 'c', toTag: 'ann' });
    fromPeer.headers.set('From', '<sip:tea@127.0.0.1>;tag=tea');
    expect(table.ofRequest(fromPeer)).toBe(theirs);
    theirs.remoteTag = 'else';
    expect(table.ofRequest(fromPeer)).toBeUndefined();
  });

  it('gives the confirmed dialog of a Call-ID that was made last', () => {
    const dialog = serverDialog({ callId: 'a' });
    table.add(dialog);
    expect(table.byCallId('a')).toBeUndefined();
    dialog.confirmed = true;
    expect(table.byCallId('a')).toBe(dialog);
  });

  it('replaces a dialog of the same name, and removes the right one only', () => {
    const [first, second] = [serverDialog({ callId: 'a' }), serverDialog({ callId: 'a' })];
    table.add(first);
    table.add(first);
    table.add(second);
    expect(removed).toEqual([first]);
    table.remove(first);
    expect(table.has(second)).toBe(true);
    table.remove(second);
    expect([table.size, removed.length, table.byCallId('a')]).toEqual([0, 2, undefined]);
  });
});
