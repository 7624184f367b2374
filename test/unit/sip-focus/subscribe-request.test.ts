import { describe, expect, it } from 'vitest';
import { endsDialog } from '../../../src/sip-focus/dialog-usages.ts';
import { parseEvent } from '../../../src/sip-focus/event-header.ts';
import { notificationOf } from '../../../src/sip-focus/notification.ts';
import { defaultExpiry, readSubscribe, subscriptionKey } from '../../../src/sip-focus/subscribe-request.ts';

const request = (headers: Record<string, string>) => ({ header: (name: string) => headers[name] ?? null });
const read = (headers: Record<string, string>) => readSubscribe(request(headers), defaultExpiry);
const noRates = { maxRate: null, minRate: null, adaptiveMinRate: null };
const bytes = 'application/conference-info+xml';

describe('what a SUBSCRIBE asks for', () => {
  it('is an hour of the conference package by default', () => {
    expect(read({ Event: 'conference' })).toEqual({
      ...{ act: 'serve', event: 'conference', key: 'conference', expires: 3600, rates: null, suppressIfMatch: null },
    });
  });

  it('is repeated as it was written, and known however it was written', () => {
    const wish = read({ Event: 'Conference ; max-rate=0.1;ID=x7', Expires: '99999', Accept: 'text/plain, */*' });
    expect(wish).toMatchObject({ event: 'Conference;id=x7', key: 'conference;id=x7', expires: 3600 });
    expect(wish).toMatchObject({ rates: { ...noRates, maxRate: 0.1 } });
    expect(subscriptionKey(request({ o: 'CONFERENCE;id=x7' }))).toBe('conference;id=x7');
    expect(subscriptionKey(request({ o: 'conference;id=X7' }))).toBe('conference;id=X7');
    expect(subscriptionKey(request({ o: 'presence;id=X7' }))).toBeNull();
  });

  it('may stand under the compact name, or under both when they agree', () => {
    expect(read({ o: 'conference' })).toMatchObject({ act: 'serve' });
    expect(read({ o: 'conference', Event: 'conference' })).toMatchObject({ act: 'serve' });
    expect(read({ o: 'presence', Event: 'conference' })).toMatchObject({ act: 'refuse', status: 400 });
  });

  it('says what its subscriber has already', () => {
    expect(read({ Event: 'conference', 'Suppress-If-Match': ' abc-1 ' })).toMatchObject({ suppressIfMatch: 'abc-1' });
    expect(read({ Event: 'conference', 'Suppress-If-Match': '*' })).toMatchObject({ suppressIfMatch: '*' });
  });

  it.each([
    [{ shortest: 2, longest: 600 }, 600],
    [{ shortest: 2, longest: 86400 }, 3600],
    [{ shortest: 7200, longest: 86400 }, 7200],
  ])('is within the limits %o when it does not say how long', (limits, expires) =>
    expect(readSubscribe(request({ Event: 'conference' }), limits)).toMatchObject({ act: 'serve', expires }),
  );
  it.each([
    ['2', { act: 'refuse', status: 423, options: { headers: { 'Min-Expires': '3' } } }],
    ['3', { act: 'serve', expires: 3 }],
    ['6', { act: 'serve', expires: 5 }],
    ['0', { act: 'serve', expires: 0 }],
  ])('for %s s is measured against what the operator grants', (Expires, wish) =>
    expect(readSubscribe(request({ Event: 'conference', Expires }), { shortest: 3, longest: 5 })).toMatchObject(wish),
  );

  it.each([
    [{}, 489],
    [{ Event: ' ' }, 489],
    [{ Event: 'refer' }, 489],
    [{ Event: 'conference.winfo' }, 489],
    [{ Event: 'conference, presence' }, 400],
    [{ Event: 'conference, conference' }, 400],
    [{ Event: 'conference;id="quoted"' }, 400],
    [{ Event: 'conference;id=a;id=b' }, 400],
    [{ Event: `conference;id=${'x'.repeat(65)}` }, 400],
    [{ Event: ';id=1' }, 400],
    [{ Event: 'conference', Expires: '59' }, 423],
    [{ Event: 'conference', Expires: 'soon' }, 400],
    [{ Event: 'conference', Expires: '-1' }, 400],
    [{ Event: 'conference', Require: 'eventlist' }, 420],
  ])('is refused: %o', (headers, status) => expect(read(headers)).toMatchObject({ act: 'refuse', status }));

  it('is told what is there when it asks for something else', () => {
    expect(read({ Event: 'presence' })).toMatchObject({ options: { headers: { 'Allow-Events': 'conference' } } });
    expect(read({ Event: 'conference', Accept: 'a/b' })).toMatchObject({ options: { headers: { Accept: bytes } } });
    const required = read({ Event: 'conference', Require: 'eventlist, timer' });
    expect(required).toMatchObject({ options: { headers: { Unsupported: 'eventlist' } } });
  });
});

