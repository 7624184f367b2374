/** The configuration an operator writes: its schema is the only source of the sample, the checks and their texts. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { note } from './config-note.ts';
import { linkSchema, name } from './link-config.ts';

const port = z.int().min(1).max(65535);
const host = z.string().min(1).max(253);
const secret = z.string().min(1);

/** An IP address with or without a port; null when the text is none. */
export function parsePeer(text: string): { address: string; port?: number } | null {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  if (isIP(address) === 0) return null;
  if (digits === undefined) return { address };
  const number = Number(digits);
  return number >= 1 && number <= 65535 ? { address, port: number } : null;
}

/** Seconds of a subscription: none is shorter than one, and a day is long enough for any. */
const expiry = z.int().min(1).max(86400);

const duration = (unit: string) => z.number().min(0).max(86400).describe(unit);

const log = z
  .strictObject({
    level: note(
      z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
      'Least level that is written.',
    ),
    personal: note(z.boolean().default(false), 'Write JIDs, numbers and names in clear; false masks them.'),
  })
  .prefault({});

const bus = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('nats'),
    servers: note(z.array(z.string().min(1)).min(1), 'NATS servers with JetStream.', ['nats://127.0.0.1:4222']),
    user: note(z.string().optional(), 'NATS user, if the server asks for one.', 'bridge'),
    password: note(secret.optional(), 'Its password.', '${NATS_PASSWORD}'),
  }),
  z.strictObject({ kind: z.literal('memory') }),
]);

const xmpp = z.strictObject({
  host: note(host, 'XMPP server: host of its component listener (XEP-0114).', '127.0.0.1'),
  port: note(port, 'Port of the component listener.', 5347),
  domain: note(host, 'Our component domain.', 'bridge.example.org'),
  secret: note(secret, 'Component secret.', '${XMPP_SECRET}'),
  focus: note(
    z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .default('focus'),
    'Local part of the focus JID; this JID must be owner of the rooms.',
  ),
  nick: note(z.string().min(1).max(64).default('call'), 'Nick of the focus in the rooms.'),
  display: note(z.enum(['hats', 'notices', 'off']).default('hats'), 'How the room shows who is in the call.'),
  'call-summary': note(
    z.boolean().default(true),
    'Put a summary of the call (RFC 4575) into the presence of the focus, at most once in notify-gap.',
  ),
  'conference-ends-after': note(
    duration('seconds').default(300),
    'Seconds without any call until voice taken from absent people is forgotten.',
  ),
});

const listen = z
  .string()
  .regex(/^(udp|tcp):(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'expected protocol:host:port such as udp:127.0.0.1:5060');

const server = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('drachtio'),
    host: note(host, 'drachtio-server: host of its admin port.', '127.0.0.1'),
    port: note(port, 'Its admin port.', 9022),
    secret: note(secret, 'Its admin secret.', '${DRACHTIO_SECRET}'),
    'frame-limit': note(z.int().min(4096).default(12200), 'Largest frame in bytes that this drachtio-server takes.'),
  }),
  z.strictObject({
    kind: z.literal('embedded'),
    listen: note(z.array(listen).min(1), 'For trying out: the SIP agent inside this process listens here.', [
      'udp:127.0.0.1:5060',
    ]),
  }),
]);

const mixer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('freeswitch'),
    host: note(host, 'FreeSWITCH: host of its event socket.', '127.0.0.1'),
    port: note(port, 'Port of its event socket.', 8021),
    password: note(secret, 'Password of its event socket.', '${FREESWITCH_PASSWORD}'),
    sip: note(
      z.string().regex(/^[^\s:]+:\d{1,5}$/),
      'host:port of the SIP profile that takes our calls.',
      '127.0.0.1:5080',
    ),
  }),
  z.strictObject({
    kind: z.literal('embedded'),
    host: note(host.default('127.0.0.1'), 'For trying out: the G.711 mixer inside this process uses this address.'),
  }),
]);

