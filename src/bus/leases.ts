/** Port: who may act for something that only one process at a time may act for (a component domain, an instance name). */

export interface Lease {
  readonly name: string;
  /** False from the moment this process can no longer be sure of it. */
  held(): boolean;
  onLost(listener: () => void): void;
  release(): Promise<void>;
}

export interface Leases {
  /** The lease, or null while another holder keeps it alive. Renewed by itself until released or lost. */
  acquire(name: string, holder: string): Promise<Lease | null>;
  /** Waits for the lease; `signal` ends the wait with a rejection. */
  wait(name: string, holder: string, signal: AbortSignal): Promise<Lease>;
}
