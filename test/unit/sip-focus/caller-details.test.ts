import { describe, expect, it } from 'vitest';
import { canonicalAor } from '../../../src/identity/aor.ts';
import { audioOf } from '../../../src/sip-focus/caller-audio.ts';
import { cascadedFocus, contactAddress, languagesOf } from '../../../src/sip-focus/caller-details.ts';
import { NumberMask } from '../../../src/sip-focus/number-mask.ts';

describe('the languages of a caller', () => {
  it.each([
    [null, []],
    ['', []],
    ['da, en-GB;q=0.8, en;q=0.7', ['da', 'en-GB', 'en']],
    ['en;q=0.5,de;q=0.9;level=1, fr', ['fr', 'de', 'en']],
    ['*, de;q=0, en', ['en']],
    ['en,en', ['en']],
    ['<b>, de-, ü, i-klingon', ['i-klingon']],
    [Array.from({ length: 5000 }, (_, i) => `a${String.fromCharCode(97 + (i % 26))}`).join(','), 8],
  ])('%j', (header, expected) => {
    const languages = languagesOf(header);
    if (typeof expected === 'number') expect(languages).toHaveLength(expected);
    else expect(languages).toEqual(expected);
  });
});

describe('the Contact of a caller', () => {
  it.each([
    ['<sip:amy@192.0.2.1:5070;transport=tcp;ob>;+sip.instance="x"', 'sip:amy@192.0.2.1:5070', null],
    ['"A; isfocus" <sip:amy@192.0.2.1>', 'sip:amy@192.0.2.1', null],
    ['<sip:amy@192.0.2.1;isfocus>', 'sip:amy@192.0.2.1', null],
    ['<sip:conf7@focus.example;gr=1>;audio;isfocus', 'sip:conf7@focus.example', 'sip:conf7@focus.example'],
    ['sip:conf7@focus.example;isfocus;audio', 'sip:conf7@focus.example', 'sip:conf7@focus.example'],
    ['<sip:conf7@focus.example>;isfocused', 'sip:conf7@focus.example', null],
    ['<sip:+493012345;phone-context=x@gw.example;user=phone>', 'sip:+493012345;phone-context=x@gw.example', null],
    ['<sip:room;7@focus.example>;isfocus', 'sip:room;7@focus.example', 'sip:room;7@focus.example'],
    ['<sip:amy:secret@192.0.2.1?subject=x>', 'sip:amy@192.0.2.1', null],
    ['<sip:192.0.2.1:5070;ob>', 'sip:192.0.2.1:5070', null],
    ['<sip:ä "b"@192.0.2.1>', 'sip:%C3%A4%20%22b%22@192.0.2.1', null],
    [`<sip:${'a'.repeat(250)}@192.0.2.1>;isfocus`, null, null],
    [null, null, null],
  ])('%j', (header, address, focus) => {
    expect([contactAddress(header), cascadedFocus(header)]).toEqual([address, focus]);
  });
});

describe('the audio of a caller', () => {
  const sdp = (...lines: string[]) => ['v=0', 'c=IN IP4 192.0.2.1', ...lines].join('\r\n');
  it.each([
    [sdp('m=audio 4000 RTP/AVP 0'), { direction: 'sendrecv', held: false, sourceId: null }],
    [sdp('m=audio 4000 RTP/AVP 0', 'a=recvonly'), { direction: 'recvonly', held: false, sourceId: null }],
    [
      sdp('a=inactive', 'm=audio 4000 RTP/AVP 0', 'a=ssrc:42 cname:x', 'a=ssrc:43 cname:y'),
      { direction: 'inactive', held: true, sourceId: '42' },
    ],
    [
      sdp('m=video 5000 RTP/AVP 99', 'a=ssrc:7 cname:x', 'm=audio 4000 RTP/AVP 0', 'a=ssrc:4294967295'),
      { direction: 'sendrecv', held: false, sourceId: '4294967295' },
    ],
    [sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0'), { direction: 'sendonly', held: true, sourceId: null }],
    [
      sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0', 'a=recvonly', 'a=ssrc:x'),
      { direction: 'inactive', held: true, sourceId: null },
    ],
  ])('%#', (text, expected) => expect(audioOf(text)).toEqual(expected));
});

describe('what stands for a number', () => {
  const aor = (text: string) => canonicalAor(text) ?? expect.unreachable();
  const mask = new NumberMask('a key');

  it('tells nothing, is the same for every call to a conference, and another for any other number, conference or key', () => {
    const number = aor('tel:+493012345');
    const entity = mask.entityOf(number, 'tea');
    expect(entity).toMatch(/^sip:[0-9a-f]{32}@number\.invalid$/);
    expect(new NumberMask('a key').entityOf(number, 'tea')).toBe(entity);
    const others = [
      mask.entityOf(aor('tel:+493012346'), 'tea'),
      mask.entityOf(aor('sip:+493012345@gw.example'), 'tea'),
      mask.entityOf(number, 'coffee'),
      new NumberMask('another').entityOf(number, 'tea'),
    ];
    expect(new Set([entity, ...others]).size).toBe(5);
  });

  it('is nothing for an address that is no number', () => {
    expect(mask.entityOf(aor('sip:amy@example.org'), 'tea')).toBeNull();
  });
});
