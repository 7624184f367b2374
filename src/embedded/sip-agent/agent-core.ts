/** What the two directions of the agent share. */
import type { Logger } from '../../log.ts';
import type { Dialog } from './dialog.ts';
import type { DialogTable } from './dialog-table.ts';
import type { Dns } from './resolver.ts';
import type { Screening } from './screening.ts';
import type { TransactionLayer } from './transaction-layer.ts';
import type { LocalAddress } from './transport.ts';
import type { WireClient } from './wire-client.ts';

export interface SipAgentLimits {
  /** Transactions of one side that may exist at once; a finished one is kept for 32 s. */
  readonly maxTransactions: number;
  readonly maxDialogs: number;
  /** TCP connections with SIP peers. */
  readonly maxConnections: number;
  /** Connections of applications. */
  readonly maxClients: number;
  readonly maxHeaderBytes: number;
  readonly maxMessageBytes: number;
}

export interface AgentCore {
  readonly layer: TransactionLayer;
  readonly dialogs: DialogTable;
  readonly locals: readonly LocalAddress[];
  readonly dns: Dns;
  readonly log: Logger;
  readonly limits: SipAgentLimits;
  readonly screening: Screening;
  /** The application that wants new requests of this method. */
  pick(method: string): WireClient | undefined;
}

/** How long an application may keep silent about a new request, and an ended subscription is remembered, in ms. */
export const patience = 64_000;

/** Forgets a dialog that nothing uses any more. */
export function forgetIfUnused(core: AgentCore, dialog: Dialog): void {
  if (dialog.usages.size === 0) core.dialogs.remove(dialog);
}
