import { describe, expect, it } from 'vitest';
import { BridgeError } from '../../../src/errors.ts';
import { audioOf } from '../../../src/sip-focus/caller-audio.ts';
import { Foci, focusContact } from '../../../src/sip-focus/foci.ts';
import { headerLines, returningBy } from '../../../src/sip-focus/incoming-request.ts';
import { reasonHeader } from '../../../src/sip-focus/legs.ts';
import { FrameCutter, notifyText, readFrame } from '../../../src/sip-focus/notify-frame.ts';
import { agreeTimer, defaultSessionTimer } from '../../../src/sip-focus/session-timer.ts';
import { hostsOf } from '../../../src/sip-focus/signaling.ts';
import { failureOf } from '../../../src/sip-focus/sip-errors.ts';
import { TriesLedger } from '../../../src/sip-focus/tries-ledger.ts';

const request = (headers: Record<string, string>) => ({ header: (name: string) => headers[name] ?? null });
const link = (id: string, conference: string) => ({
  id,
  conference,
  room: `${id}@r.example`,
  name: id,
  maximumUsers: 9,
});

describe('which conference a request is for', () => {
  const tea = link('tea', 'sip:tea@conf.example');
  const foci = new Foci([tea, link('a', 'sip:same@one.example'), link('b', 'sip:same@two.example:5070')]);
  it.each([
    ['sip:tea@conf.example', 'tea'],
    ['sips:tea@CONF.example:5061;transport=tls', 'tea'],
    ['sip:tea@10.0.0.1:5060', 'tea'],
    ['sip:Tea@conf.example', undefined],
    ['sip:same@one.example', 'a'],
    ['sip:same@two.example', 'b'],
    ['sip:same@10.0.0.1', undefined],
    ['sip:tea@other.example', undefined],
    ['tel:+15550100', undefined],
    ['nonsense', undefined],
  ])('%s', (uri, id) => expect(foci.find(uri, ['10.0.0.1'])?.id).toBe(id));
});

describe('session timers', () => {
  const agree = (headers: Record<string, string>) => agreeTimer(request(headers), defaultSessionTimer);
  it.each([
    [{}, { 'Session-Expires': '1800;refresher=uas' }],
    [{ Supported: 'timer' }, { 'Session-Expires': '1800;refresher=uac', Require: 'timer' }],
    [
      { Supported: 'timer', 'Session-Expires': '300;refresher=uas' },
      { 'Session-Expires': '300;refresher=uas', Require: 'timer' },
    ],
    [
      { Supported: '100rel, timer', 'Session-Expires': '9999' },
      { 'Session-Expires': '1800;refresher=uac', Require: 'timer' },
    ],
    [
      { Supported: 'timer', 'Min-SE': '3600' },
      { 'Session-Expires': '3600;refresher=uac', Require: 'timer' },
    ],
    [{ 'Session-Expires': '30' }, { 'Session-Expires': '90;refresher=uas' }],
  ])('agree on %o', (headers, answer) => expect(agree(headers)).toEqual({ act: 'agree', headers: answer }));
  it('refuse what is too short', () => {
    expect(agree({ Supported: 'timer', 'Session-Expires': '89' })).toEqual({ act: 'refuse', minimum: 90 });
  });
});

