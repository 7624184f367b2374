import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalDescription, negotiate, ownOffer, readAnswer } from '../../../../src/embedded/mixer/media-negotiation.ts';

const session = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
const sdp = (...lines: string[]): string => `${[...session, ...lines].join('\r\n')}\r\n`;
const answer = (offer: string): string[] => negotiate(offer, 4)?.answer('198.51.100.1', 7000) ?? [];
const media = (offer: string) => negotiate(offer, 4)?.media;

describe('answering an offer (RFC 3264)', () => {
  it('takes the first law of the offer and mirrors its telephone-event type', () => {
    const offer = sdp(
      'm=audio 4000 RTP/AVP 9 8 0 96',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:96 telephone-event/8000',
      'a=fmtp:96 0-16',
    );
    expect(media(offer)).toEqual({
      law: 'PCMA',
      payloadType: 8,
      dtmfPayloadType: 96,
      direction: 'sendrecv',
      remote: { address: '192.0.2.1', port: 4000 },
    });
    expect(answer(offer)).toEqual([
      's=-',
      'c=IN IP4 198.51.100.1',
      't=0 0',
      'm=audio 7000 RTP/AVP 8 96',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:96 telephone-event/8000',
      'a=fmtp:96 0-15',
      'a=ptime:20',
      'a=sendrecv',
    ]);
  });

  it('knows the static types without rtpmap, a dynamic type by its rtpmap, and trusts the rtpmap', () => {
    expect(media(sdp('m=audio 4000 RTP/AVP 0'))).toMatchObject({ law: 'PCMU', payloadType: 0, dtmfPayloadType: null });
    expect(media(sdp('m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 pcma/8000/1'))).toMatchObject({
      law: 'PCMA',
      payloadType: 97,
    });
    expect(media(sdp('m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 PCMU/16000'))).toBeUndefined();
    expect(media(sdp('m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 PCMU/8000/2'))).toBeUndefined();
  });

  it('answers as many m= lines as it is offered, in their order', () => {
    const offer = sdp(
      'm=video 5000 RTP/AVP 96 97',
      'm=audio 5002 RTP/SAVP 0',
      'm=audio 5004 RTP/AVP 8',
      'm=audio 5006 RTP/AVP 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    );
    expect(answer(offer).filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 96 97',
      'm=audio 0 RTP/SAVP 0',
      'm=audio 7000 RTP/AVP 8',
      'm=audio 0 RTP/AVP 0',
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
    ]);
  });

  it.each([
    ['sendrecv', 'sendrecv'],
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('answers %s with %s', (offered, answered) => {
    expect(answer(sdp('m=audio 4000 RTP/AVP 0', `a=${offered}`)).at(-1)).toBe(`a=${answered}`);
    // The stream's own direction goes before the session's.
    const withSession = sdp('a=inactive', 'm=audio 4000 RTP/AVP 0', `a=${offered}`);
    expect(media(withSession)?.direction).toBe(answered);
  });

  it('takes c=0.0.0.0 for hold and the stream c= line before the one of the session', () => {
    const held = media(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0', 'a=sendrecv'));
    expect(held).toMatchObject({ direction: 'recvonly', remote: null });
    const own = media(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 192.0.2.9'));
    expect(own?.remote).toEqual({ address: '192.0.2.9', port: 4000 });
  });

  it('sends nothing to a host name before it is heard from there', () => {
    expect(media(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 phone.example.com'))?.remote).toBeNull();
    expect(media(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 999.1.1.1'))?.remote).toBeNull();
  });

  it.each([
    ['nothing at all', ''],
    ['no description', 'hello'],
    ['no media', sdp()],
    ['a broken m= line', sdp('m=audio RTP/AVP 0')],
    ['a port beyond 65535', sdp('m=audio 70000 RTP/AVP 0')],
    ['encrypted audio', sdp('m=audio 4000 RTP/SAVP 0')],
    ['feedback audio', sdp('m=audio 4000 RTP/AVPF 0')],
    ['WebRTC audio', sdp('m=audio 4000 UDP/TLS/RTP/SAVPF 0')],
    ['no law of G.711', sdp('m=audio 4000 RTP/AVP 9 18')],
    ['a multicast group', sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127')],
    ['the other IP family', sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::1')],
    ['too many streams', sdp(...Array<string>(33).fill('m=audio 4000 RTP/AVP 0'))],
  ])('refuses %s', (_what, offer) => {
    expect(negotiate(offer, 4)).toBeUndefined();
  });

  it('answers a removed stream with port 0 and no media', () => {
    const removed = negotiate(sdp('m=audio 0 RTP/AVP 0'), 4);
    expect(removed?.media).toBeNull();
    expect(removed?.answer('198.51.100.1', 7000).at(-1)).toBe('m=audio 0 RTP/AVP 0');
  });

  it('speaks IPv6 where our address does', () => {
    const negotiation = negotiate(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::1'), 6);
    expect(negotiation?.media?.remote?.address).toBe('2001:db8::1');
    expect(negotiation?.answer('2001:db8::2', 7000)).toContain('c=IN IP6 2001:db8::2');
  });

  it('never throws, whatever is offered', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('v=0', 'm=audio 1 RTP/AVP 0', 'm=', 'c=IN IP4 ', 'a=rtpmap:', 'a=rtpmap:0 x', 't='),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        negotiate(lines.join('\r\n'), 4);
        negotiate(['v=0', ...lines].join('\n'), 6);
      }),
    );
  });
});

describe('making an offer', () => {
  it('offers both laws and reads the answer to them', () => {
    const offer = new LocalDescription('7', '198.51.100.1').write(ownOffer('198.51.100.1', 7000));
    // An answerer of our own kind must take it.
    expect(negotiate(offer, 4)?.media).toMatchObject({ law: 'PCMU', dtmfPayloadType: 101 });
    expect(readAnswer(sdp('m=audio 4000 RTP/AVP 8', 'a=recvonly'), 4)).toMatchObject({
      law: 'PCMA',
      direction: 'sendonly',
    });
    expect(readAnswer(sdp('m=audio 0 RTP/AVP 0'), 4)).toBeUndefined();
  });
});

describe('our own description', () => {
  it('raises its version with every change and only then', () => {
    const description = new LocalDescription('7', '198.51.100.1');
    const origins = [['s=a'], ['s=a'], ['s=b'], ['s=a']].map((lines) => description.write(lines).split('\r\n')[1]);
    expect(origins).toEqual([1, 1, 2, 3].map((version) => `o=- 7 ${version} IN IP4 198.51.100.1`));
  });
});
