/** The component link against a server of the test's own, which does what real ones do only sometimes. */
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { ComponentLink, type ComponentSettings } from '../../src/muc-bridge/component.ts';
import { childText, element, type XmlElement } from '../../src/muc-bridge/element.ts';
import { currentTrace } from '../../src/trace.ts';

/** A server that speaks just enough of XEP-0114. */
class StubServer {
  readonly connections: Socket[] = [];
  readonly received: string[] = [];
  /** What happens to a connection: let in, left without any answer, or refused with a stream error. */
  mood: 'welcome' | 'silent' | 'refuse' = 'welcome';
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as { port: number }).port;
  }

  get latest(): Socket {
    const socket = this.connections.at(-1);
    if (!socket) throw new Error('nobody is connected');
    return socket;
  }

  get text(): string {
    return this.received.join('');
  }

  close(): void {
    for (const socket of this.connections) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.connections.push(socket);
    socket.on('error', () => undefined);
    if (this.mood === 'silent') return;
    let greeted = false;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.received.push(text);
      if (text.includes('</stream:stream>')) socket.end('</stream:stream>');
      if (!greeted) {
        greeted = true;
        const stream =
          "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='abc' from='bridge.test'>";
        socket.write(stream);
      } else if (text.includes('<handshake')) {
        const wanted = createHash('sha1').update('abcsecret').digest('hex');
        const good = this.mood === 'welcome' && text.includes(wanted);
        if (good) socket.write('<handshake/>');
        else
          socket.end(
            "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
          );
      }
    });
  }
}

const stops: Array<() => Promise<void> | void> = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function linked(settings: Partial<ComponentSettings> = {}, mood: StubServer['mood'] = 'welcome') {
  const server = new StubServer();
  server.mood = mood;
  const port = await server.listen();
  stops.push(() => server.close());
  const stanzas: XmlElement[] = [];
  const traces: Array<string | undefined> = [];
  const seen = { online: 0, offline: 0, stanzas, traces };
  const lines: string[] = [];
  const log = createLog({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const link = new ComponentLink(
    {
      host: '127.0.0.1',
      port,
      domain: 'bridge.test',
      secret: 'secret',
      firstDelayMs: 20,
      longestDelayMs: 40,
      fatalDelayMs: 50,
      ...settings,
    },
    {
      online: (generation) => {
        seen.online = generation;
      },
      offline: () => {
        seen.offline += 1;
      },
      stanza: (stanza) => {
        stanzas.push(stanza);
        traces.push(currentTrace());
      },
    },
    log,
  );
  stops.push(() => link.stop());
  link.start();
  return { server, link, seen, lines };
}

const ping = element('ping', { xmlns: 'urn:xmpp:ping' });
const idOf = (text: string): string => /id="([^"]+)"/.exec(text)?.[1] ?? '';

