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

/** Writes our own address where an application says `localhost` in From, To, Contact or P-Asserted-Identity. */
export function replaceLocalhost(name: string, value: string, local: LocalAddress): string {
  return withOwnHost.has(headerKey(name)) ? value.replace(localhost, `$1${addressText(local)}`) : value;
}

/** Whether a Contact says `localhost`, which is a mistake inside a dialog: drachtio-server damages such a message. */
export function hasLocalhostContact(headers: HeaderList): boolean {
  return headers.all('contact').some((value) => value.search(localhost) >= 0);
}

/** Copies what the application may decide. An empty value is left out, but for Supported. */
export function copyAppHeaders(from: HeaderList, to: HeaderList, local: LocalAddress): void {
  for (const { key, name, value } of from.entries()) {
    if (ownedByAgent.has(key) || (value === '' && key !== 'supported')) continue;
    to.add(name, replaceLocalhost(name, value, local));
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
