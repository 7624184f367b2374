/** A transaction layer whose network is a list of what was sent, for tests with fake timers. */
import type { ServerTransaction } from '../../../../src/embedded/sip-agent/server-transaction.ts';
import type { SipRequest } from '../../../../src/embedded/sip-agent/sip-message.ts';
import { TransactionLayer } from '../../../../src/embedded/sip-agent/transaction-layer.ts';
import type { Flow, Protocol } from '../../../../src/embedded/sip-agent/transport.ts';
import { createLog } from '../../../../src/log.ts';

export function flowOf(protocol: Protocol): Flow {
  return { local: { protocol, host: '127.0.0.1', port: 5060 }, address: '127.0.0.1', port: 5099 };
}

export interface RequestFields {
  method?: string;
  branch?: string;
  via?: string;
  cseq?: number;
  callId?: string;
  toTag?: string;
  headers?: string;
}

/** The text of a request of a peer at 127.0.0.1:5099. */
export function requestText(fields: RequestFields = {}): string {
  const { method = 'INVITE', branch = 'z9hG4bKone', cseq = 1, callId = 'call', toTag, headers = '' } = fields;
  const via = fields.via ?? `SIP/2.0/UDP 127.0.0.1:5099;branch=${branch}`;
  const to = `<sip:tea@127.0.0.1>${toTag === undefined ? '' : `;tag=${toTag}`}`;
  return `${method} sip:tea@127.0.0.1 SIP/2.0\r\nVia: ${via}\r\nMax-Forwards: 70\r\nFrom: <sip:ann@x>;tag=ann\r\nTo: ${to}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq} ${method}\r\nContact: <sip:ann@127.0.0.1:5099>\r\n${headers}Content-Length: 0\r\n\r\n`;
}

/** The text of a response to a request of ours. */
export function responseText(request: string, status: string, toTag = 'peer'): string {
  const line = (name: string) => new RegExp(`^${name}:.*$`, 'm').exec(request)?.[0]?.trim() ?? '';
  const to = line('To').includes('tag=') ? line('To') : `${line('To')};tag=${toTag}`;
  return `SIP/2.0 ${status}\r\n${line('Via')}\r\n${line('From')}\r\n${to}\r\n${line('Call-ID')}\r\n${line('CSeq')}\r\nContact: <sip:bob@127.0.0.1:5099>\r\nContent-Length: 0\r\n\r\n`;
}

export class LayerHarness {
  readonly sent: string[] = [];
  readonly requests: { request: SipRequest; transaction: ServerTransaction }[] = [];
  readonly canceled: ServerTransaction[] = [];
  readonly acks: SipRequest[] = [];
  readonly flow: Flow;
  readonly layer: TransactionLayer;
  /** When set, sending fails like this. */
  networkError: Error | undefined;

  constructor(protocol: Protocol = 'udp', maxTransactions = 100) {
    this.flow = flowOf(protocol);
    this.layer = new TransactionLayer({
      transport: {
        send: (_flow, bytes, onError) => {
          this.sent.push(bytes.toString());
          if (this.networkError) onError?.(this.networkError);
        },
        connectionOf: () => undefined,
      },
      user: {
        request: (request, transaction) => this.requests.push({ request, transaction }),
        cancel: (_request, invite) => this.canceled.push(invite),
        ack: (request) => this.acks.push(request),
      },
      log: createLog({ level: 'silent' }),
      maxTransactions,
    });
  }

  receive(text: string): void {
    this.layer.receive(Buffer.from(text), this.flow);
  }

  /** The start lines of what was sent, and forgets them. */
  take(): string[] {
    return this.sent.splice(0).map((text) => text.split('\r\n')[0] ?? '');
  }

  get transaction(): ServerTransaction {
    const last = this.requests.at(-1);
    if (!last) throw new Error('no request came');
    return last.transaction;
  }
}