describe('ComponentLink', () => {
  it('connects, hands stanzas on under a trace each, and connects anew with the next generation', async () => {
    const { server, seen } = await linked();
    await until(() => seen.online === 1, 'the link');
    server.latest.write(
      "<message from='a@b' to='bridge.test'><body>1</body></message><message from='a@b' to='bridge.test'/>",
    );
    await until(() => seen.stanzas.length === 2, 'the stanzas');
    expect(new Set(seen.traces).size).toBe(2);
    server.latest.destroy();
    await until(() => seen.offline === 1 && seen.online === 2, 'the link again');
  });

  it('reads characters that are split over two reads', async () => {
    const { server, seen } = await linked();
    await until(() => seen.online === 1, 'the link');
    const bytes = Buffer.from("<message from='a@b' to='bridge.test'><body>Grüße 🫖</body></message>", 'utf8');
    const cut = bytes.indexOf(Buffer.from('🫖', 'utf8')) + 2;
    server.latest.setNoDelay(true);
    server.latest.write(bytes.subarray(0, cut));
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.latest.write(bytes.subarray(cut));
    await until(() => seen.stanzas.length === 1, 'the stanza');
    expect(childText(seen.stanzas[0], 'body')).toBe('Grüße 🫖');
  });

  it('gives a server up that accepts and stays silent, and tries again', async () => {
    const { server, seen } = await linked({ connectLimitMs: 100 }, 'silent');
    await until(() => server.connections.length >= 2, 'a second attempt');
    server.mood = 'welcome';
    await until(() => seen.online === 1, 'the link');
  });

  it('says in one clear line what to do about a wrong secret, and tries on, slowly', async () => {
    const { server, seen, lines } = await linked({ secret: 'wrong' });
    await until(() => server.connections.length >= 2, 'a second attempt');
    expect(seen.online).toBe(0);
    const clear = lines.filter((line) => line.includes('component secret'));
    expect(clear.length).toBeGreaterThan(0);
    expect(lines.join('')).not.toContain('"wrong"');
  });

  it('takes answers only from whom it asked', async () => {
    const { server, link, seen } = await linked();
    await until(() => seen.online === 1, 'the link');
    const answer = link.request('get', 'bridge.test', 'rooms.test', ping);
    await until(() => server.text.includes('<ping'), 'the request');
    const id = idOf(server.text.slice(server.text.indexOf('<iq')));
    server.latest.write(`<iq type='error' from='mallory@x' to='bridge.test' id='${id}'/>`);
    server.latest.write(`<iq type='result' from='rooms.test' to='bridge.test' id='${id}'/>`);
    expect(await answer).toEqual({ ok: true, payload: null });
  });

  it('rejects with names what cannot be sent, is not answered, or is cut off', async () => {
    const { server, link, seen } = await linked({ answerLimitMs: 100 });
    await expect(link.send(element('message'))).rejects.toMatchObject({ code: 'XMPP_UNAVAILABLE' });
    await until(() => seen.online === 1, 'the link');
    await expect(link.request('get', 'bridge.test', 'rooms.test', ping)).rejects.toMatchObject({
      code: 'XMPP_TIMEOUT',
    });
    const cut = link.request('get', 'bridge.test', 'rooms.test', ping, 60_000);
    server.latest.destroy();
    await expect(cut).rejects.toMatchObject({ code: 'XMPP_UNAVAILABLE' });
  });

  it('connects anew when its pings stay unanswered, and not when they are refused', async () => {
    const { server, seen } = await linked({ pingTarget: 'rooms.test', pingEveryMs: 60 });
    await until(() => seen.online === 1, 'the link');
    let answered = '';
    const answering = setInterval(() => {
      const rest = server.text.slice(server.text.lastIndexOf('<iq'));
      const id = idOf(rest);
      if (rest.includes('<ping') && id !== answered) {
        answered = id;
        server.latest.write(
          `<iq type='error' from='rooms.test' to='bridge.test' id='${id}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
        );
      }
    }, 5);
    const pings = () => server.text.split('<ping').length - 1;
    await until(() => pings() >= 4, 'some pings');
    clearInterval(answering);
    expect(seen.online).toBe(1);
    await until(() => seen.online === 2, 'the new link');
  });

  it('leaves aside what is too deep or too large, and reads on', async () => {
    const { server, seen, lines } = await linked();
    await until(() => seen.online === 1, 'the link');
    const deep = `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`;
    server.latest.write(`<message from='m@x' to='bridge.test'>${deep}</message>`);
    server.latest.write(`<message from='m@x' to='bridge.test'><body>${'x'.repeat(70_000)}</body></message>`);
    server.latest.write(`<iq type='set' from='m@x' to='bridge.test' id='deep'>${deep}</iq>`);
    server.latest.write("<iq type='get' from='@@' to='bridge.test' id='1'><x/></iq>");
    await until(() => seen.stanzas.length === 1, 'the next stanza');
    expect(seen.stanzas[0]?.name).toBe('iq');
    expect(lines.filter((line) => line.includes('too large or too deep'))).toHaveLength(3);
    await until(() => server.text.includes('<policy-violation'), 'the answer that every request gets');
    expect(server.text).toMatch(/<iq [^>]*type="error"[^>]*id="deep"|<iq [^>]*id="deep"[^>]*type="error"/);
  });

  it('outlives what is no XML', async () => {
    const { server, seen } = await linked();
    await until(() => seen.online === 1, 'the link');
    server.latest.write('<message></presence>&&&');
    await until(() => seen.online === 2, 'the link again');
    server.latest.write("<message from='a@b' to='bridge.test'><body>&nosuch;</body></message>");
    await until(() => seen.online === 3, 'the link once more');
  });
});
