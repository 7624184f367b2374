import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Dns,
  isOurselves,
  orderSrv,
  resolveTargets,
  type SrvRecord,
} from '../../../../src/embedded/sip-agent/resolver.ts';
import type { Flow, LocalAddress } from '../../../../src/embedded/sip-agent/transport.ts';

const udp: LocalAddress = { protocol: 'udp', host: '127.0.0.1', port: 5060 };
const tcp: LocalAddress = { protocol: 'tcp', host: '127.0.0.1', port: 5062 };
const locals = [udp, tcp];

function dnsWith(
  addresses: Record<string, string>,
  services: Record<string, SrvRecord[]> = {},
): Dns & { asked: string[] } {
  const asked: string[] = [];
  const find = <T>(table: Record<string, T>, name: string): Promise<T> => {
    asked.push(name);
    const found = table[name];
    return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found);
  };
  return { asked, address: (host) => find(addresses, host), srv: (name) => find(services, name) };
}

const brief = (flows: Flow[]) => flows.map(({ local, address, port }) => `${local.protocol} ${address}:${port}`);

describe('targets of a URI (RFC 3263 4)', () => {
  it.each([
    ['sip:a@10.0.0.1', ['udp 10.0.0.1:5060']],
    ['sip:a@10.0.0.1:5070;transport=TCP', ['tcp 10.0.0.1:5070']],
    ['sip:a@example.org;maddr=10.0.0.2', ['udp 10.0.0.2:5060']],
  ])('%s is known at once', (uri, expected) => {
    const targets = resolveTargets(uri, locals, dnsWith({}));
    expect(targets).not.toBeInstanceOf(Promise);
    expect('flows' in targets && brief(targets.flows)).toEqual(expected);
  });

  it.each(['sips:a@10.0.0.1', 'sip:a@10.0.0.1;transport=ws', 'sip:a@[::1]', 'tel:1'])('%s is refused', (uri) => {
    expect(resolveTargets(uri, locals, dnsWith({}))).toHaveProperty('refusal');
  });

  it('asks for a service only where there is no port and a domain', async () => {
    const dns = dnsWith({ host: '10.0.0.1', 'h.example.org': '10.0.0.2' });
    await resolveTargets('sip:host', locals, dns);
    await resolveTargets('sip:h.example.org:5070', locals, dns);
    expect(dns.asked).toEqual(['host', 'h.example.org']);
  });

  it('takes the servers of a service in order, leaving out unknown ones', async () => {
    const record = (name: string, priority: number, port: number) => ({ name, priority, port, weight: 1 });
    const dns = dnsWith(
      { b: '10.0.0.2', a: '10.0.0.1' },
      { '_sip._tcp.example.org': [record('b', 20, 6002), record('lost', 15, 6003), record('a', 10, 6001)] },
    );
    const targets = await resolveTargets('sip:example.org;transport=tcp', locals, dns);
    expect('flows' in targets && brief(targets.flows)).toEqual(['tcp 10.0.0.1:6001', 'tcp 10.0.0.2:6002']);
  });

  it('falls back on the host itself', async () => {
    const targets = await resolveTargets('sip:example.org', locals, dnsWith({ 'example.org': '10.0.0.9' }));
    expect('flows' in targets && brief(targets.flows)).toEqual(['udp 10.0.0.9:5060']);
  });

  it('finds no flow for an unknown name', async () => {
    expect(await resolveTargets('sip:example.org', locals, dnsWith({}))).toEqual({ flows: [] });
  });

  it('uses TCP where there is nothing else', () => {
    const targets = resolveTargets('sip:a@10.0.0.1', [tcp], dnsWith({}));
    expect('flows' in targets && brief(targets.flows)).toEqual(['tcp 10.0.0.1:5060']);
  });

  it('knows its own addresses', () => {
    expect(isOurselves({ local: udp, address: '127.0.0.1', port: 5060 }, locals)).toBe(true);
    expect(isOurselves({ local: tcp, address: '127.0.0.1', port: 5060 }, locals)).toBe(false);
  });
});

describe('order of SRV records (RFC 2782)', () => {
  const records = fc.array(
    fc.record({ name: fc.constant('x'), port: fc.nat(65535), priority: fc.nat(5), weight: fc.nat(10) }),
    { maxLength: 12 },
  );

  it('keeps every record, lower priority first', () => {
    fc.assert(
      fc.property(
        records,
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1 }),
        (given, chances) => {
          let turn = 0;
          const ordered = orderSrv(given, () => chances[turn++ % chances.length] ?? 0);
          expect([...ordered].sort(byAll)).toEqual([...given].sort(byAll));
          const priorities = ordered.map(({ priority }) => priority);
          expect(priorities).toEqual([...priorities].sort((a, b) => a - b));
        },
      ),
    );
  });

  const byAll = (a: SrvRecord, b: SrvRecord) => a.priority - b.priority || a.weight - b.weight || a.port - b.port;

  it('prefers weight', () => {
    const given = [
      { name: 'light', port: 1, priority: 1, weight: 1 },
      { name: 'heavy', port: 1, priority: 1, weight: 9 },
    ];
    const firsts = Array.from({ length: 100 }, (_, i) => orderSrv(given, () => i / 100)[0]?.name);
    expect(firsts.filter((name) => name === 'heavy').length).toBeGreaterThan(80);
    expect(firsts).toContain('light');
  });
});