const sip = z.strictObject({
  server,
  mixer,
  realm: note(host, 'Digest realm (RFC 7616) of the accounts.', 'example.org'),
  'account-domains': note(
    z.array(host).default([]),
    'Callers who claim an AOR in one of these domains must prove it.',
    ['example.org'],
  ),
  authentication: note(
    z.enum(['offer', 'require']).default('offer'),
    'require: every caller but a trusted peer must prove an AOR.',
  ),
  digests: note(
    z
      .array(z.enum(['SHA-256', 'MD5']))
      .min(1)
      .default(['SHA-256', 'MD5']),
    'Digest algorithms offered to callers, best first (RFC 8760). Some old phones give up unless MD5 stands alone.',
  ),
  'trusted-peers': note(
    z
      .array(
        z
          .string()
          .refine(
            (text) => parsePeer(text) !== null,
            'expected an IP address, with a port or without: 192.0.2.10, 192.0.2.10:5060, [2001:db8::1]:5060',
          ),
      )
      .default([]),
    'Addresses whose From and P-Asserted-Identity are believed (RFC 3325); with a port only when the peer always sends from it.',
    ['192.0.2.10'],
  ),
  watching: note(
    z.enum(['moderators', 'participants', 'accounts', 'anyone']).default('participants'),
    'Who may subscribe to the conference state: moderators of the room, they and who is in the room or the call, who proves an account, or anyone.',
  ),
  'notify-gap': note(
    duration('seconds').default(5),
    'Least seconds between two NOTIFYs to one watcher (RFC 4575 3.9).',
  ),
  'show-departed': note(
    duration('seconds').default(10),
    'Seconds for which who has left the call is shown as disconnected; longer than notify-gap, or watchers may miss it. 0: not at all.',
  ),
  'masking-key': note(
    z.string().min(16).optional(),
    'Key of what ordinary watchers see in the place of a telephone number; with one (the same in every instance) this stays the same after a restart.',
    '${MASKING_KEY}',
  ),
  subscriptions: z
    .strictObject({
      'shortest-expiry': note(
        expiry.default(60),
        'Shortest subscription to the conference state, in seconds; below it 423 with Min-Expires (RFC 6665 4.2.1.1).',
      ),
      'longest-expiry': note(expiry.default(3600), 'Longest, in seconds; who asks for more gets this.'),
      'most-per-conference': note(
        z.int().min(1).max(1_000_000).default(10_000),
        'Most subscriptions to one conference at once in this instance; above it 503 with Retry-After.',
      ),
      'most-per-account': note(
        z.int().min(1).max(1_000_000).default(50),
        'Most subscriptions of one account (or call without one) at once, in all conferences of this instance; above it 403.',
      ),
    })
    .prefault({}),
  'call-rate': z
    .strictObject({
      'per-address': note(
        z.int().min(0).max(10_000).default(500),
        'Most new calls from one source address, but trusted peers, in call-rate.seconds; above it 503 with Retry-After. 0: any number.',
      ),
      'per-account': note(
        z.int().min(0).max(10_000).default(100),
        'The same for one proved AOR, from whatever address.',
      ),
      seconds: note(z.int().min(1).max(3600).default(10), 'In any so many seconds.'),
    })
    .prefault({}),
  'chat-uris': note(
    z.enum(['both', 'grouptextchat', 'groupstextchat']).default('both'),
    'Which service-uris purposes name the room (RFC 7106, RFC 7081 4).',
  ),
});

const directory = z
  .strictObject({
    bindings: note(z.string().optional(), 'YAML file: which AOR and JID belong to one person.', 'bindings.yaml'),
    accounts: note(z.string().optional(), 'YAML file: SIP accounts with their HA1 values.', 'accounts.yaml'),
  })
  .prefault({});

const policy = z
  .strictObject({
    'phones-in-members-only': note(
      z.enum(['refuse', 'allow']).default('refuse'),
      'Callers without a JID in a members-only room.',
    ),
    'phones-start-muted': note(z.boolean().default(true), 'Callers without a JID enter a moderated room muted.'),
    'visitors-muted-in-unmoderated': note(
      z.boolean().default(false),
      'Mute visitors of an unmoderated room whose voice nobody took.',
    ),
    'anonymous-callers': note(z.enum(['allow', 'refuse']).default('allow'), 'Callers who prove no AOR.'),
    'calls-per-person': note(
      z.int().min(0).max(10_000).default(4),
      'Most calls of one person (JID, else proved AOR) in one conference at once; above it 486. 0: any number.',
    ),
  })
  .prefault({});

const http = z
  .strictObject({
    host: note(host.default('127.0.0.1'), 'Address of health, metrics and the admin API.'),
    port: note(z.int().min(0).max(65535).default(8088), 'Its port; 0 takes a free one.'),
    token: note(
      z.string().min(16).optional(),
      'Bearer token of the admin API (16 characters or more); without it the admin API is off.',
      '${ADMIN_TOKEN}',
    ),
  })
  .prefault({});

/** The whole file. */
export const configSchema = z
  .strictObject({
    instance: note(name, 'Name of this instance, the same after a restart and unlike any other.', 'bridge-1'),
    log,
    bus,
    xmpp,
    sip,
    directory,
    policy,
    links: z.array(linkSchema).min(1),
    http,
  })
  .superRefine((config, context) => {
    for (const key of ['id', 'room', 'conference'] as const) {
      const seen = new Set<string>();
      config.links.forEach((entry, index) => {
        if (seen.has(entry[key])) {
          context.addIssue({
            code: 'custom',
            path: ['links', index, key],
            message: `expected a ${key} that no other link has`,
          });
        }
        seen.add(entry[key]);
      });
    }
    const { 'shortest-expiry': shortest, 'longest-expiry': longest } = config.sip.subscriptions;
    if (shortest > longest) {
      context.addIssue({
        code: 'custom',
        path: ['sip', 'subscriptions', 'shortest-expiry'],
        message: `expected no more than longest-expiry, which is ${longest}`,
      });
    }
    if (config.sip.mixer.kind === 'freeswitch' && config.sip.server.kind === 'embedded') {
      context.addIssue({
        code: 'custom',
        path: ['sip', 'mixer', 'kind'],
        message: 'expected mixer kind embedded beside server kind embedded (FreeSWITCH needs drachtio)',
      });
    }
  });

export type Config = z.infer<typeof configSchema>;
