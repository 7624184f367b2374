/** Requests that are answered for the name their sender gives itself (User-Agent, RFC 3261 20.41), before an application sees them. */
import type { SipRequest } from './sip-message.ts';

export interface Screening {
  /** Parts of the names of scanners and other nuisances, which get 603 to anything. */
  readonly refuse: readonly string[];
  /** Whole names of clients whose OPTIONS get 200 without an application: they only want to know whether anybody is there. */
  readonly answerOptionsOf: readonly string[];
}

/** The scanners every open SIP port hears from; OPTIONS go to the application. */
export const defaultScreening: Screening = {
  refuse: ['friendly-scanner', 'sipvicious', 'sipcli', 'sip-cli', 'sip-scan'],
  answerOptionsOf: [],
};

/** The status that answers this request, or undefined when the application is to see it. */
export function screen(request: SipRequest, { refuse, answerOptionsOf }: Screening): number | undefined {
  const agent = request.headers.get('user-agent');
  if (agent === undefined) return undefined;
  if (refuse.some((part) => agent.toLowerCase().includes(part.toLowerCase()))) return 603;
  return request.method === 'OPTIONS' && answerOptionsOf.includes(agent) ? 200 : undefined;
}
