/** The harness's own SIP: messages, addresses, digest, transactions and descriptions, away from any server. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hostPortOf, nameAddress, parameterOf, uriOf } from '../../harness/sip/address.ts';
import { challengesOf, DigestClient, digestResponse } from '../../harness/sip/digest.ts';
import { MessageFramer, parseMessage, SipMessage, splitList } from '../../harness/sip/message.ts';
import { answeringDirection, readDescription, writeDescription } from '../../harness/sip/sdp.ts';
import { ClientTransaction, ServerTransaction } from '../../harness/sip/transactions.ts';

const wire = (...lines: string[]): Buffer => Buffer.from(lines.join('\r\n'));

describe('SIP messages', () => {
  const response = parseMessage(
    wire(
      'SIP/2.0 200 Fine, thanks',
      'v: SIP/2.0/UDP one;branch=z9hG4bK1, SIP/2.0/UDP two;branch=z9hG4bK2',
      'VIA: SIP/2.0/UDP three',
      'f: "A, <b>\\"" <sip:a@b>;tag=1',
      'Subject: folded',
      '  twice',
      'CSeq: 7 INVITE',
      'l: 4',
      '',
      'böd too much',
    ),
  );

  it('are read in compact and folded form, and cut at Content-Length', () => {
    expect(response).toMatchObject({ status: 200, reason: 'Fine, thanks', method: 'INVITE', sequence: 7, uri: '' });
    expect(response?.list('Via')).toHaveLength(3);
    expect(response?.header('from')).toBe('"A, <b>\\"" <sip:a@b>;tag=1');
    expect(response?.header('s')).toBe('folded twice');
    expect(response?.headers.via).toContain('two;branch=z9hG4bK2, SIP/2.0/UDP three');
    expect(response?.body).toBe('böd');
  });

  it('are refused when they are none or cut off', () => {
    expect(parseMessage(wire('INVITE sip:a@b SIP/2.0', ''))).toBeNull();
    expect(parseMessage(wire('HELLO', '', ''))).toBeNull();
    expect(parseMessage(wire('INVITE sip:a@b SIP/2.0', 'no colon', '', ''))).toBeNull();
    expect(parseMessage(wire('INVITE sip:a@b SIP/2.0', 'Content-Length: 5', '', 'four'))).toBeNull();
  });

  it('are the same after being written, however a stream cuts them', () => {
    const text = fc.stringMatching(/^[a-zA-Z0-9 é€;,<>"]*$/).map((value) => value.trim());
    const message = fc
      .tuple(fc.constantFrom('INVITE sip:a@b SIP/2.0', 'SIP/2.0 180 Ringing'), text, text)
      .map(([start, value, body]) => new SipMessage(start, [['Subject', value]], body));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (messages, size) => {
        const bytes = Buffer.concat(messages.flatMap((one) => [one.encode(), Buffer.from('\r\n\r\n')]));
        const framer = new MessageFramer();
        const read: SipMessage[] = [];
        for (let at = 0; at < bytes.length; at += size) read.push(...framer.push(bytes.subarray(at, at + size)));
        const seen = (one: SipMessage) => [one.start, one.header('subject'), one.body];
        expect(read.map(seen)).toEqual(messages.map(seen));
      }),
    );
  });

  it('on a stream need a length', () => {
    expect(() => new MessageFramer().push(wire('OPTIONS sip:a@b SIP/2.0', '', ''))).toThrow('Content-Length');
  });
});

describe('addresses', () => {
  it('keep the parameters of the header apart from those of the URI', () => {
    const contact = '"x;isfocus" <sip:tea@1.2.3.4:5070;transport=tcp>;isfocus;expires=60;q="a;b"';
    expect(uriOf(contact)).toBe('sip:tea@1.2.3.4:5070;transport=tcp');
    expect(parameterOf(contact, 'isfocus')).toBe('');
    expect(parameterOf(contact, 'expires')).toBe('60');
    expect(parameterOf(contact, 'transport')).toBeUndefined();
    expect(parameterOf('sip:a@b;tag=z', 'tag')).toBe('z');
    expect(parameterOf('terminated;reason=noresource', 'reason')).toBe('noresource');
    expect(parameterOf('sip:a@b', 'tag')).toBeUndefined();
  });

  it('lead somewhere only when they are numbers', () => {
    expect(hostPortOf('sip:tea@1.2.3.4:5070;transport=tcp')).toEqual({ host: '1.2.3.4', port: 5070 });
    expect(hostPortOf('sip:1.2.3.4')).toEqual({ host: '1.2.3.4', port: 5060 });
    expect(hostPortOf('sip:tea@conf.example')).toBeNull();
    expect(nameAddress('sip:a@b', 'A "B"', 't')).toBe('"A \\"B\\"" <sip:a@b>;tag=t');
    expect(splitList('<sip:a,b>, "c,\\"d" <sip:e>,f')).toEqual(['<sip:a,b>', '"c,\\"d" <sip:e>', 'f']);
  });
});

describe('digest', () => {
  const challenge = (...lines: string[]) =>
    new SipMessage(
      'SIP/2.0 401 Unauthorized',
      lines.map((line) => ['WWW-Authenticate', line] as const),
    );
  const offered = (nonce: string, more = '') =>
    challenge(
      `Digest realm="a, \\"b\\"", nonce="${nonce}", algorithm=SHA-512-256, qop="auth"`,
      `Digest realm="a, \\"b\\"", nonce="${nonce}", algorithm=SHA-256, qop="auth,auth-int", opaque="o"${more}`,
      `Digest realm="a, \\"b\\"", nonce="${nonce}", algorithm=MD5, qop="auth"${more}`,
    );
  const field = (header: readonly [string, string] | null, name: string) =>
    new RegExp(`[ ,]${name}="?([^",]*)`).exec(header?.[1] ?? '')?.[1];

  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('gives the response of RFC 7616 3.9.1 for %s', (algorithm, response) => {
    const asked = {
      algorithm,
      realm: 'http-auth@example.org',
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      qop: true,
    };
    const credentials = { username: 'Mufasa', password: 'Circle of Life' };
    const request = { method: 'GET', uri: '/dir/index.html' };
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
    expect(digestResponse(asked, credentials, request, '00000001', cnonce)).toBe(response);
  });

  it('answers the first algorithm that it knows, or the one wished for', () => {
    expect(challengesOf(offered('n')).map(({ algorithm }) => algorithm)).toEqual(['SHA-256', 'MD5']);
    for (const [wished, expected] of [
      [undefined, 'SHA-256'],
      ['MD5', 'MD5'],
    ] as const) {
      const client = new DigestClient({ username: 'u', password: 'p', ...(wished ? { algorithm: wished } : {}) });
      expect(client.authorize('INVITE', 'sip:x')).toBeNull();
      expect(client.accept(offered('n'), false)).toBe(true);
      const proof = client.authorize('INVITE', 'sip:x');
      expect([proof?.[0], field(proof, 'algorithm'), field(proof, 'qop'), field(proof, 'nc')]).toEqual([
        'Authorization',
        expected,
        'auth',
        '00000001',
      ]);
      expect(proof?.[1]).toContain('realm="a, \\"b\\""');
      expect(proof?.[1]).not.toContain('password');
      expect(field(client.authorize('INVITE', 'sip:x'), 'nc')).toBe('00000002');
    }
  });

  it('tries again only with a new nonce in the place of a stale one, and counts it from one', () => {
    const client = new DigestClient({ username: 'u', password: 'p' });
    client.accept(offered('n1'), false);
    client.authorize('INVITE', 'sip:x');
    expect(client.accept(offered('n2'), true)).toBe(false);
    expect(client.accept(offered('n3', ', stale=TRUE'), true)).toBe(true);
    const proof = client.authorize('INVITE', 'sip:x');
    expect([field(proof, 'nonce'), field(proof, 'nc')]).toEqual(['n3', '00000001']);
  });

  it('has no count without qop, and answers a proxy as such', () => {
    const client = new DigestClient({ username: 'u', password: 'p' });
    const proxy = new SipMessage('SIP/2.0 407 x', [['Proxy-Authenticate', 'digest realm="r",nonce="n"']]);
    expect(client.accept(proxy, false)).toBe(true);
    const [name, value] = client.authorize('BYE', 'sip:x') ?? [];
    const hash = (text: string) => createHash('md5').update(text).digest('hex');
    expect(name).toBe('Proxy-Authorization');
    expect(value).toContain(`response="${hash(`${hash('u:r:p')}:n:${hash('BYE:sip:x')}`)}"`);
    expect(value).not.toContain('nc=');
  });
});

describe('transactions', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function client(method: string, reliable = false) {
    const log: string[] = [];
    const request = new SipMessage(`${method} sip:x SIP/2.0`, [['CSeq', `1 ${method}`]]);
    const transaction = new ClientTransaction(request, {
      reliable,
      send: (message) => log.push(message.method),
      ack: () => new SipMessage('ACK sip:x SIP/2.0', []),
      onResponse: (response) => log.push(`${response.status}`),
      onTimeout: () => log.push('timeout'),
      onEnd: () => log.push('end'),
    });
    transaction.start();
    const receive = (status: number) => transaction.receive(new SipMessage(`SIP/2.0 ${status} x`, []));
    return { log, transaction, receive };
  }

  it('repeat a request at growing intervals and give up after 32 s', () => {
    const invite = client('INVITE');
    const options = client('OPTIONS');
    const reliable = client('OPTIONS', true);
    vi.advanceTimersByTime(31_999);
    expect(invite.log.length).toBe(7); // 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s
    expect(options.log.length).toBe(11); // then every 4 s from 3.5 s on
    expect(reliable.log.length).toBe(1);
    vi.advanceTimersByTime(1);
    for (const { log } of [invite, options, reliable]) expect(log.slice(-2)).toEqual(['timeout', 'end']);
  });

  it('acknowledge each copy of a refusal and pass it up once', () => {
    const { log, receive } = client('INVITE');
    receive(100);
    vi.advanceTimersByTime(60_000);
    receive(486);
    receive(486);
    expect(log).toEqual(['INVITE', '100', 'ACK', '486', 'ACK']);
    vi.advanceTimersByTime(32_000);
    receive(486);
    expect(log.slice(5)).toEqual(['end']);
  });

  it('pass each copy of a 200 to INVITE up, but of others only the first', () => {
    const invite = client('INVITE');
    const bye = client('BYE');
    for (const { receive } of [invite, invite, bye, bye]) receive(200);
    expect(invite.log).toEqual(['INVITE', '200', '200']);
    expect(bye.log).toEqual(['BYE', '200']);
  });

  it('wait no longer than 32 s for the end of what was cancelled', () => {
    const { log, receive, transaction } = client('INVITE');
    receive(180);
    transaction.cancelled();
    vi.advanceTimersByTime(32_000);
    expect(log.slice(2)).toEqual(['timeout', 'end']);
  });

  it('repeat the final answer to an INVITE until it is acknowledged, and any answer when asked again', () => {
    const sent: number[] = [];
    const server = (method: string) =>
      new ServerTransaction(
        new SipMessage(`${method} sip:x SIP/2.0`, []),
        false,
        (response) => sent.push(response.status),
        () => undefined,
      );
    const invite = server('INVITE');
    invite.respond(new SipMessage('SIP/2.0 200 OK', []));
    vi.advanceTimersByTime(3500);
    expect(sent).toEqual([200, 200, 200, 200]);
    invite.acknowledged();
    vi.advanceTimersByTime(20_000);
    expect(sent).toHaveLength(4);
    const bye = server('BYE');
    bye.repeat();
    bye.respond(new SipMessage('SIP/2.0 481 x', []));
    bye.respond(new SipMessage('SIP/2.0 200 OK', []));
    bye.repeat();
    vi.advanceTimersByTime(20_000);
    expect(sent.slice(4)).toEqual([481, 481]);
  });
});

describe('session descriptions', () => {
  it('are read as they are written', () => {
    const own = {
      port: 4000,
      codec: 'PCMA',
      payloadType: 8,
      eventType: 96,
      direction: 'sendonly',
      version: 3,
    } as const;
    expect(readDescription(writeDescription(own))).toEqual({
      host: '127.0.0.1',
      port: 4000,
      direction: 'sendonly',
      codecs: [{ codec: 'PCMA', payloadType: 8 }],
      eventType: 96,
    });
  });

  it('prefer what is said of the stream to what is said of the session', () => {
    const sdp = [
      'v=0',
      'c=IN IP4 1.1.1.1',
      'a=inactive',
      'm=video 9 RTP/AVP 99',
      'm=audio 5000 RTP/AVP 9 97 8',
      'c=IN IP4 2.2.2.2',
      'a=rtpmap:97 pcmu/8000',
    ];
    expect(readDescription(sdp.join('\n'))).toEqual({
      host: '2.2.2.2',
      port: 5000,
      direction: 'inactive',
      codecs: [
        { codec: 'PCMU', payloadType: 97 },
        { codec: 'PCMA', payloadType: 8 },
      ],
    });
    expect(() => readDescription('v=0\nm=video 9 RTP/AVP 99')).toThrow('no audio');
  });

  it('are answered in the direction that both can', () => {
    expect(answeringDirection('sendrecv', 'sendrecv')).toBe('sendrecv');
    expect(answeringDirection('sendonly', 'sendrecv')).toBe('recvonly');
    expect(answeringDirection('recvonly', 'sendrecv')).toBe('sendonly');
    expect(answeringDirection('sendonly', 'sendonly')).toBe('inactive');
    expect(answeringDirection('inactive', 'sendrecv')).toBe('inactive');
  });
});
