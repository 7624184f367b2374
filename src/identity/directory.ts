/** Port: who has which AOR and JID. Its holder publishes every binding as a fact; nobody else is asked during a call. */
import type { Binding } from './binding.ts';

export interface Directory {
  /** All bindings now, one per AOR. */
  bindings(): Promise<readonly Binding[]>;
  /** Calls back after the directory has changed. */
  onChange(listener: () => void): void;
}
