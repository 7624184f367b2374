/**
 * Symmetric RTP (RFC 4961, RFC 7362 section 4): behind NAT a phone's media comes from another address than its SDP names. The address of the SDP always wins;
 * another source is believed only when the SDP address is silent and the same source sends steadily, so that one stray packet cannot take a call over.
 */

/** A transport address: literal IP address and UDP port. */
export interface MediaAddress {
  readonly address: string;
  readonly port: number;
}

/** So many packets in a row a foreign source must send before it is believed; one from the SDP's own IP address (only the port differs) is believed at once. */
const probation = 5;
/** A believed source that is silent for so long (ms) may be replaced by another one. */
const silenceFrees = 2000;

function same(a: MediaAddress | undefined, b: MediaAddress): boolean {
  return a !== undefined && a.port === b.port && a.address === b.address;
}

/** Which source a leg hears and which address it sends to. */
export class SourceLatch {
  #declared: MediaAddress | undefined;
  #latched: MediaAddress | undefined;
  #heardAt = 0;
  #candidate: MediaAddress | undefined;
  #candidatePackets = 0;

  /** Where to send: to the believed source, before that to the address of the SDP; undefined when there is neither. */
  get target(): MediaAddress | undefined {
    return this.#latched ?? this.#declared;
  }

  /** Takes the address of a new SDP; when it differs from the one before, what was learnt is forgotten. */
  declare(address: MediaAddress | undefined): void {
    if (address !== undefined && same(this.#declared, address)) return;
    this.#declared = address;
    this.#latched = undefined;
    this.#candidate = undefined;
  }

  /** True when a valid RTP packet from this source, at `now` ms, belongs to the leg. */
  accept(source: MediaAddress, now: number): boolean {
    // Nothing can be sent to port 0, and only a forger sends from it.
    if (source.port === 0) return false;
    if (same(this.#latched, source)) {
      this.#heardAt = now;
      return true;
    }
    if (same(this.#declared, source)) return this.#latch(source, now);
    if (this.#latched !== undefined && now - this.#heardAt < silenceFrees) return false;
    if (this.#latched === undefined && this.#declared?.address === source.address) return this.#latch(source, now);
    this.#candidatePackets = same(this.#candidate, source) ? this.#candidatePackets + 1 : 1;
    this.#candidate = source;
    return this.#candidatePackets >= probation && this.#latch(source, now);
  }

  #latch(source: MediaAddress, now: number): true {
    this.#latched = { address: source.address, port: source.port };
    this.#heardAt = now;
    this.#candidate = undefined;
    this.#candidatePackets = 0;
    return true;
  }
}
