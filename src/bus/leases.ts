/** Port: who may act for something that only one process at a time may act for (a component domain, an instance name). */

export interface Lease {
  readonly name: string;
  /** False while this process cannot be sure of it, and for ever once it is lost. */
  held(): boolean;
  /**
   * Another holder has it, or may have it: this process must no longer act. While the server of the leases is away this is
   * called only when somebody else was waiting for the lease; who is alone keeps it.
   */
  onLost(listener: () => void): void;
  release(): Promise<void>;
}

export interface Leases {
  /**
   * The lease, or null while another holder keeps it alive. Renewed by itself until released or lost. A holder of the same name
   * is an earlier run of the same process: it loses the lease to the new one at once.
   */
  acquire(name: string, holder: string): Promise<Lease | null>;
  /** Waits for the lease; `signal` ends the wait with a rejection. */
  wait(name: string, holder: string, signal: AbortSignal): Promise<Lease>;
}
