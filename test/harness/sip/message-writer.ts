/** What a user agent writes (RFC 3261 8.1.1, 8.2.6, 9.1, 12.2.1.1, 17.1.1.3): requests, their CANCEL and ACK, answers. */
import { randomBytes } from 'node:crypto';
import { type HostPort, nameAddress, parameterOf } from './address.ts';
import type { Content, Dialog } from './dialog.ts';
import { type HeaderLine, SipMessage } from './message.ts';

/** What a user agent says of itself in all its messages. */
export interface OwnAddress {
  readonly protocol: 'UDP' | 'TCP';
  readonly port: number;
  readonly contactUri: string;
}

/** The methods that the user agent answers. */
export const allowedMethods = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'UPDATE', 'NOTIFY'] as const;

const allow: HeaderLine = ['Allow', allowedMethods.join(', ')];
const phrases: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  200: 'OK',
  405: 'Method Not Allowed',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  500: 'Server Internal Error',
  603: 'Decline',
};

/** A request of the local side in a dialog. */
export function writeRequest(
  own: OwnAddress,
  dialog: Dialog,
  method: string,
  sequence: number,
  content: Content,
): SipMessage {
  const branch = `z9hG4bK${randomBytes(10).toString('hex')}`;
  const lines: HeaderLine[] = [
    ['Via', `SIP/2.0/${own.protocol} 127.0.0.1:${own.port};branch=${branch};rport`],
    ...dialog.routes.map((route): HeaderLine => ['Route', route]),
    ['Max-Forwards', '70'],
    ['From', `${dialog.local};tag=${dialog.localTag}`],
    ['To', `${dialog.remote}${dialog.remoteTag === '' ? '' : `;tag=${dialog.remoteTag}`}`],
    ['Call-ID', dialog.callId],
    ['CSeq', `${sequence} ${method}`],
  ];
  if (method !== 'ACK' && method !== 'BYE') lines.push(['Contact', nameAddress(own.contactUri)], allow);
  return new SipMessage(`${method} ${dialog.target} SIP/2.0`, [...lines, ...(content.headers ?? [])], content.body);
}

/** The CANCEL of an INVITE, or the ACK of its refusal: as the INVITE, on the way it went. */
export function writeForInvite(invite: SipMessage, method: 'CANCEL' | 'ACK', to: string): SipMessage {
  const same = ['Via', 'From', 'Call-ID', 'Route', 'Max-Forwards'];
  const lines = invite.lines.filter(([name]) => same.includes(name));
  const own: HeaderLine[] = [
    ['To', to],
    ['CSeq', `${invite.sequence} ${method}`],
  ];
  return new SipMessage(`${method} ${invite.uri} SIP/2.0`, [...lines, ...own]);
}

/** An answer to a request that came from `source`. */
export function writeAnswer(
  own: OwnAddress,
  request: SipMessage,
  source: HostPort,
  status: number,
  localTag: string,
  content: Content,
): SipMessage {
  const [first = '', ...vias] = request.list('via');
  const to = request.header('to') ?? '';
  const untagged = parameterOf(to, 'tag') === undefined && status > 100;
  const target = status < 300 && ['INVITE', 'UPDATE', 'OPTIONS', 'SUBSCRIBE', 'NOTIFY'].includes(request.method);
  const lines: HeaderLine[] = [
    ['Via', first.replace(/;rport(?=;|$)/i, `;received=${source.host};rport=${source.port}`)],
    ...vias.map((via): HeaderLine => ['Via', via]),
    ...request.all('record-route').map((route): HeaderLine => ['Record-Route', route]),
    ['From', request.header('from') ?? ''],
    ['To', untagged ? `${to};tag=${localTag}` : to],
    ['Call-ID', request.header('call-id') ?? ''],
    ['CSeq', request.header('cseq') ?? ''],
  ];
  if (target) lines.push(['Contact', nameAddress(own.contactUri)]);
  if (target || status === 405) lines.push(allow);
  const start = `SIP/2.0 ${status} ${phrases[status] ?? 'Answer'}`;
  return new SipMessage(start, [...lines, ...(content.headers ?? [])], content.body);
}