describe('Accept (RFC 3261 20.1, RFC 4575 3.4)', () => {
  it.each([
    [bytes, true],
    ['Application/Conference-Info+XML', true],
    [`text/plain, ${bytes};q=0.2`, true],
    ['application/*', true],
    ['*/*;q=0.1', true],
    [`${bytes};q=0`, false],
    [`${bytes}; q=0.000, */*`, false],
    [`*/*;q=0, ${bytes}`, true],
    ['application/*;q=0, */*', false],
    ['application/pidf+xml', false],
    ['text/*', false],
    ['', false],
  ])('%s', (Accept, accepted) =>
    expect(read({ Event: 'conference', Accept })).toMatchObject(accepted ? { act: 'serve' } : { status: 406 }),
  );
});

describe('rates in Event (RFC 6446 9.2)', () => {
  it.each([
    ['conference;max-rate=2', { ...noRates, maxRate: 2 }],
    ['conference;MIN-rate = 0.05 ;adaptive-min-rate=0.2', { maxRate: null, minRate: 0.05, adaptiveMinRate: 0.2 }],
    ['conference;max-rate=0', null],
    ['conference;max-rate=0.0', null],
    ['conference;max-rate=100', null],
    ['conference;max-rate=1e3', null],
    ['conference;max-rate', null],
    ['conference;maximum-rate=1', null],
  ])('%s', (value, rates) => expect(parseEvent(value)?.rates).toEqual(rates));
});

describe('a NOTIFY', () => {
  const target = { dialogId: 'd', event: 'Conference;id=1', contact: '<sip:tea@192.0.2.1>;isfocus' };
  it('names the event as it was subscribed to, and the state that it tells', () => {
    const document = { head: '<x version="', version: 7, tail: '"/>' };
    const order = { subscriptionState: 'active;expires=60', entityTag: 'tag-7', document };
    expect(notificationOf(target, order)).toEqual({
      dialogId: 'd',
      headers: `${[
        'Event: Conference;id=1',
        'Subscription-State: active;expires=60',
        'SIP-ETag: tag-7',
        'Contact: <sip:tea@192.0.2.1>;isfocus',
        `Content-Type: ${bytes}`,
      ].join('\r\n')}\r\n`,
      body: '<x version="7"/>',
    });
  });
  it('without a document has no type, and no tag where there is none', () => {
    const order = { subscriptionState: 'terminated;reason=rejected', entityTag: null, document: null };
    const { headers, body } = notificationOf(target, order);
    expect(headers).not.toMatch(/Content-Type|SIP-ETag/);
    expect(body).toBe('');
  });
});

describe('answers to a NOTIFY in the dialog of a call (RFC 5057 5.1)', () => {
  it('that end the call as well are these and no others', () => {
    const statuses = Array.from({ length: 500 }, (_, index) => 200 + index);
    expect(statuses.filter(endsDialog)).toEqual([404, 410, 416, 482, 483, 484, 485, 502, 604]);
  });
});