describe('hold', () => {
  const sdp = (...lines: string[]) => ['v=0', 'c=IN IP4 192.0.2.1', ...lines].join('\r\n');
  it.each([
    [sdp('m=audio 4000 RTP/AVP 0'), false],
    [sdp('m=audio 4000 RTP/AVP 0', 'a=sendonly'), true],
    [sdp('m=audio 4000 RTP/AVP 0', 'a=recvonly'), false],
    [sdp('a=inactive', 'm=audio 4000 RTP/AVP 0'), true],
    [sdp('a=inactive', 'm=audio 4000 RTP/AVP 0', 'a=sendrecv'), false],
    [sdp('m=video 5000 RTP/AVP 99', 'a=sendonly', 'm=audio 4000 RTP/AVP 0'), false],
    [sdp('m=audio 4000 RTP/AVP 0', 'm=video 5000 RTP/AVP 99', 'a=sendonly'), false],
    [sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0'), true],
  ])('%#', (text, held) => expect(audioOf(text).held).toBe(held));
});

describe('frames of the SIP server', () => {
  it('are cut by bytes, however they arrive', () => {
    const texts = ['a|response|b|OK', 'ü|sip|x\r\nSIP/2.0 200 OK', 'z'];
    const bytes = Buffer.concat(texts.map((text) => Buffer.from(`${Buffer.byteLength(text)}#${text}`)));
    for (let size = 1; size < 20; size += 1) {
      const cutter = new FrameCutter('utf8');
      const found: string[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(...cutter.push(bytes.subarray(at, at + size)));
      expect(found).toEqual(texts);
    }
    expect(() => new FrameCutter().push(Buffer.from('HTTP/1.1 400 #'))).toThrow(RangeError);
  });
  it('are read as far as NOTIFY needs it', () => {
    expect(readFrame('u|response|id1|OK|application|9|udp|a|1|t|txn1|Msg sent:|\r\nNOTIFY')).toEqual({
      kind: 'sent',
      id: 'id1',
      transaction: 'txn1',
    });
    expect(readFrame('u|response|id1|NOK|Server error')).toEqual({ kind: 'refused', id: 'id1', text: 'Server error' });
    expect(readFrame('u|sip|network|9|udp|a|1|t|txn1|dlg|\r\nSIP/2.0 481 Gone\r\n')).toEqual({
      kind: 'answer',
      transaction: 'txn1',
      status: 481,
      event: null,
      retryAfter: null,
    });
    const answer = (head: string) => readFrame(`u|sip|network|9|udp|a|1|t|txn1|dlg|\r\nSIP/2.0 ${head}\r\n`);
    const rates = 'conference;max-rate=0.1';
    expect(answer(`200 OK\r\nCSeq: 1 NOTIFY\r\nEvent: ${rates}`)).toMatchObject({ status: 200, event: rates });
    expect(answer(`200 OK\r\no:${rates} `)).toMatchObject({ event: rates, retryAfter: null });
    expect(answer('200 OK\r\nServer: my-rate\r\nEvent: x')).toMatchObject({ event: 'x' });
    expect(answer('200 OK\r\nEvent: conference')).toMatchObject({ event: null });
    expect(answer('503 Busy\r\nRetry-After: 120 (lunch)')).toMatchObject({ status: 503, retryAfter: 120 });
    expect(answer('503 Busy\r\nretry-after:soon')).toMatchObject({ retryAfter: null });
    expect(readFrame('u|sip|network|9|udp|a|1|t|txn1|dlg|\r\nINVITE sip:x SIP/2.0\r\n')).toEqual({ kind: 'other' });
  });
  it('carry a NOTIFY with its dialog', () => {
    expect(notifyText('u', { dialogId: 'c;from-tag=t', headers: 'Event: conference\r\n', body: '<x/>' })).toBe(
      'u|sip||c;from-tag=t\r\nNOTIFY sip:placeholder SIP/2.0\r\nEvent: conference\r\n\r\n<x/>',
    );
  });
});

describe('what is written to SIP', () => {
  it('has a Reason that stays one header', () => {
    expect(reasonHeader({ status: 603, text: 'a "b"\r\nX: y' })).toBe('SIP;cause=603;text="a \\"b\\" X: y"');
  });
  it('repeats a header line per value', () => {
    expect(headerLines({ A: '1', B: ['2', '3'] })).toEqual({ A: '1', B: '2\r\nB: 3' });
  });

  it('says in Contact how the peer came', () => {
    const contact = '<sip:tea@localhost>;isfocus';
    for (const protocol of ['udp', '']) expect(returningBy(protocol, contact)).toBe(contact);
    expect(returningBy('tcp', contact)).toBe('<sip:tea@localhost;transport=tcp>;isfocus');
    expect(returningBy('tls', '<sip:tea@conf.example>;isfocus')).toBe('<sip:tea@conf.example;transport=tls>;isfocus');
    expect(returningBy('tcp', '<sip:tea@conf.example;transport=tls>')).toBe('<sip:tea@conf.example;transport=tls>');
  });

  it('names in Contact an address of the server, or the conference where its URI leads here', () => {
    const tea = link('tea', 'sip:tea@conf.example');
    expect(focusContact(tea)).toBe('<sip:tea@localhost>;isfocus');
    expect(focusContact({ ...tea, contact: 'conference' })).toBe('<sip:tea@conf.example>;isfocus');
  });
  it('maps failures to statuses', () => {
    const status = (code: ConstructorParameters<typeof BridgeError>[0]) => failureOf(new BridgeError(code, 'x')).status;
    expect(status('MEDIA_UNSUPPORTED')).toBe(488);
    expect(failureOf(new BridgeError('MIXER_UNAVAILABLE', 'x'))).toMatchObject({
      status: 503,
      options: { headers: { 'Retry-After': expect.stringMatching(/^[2-5]$/) } },
    });
    expect(failureOf(new Error('x')).status).toBe(500);
  });
  it('knows the hosts of the SIP server', () => {
    expect(hostsOf('tcp/127.0.0.1:5060,udp/127.0.0.1:5060,udp/[::1]:5060')).toEqual(['127.0.0.1', '[::1]']);
    expect(hostsOf('')).toEqual([]);
  });
});

describe('wrong passwords', () => {
  it('are counted per minute, and forgotten by a right one or by time', () => {
    const tries = new TriesLedger();
    for (let count = 0; count < 5; count += 1) tries.wrong('a', count);
    expect([tries.exhausted('a', 10), tries.exhausted('b', 10), tries.exhausted('a', 60_005)]).toEqual([
      true,
      false,
      false,
    ]);
    tries.right('a');
    expect(tries.exhausted('a', 10)).toBe(false);
  });
});
