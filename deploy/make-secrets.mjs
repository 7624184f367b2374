/**
 * Makes the secrets of docker-compose.yml: `node deploy/make-secrets.mjs [file]` (default `.env` beside docker-compose.yml). Adds what
 * is missing, changes nothing that is there, and leaves the file readable by its owner only.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = process.argv[2] ?? fileURLToPath(new URL('../.env', import.meta.url));

/** 192 bits; begins with a letter because NATS reads a value that begins with a digit as a number. */
const secret = () => `s${randomBytes(24).toString('hex')}`;

const entries = [
  { key: 'XMPP_DOMAIN', value: () => 'localhost', use: 'accounts of the XMPP server live here' },
  { key: 'SIP_DOMAIN', value: () => '127.0.0.1', use: 'domain (or address) of the conference URIs, and realm of the SIP accounts' },
  { key: 'SIP_ADDRESS', value: () => '127.0.0.1', use: 'address of this machine that phones call and send media to' },
  { key: 'XMPP_ADDRESS', value: () => '127.0.0.1', use: 'address of this machine that XMPP clients connect to' },
  { key: 'BRIDGE_SECRET', value: secret, use: 'component secret between the bridge and Prosody' },
  { key: 'NATS_PASSWORD', value: secret, use: 'password of the bridge at NATS' },
  { key: 'DRACHTIO_SECRET', value: secret, use: 'admin secret of drachtio-server' },
  { key: 'FREESWITCH_PASSWORD', value: secret, use: 'password of the event socket of FreeSWITCH' },
  { key: 'ADMIN_TOKEN', value: secret, use: "bearer token of the bridge's admin API" },
];

const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
const missing = entries.filter(({ key }) => !new RegExp(`^${key}=.`, 'm').test(before));
const lines = missing.flatMap(({ key, value, use }) => [`# ${use}`, `${key}=${value()}`]);
const kept = before === '' || before.endsWith('\n') ? before : `${before}\n`;
if (missing.length > 0) writeFileSync(file, `${kept}${lines.join('\n')}\n`, { mode: 0o600 });
chmodSync(file, 0o600);
const told = missing.length === 0 ? 'nothing was missing' : `added ${missing.map(({ key }) => key).join(', ')}`;
process.stdout.write(`${file}: ${told}\n`);
