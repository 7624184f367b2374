/** Which headers of an application's message go out, and what the server adds, as drachtio-server does it. */
import { type HeaderList, headerKey, type SipMessage } from './sip-message.ts';
import { addressText, type LocalAddress } from './transport.ts';

/** Headers that the agent makes itself; what an application says there is dropped. */
const ownedByAgent = new Set([
  'via',
  'route',
  'rseq',
  'record-route',
  'content-length',
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
]);

const withOwnHost = new Set(['from', 'to', 'contact', 'p-asserted-identity']);
const localhost = /(@|sips?:)localhost(?::\d+)?(?=[;>?,\s]|$)/gi;

/**
 * An address of ours as it goes out: `localhost` in From, To, Contact and P-Asserted-Identity becomes our own address, and
 * a bare URI gets angle brackets, which many peers rely on. Other headers stay as they are.
 */
export function ownAddress(name: string, value: string, local: LocalAddress): string {
  const key = headerKey(name);
  if (!withOwnHost.has(key)) return value;
  const hosted = value.replace(localhost, `$1${addressText(local)}`);
  const bare = /^(sips?:[^\s<>",?;]+)((?:;.*)?)$/i.exec(hosted);
  return bare ? `<${bare[1]}>${bare[2]}` : hosted;
}

/** Whether a Contact says `localhost`, which is a mistake inside a dialog: drachtio-server damages such a message. */
export function hasLocalhostContact(headers: HeaderList): boolean {
  return headers.all('contact').some((value) => value.search(localhost) >= 0);
}

/** Copies what the application may decide. An empty value is left out, but for Supported. */
export function copyAppHeaders(from: HeaderList, to: HeaderList, local: LocalAddress): void {
  for (const { key, name, value } of from.entries()) {
    if (ownedByAgent.has(key) || (value === '' && key !== 'supported')) continue;
    to.add(name, ownAddress(name, value, local));
  }
}

/** Copies the body; SDP needs no Content-Type. False when a body has no type and none can be guessed. */
export function copyAppBody(from: SipMessage, to: SipMessage): boolean {
  if (from.body.length === 0) return true;
  to.body = from.body;
  if (to.headers.get('content-type') !== undefined) return true;
  if (from.body.toString('latin1', 0, 3) !== 'v=0') return false;
  to.headers.add('Content-Type', 'application/sdp');
  return true;
}

/** The Contact of the agent where the application gives none. */
export function ownContact(local: LocalAddress): string {
  const transport = local.protocol === 'udp' ? '' : `;transport=${local.protocol}`;
  return `<sip:${addressText(local)}${transport}>`;
}
