/** A look at FreeSWITCH's event socket before drachtio-fsmrf connects, which does not survive a wrong password or a missing SIP profile. */
import { connect } from 'node:net';
import { BridgeError } from '../errors.ts';

/** Where the event socket of a FreeSWITCH is, and the SIP profile that takes our calls. */
export interface EventSocketAddress {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  readonly profile: string;
}

/** `refused`: nothing listens there, so no FreeSWITCH runs. `unusable`: an operator has to act. `silent`: no answer. */
export type ProbeOutcome =
  | { readonly outcome: 'usable' }
  | { readonly outcome: 'refused' | 'silent' | 'unusable'; readonly error: BridgeError };

const unavailable = (text: string, cause?: unknown): BridgeError =>
  new BridgeError('MIXER_UNAVAILABLE', text, cause === undefined ? {} : { cause });

/** What the bytes heard so far mean; null when more must come. Pure. */
export function judgeGreeting(heard: string, profile: string): ProbeOutcome | null {
  if (/^Content-Type: text\/rude-rejection/m.test(heard)) {
    return { outcome: 'unusable', error: unavailable('FreeSWITCH takes no event socket from this address') };
  }
  if (/^Reply-Text: -ERR/m.test(heard)) {
    return { outcome: 'unusable', error: unavailable('FreeSWITCH does not take the password of the event socket') };
  }
  const answer = /^Content-Type: api\/response\nContent-Length: (\d+)\n\n/m.exec(heard);
  if (!answer) return null;
  const body = heard.slice(answer.index + answer[0].length);
  if (body.length < Number(answer[1])) return null;
  // The profile starts after the event socket: its absence may pass.
  const running = body
    .split('\n')
    .some((line) => line.trim().split(/\s+/)[0] === profile && /sip:mod_sofia@[\d.]+:\d+/.test(line));
  if (running) return { outcome: 'usable' };
  return { outcome: 'silent', error: unavailable('FreeSWITCH does not run the SIP profile for our calls') };
}

/** Logs in, asks for the SIP profiles and hangs up. */
export function probe(address: EventSocketAddress, limitMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(address.port, address.host);
    const finish = (outcome: ProbeOutcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const silent = (cause?: unknown): void =>
      finish({ outcome: 'silent', error: unavailable('The event socket of FreeSWITCH does not answer', cause) });
    const timer = setTimeout(silent, limitMs);
    socket.setEncoding('latin1'); // so that lengths are in bytes
    socket.on('connect', () => socket.write(`auth ${address.password}\n\napi sofia status\n\n`));
    socket.on('data', (data) => {
      heard += String(data);
      const outcome = judgeGreeting(heard, address.profile);
      if (outcome) finish(outcome);
    });
    socket.on('close', () => silent());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') return silent(error);
      finish({ outcome: 'refused', error: unavailable('No FreeSWITCH listens on its event socket', error) });
    });
  });
}
