/** RFC 3263 section 4 without NAPTR: from a SIP URI to the addresses to try, by SRV where there is no port, then A or AAAA. */
import { Resolver } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { parseSipUri, type SipUri } from './sip-header.ts';
import { addressText, type Flow, type LocalAddress, type Protocol } from './transport.ts';

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The two questions that are asked of the DNS; both reject when there is no answer. */
export interface Dns {
  address(host: string, family: 4 | 6): Promise<string>;
  srv(name: string): Promise<SrvRecord[]>;
}

/** Where a request may be sent, best first; `refusal` is one of drachtio-server's texts. */
export type Targets = { readonly flows: Flow[] } | { readonly refusal: string };

const dnsResolver = new Resolver({ timeout: 2_000, tries: 2 });

/** The host's own resolver. */
export const systemDns: Dns = {
  address: async (host, family) => (await lookup(host, { family })).address,
  srv: (name) =>
    new Promise((resolve, reject) => {
      dnsResolver.resolveSrv(name, (error, records) => (error ? reject(error) : resolve(records)));
    }),
};

/**
 * Finds the flows for a URI. Answers at once (no promise) for a numeric host, so that requests keep their order.
 * No flow means that the name is unknown. `prefer` is the flow of the dialog: its local address and connection are kept.
 */
export function resolveTargets(
  uri: string,
  locals: readonly LocalAddress[],
  dns: Dns,
  prefer?: Flow,
): Targets | Promise<Targets> {
  const parsed = parseSipUri(uri);
  if (!parsed) return { refusal: `invalid request-uri: ${uri}` };
  const wanted = (parsed.params.get('transport') ?? '').toLowerCase();
  const secure = parsed.scheme === 'sips' || !['', 'udp', 'tcp'].includes(wanted);
  if (secure) return { refusal: 'requested protocol/transport not available' };
  const protocol: Protocol = wanted === 'tcp' || (wanted === '' && !hasUdp(locals)) ? 'tcp' : 'udp';
  const host = parsed.params.get('maddr') ?? parsed.host;
  if (isIP(host) !== 0) return numeric(host, parsed.port ?? 5060, protocol, locals, prefer);
  return byName({ ...parsed, host }, protocol, locals, dns, prefer);
}

function hasUdp(locals: readonly LocalAddress[]): boolean {
  return locals.some((local) => local.protocol === 'udp');
}

function numeric(
  address: string,
  port: number,
  protocol: Protocol,
  locals: readonly LocalAddress[],
  prefer: Flow | undefined,
): Targets {
  const flow = flowTo(address, port, protocol, locals, prefer);
  return flow ? { flows: [flow] } : { refusal: 'requested protocol/transport not available' };
}

async function byName(
  uri: SipUri,
  protocol: Protocol,
  locals: readonly LocalAddress[],
  dns: Dns,
  prefer: Flow | undefined,
): Promise<Targets> {
  const family = isIPv6(locals[0]?.host ?? '') ? 6 : 4;
  const hosts =
    uri.port === undefined ? await serviceHosts(uri.host, protocol, dns) : [{ name: uri.host, port: uri.port }];
  const flows: Flow[] = [];
  for (const { name, port } of hosts) {
    const address = isIP(name) !== 0 ? name : await dns.address(name, family).catch(() => undefined);
    const flow = address === undefined ? undefined : flowTo(address, port, protocol, locals, prefer);
    if (flow) flows.push(flow);
  }
  return { flows };
}

/** SRV (RFC 3263 4.2); a name without dot and a domain without records mean the host itself at port 5060. */
async function serviceHosts(host: string, protocol: Protocol, dns: Dns): Promise<{ name: string; port: number }[]> {
  const records = host.includes('.') ? await dns.srv(`_sip._${protocol}.${host}`).catch(() => []) : [];
  return records.length === 0 ? [{ name: host, port: 5060 }] : orderSrv(records, Math.random);
}

/** RFC 2782: lower priority first; within one priority by chance, in proportion to the weights. */
export function orderSrv(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const priorities = [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const left = records.filter((record) => record.priority === priority).sort((a, b) => a.weight - b.weight);
    while (left.length > 0) {
      const total = left.reduce((sum, record) => sum + record.weight, 0);
      let mark = random() * total;
      const index = left.findIndex((record) => {
        mark -= record.weight;
        return mark <= 0;
      });
      ordered.push(...left.splice(Math.max(index, 0), 1));
    }
  }
  return ordered;
}

function flowTo(
  address: string,
  port: number,
  protocol: Protocol,
  locals: readonly LocalAddress[],
  prefer: Flow | undefined,
): Flow | undefined {
  const usable = locals.filter((local) => local.protocol === protocol && isIP(local.host) === isIP(address));
  const local = usable.find((candidate) => prefer?.local.host === candidate.host) ?? usable[0];
  if (!local) return undefined;
  const same = prefer?.local === local && prefer.address === address && prefer.port === port;
  return same && prefer.connection ? { local, address, port, connection: prefer.connection } : { local, address, port };
}

/** Whether a flow leads back to one of our own addresses. */
export function isOurselves(flow: Flow, locals: readonly LocalAddress[]): boolean {
  return locals.some(
    (local) =>
      local.protocol === flow.local.protocol &&
      addressText(local) === addressText({ ...local, host: flow.address, port: flow.port }),
  );
}
