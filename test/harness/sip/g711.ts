/** G.711 of the tests' own (ITU-T G.711): both laws, by arithmetic on each sample, not by the product's tables. */

/** Encodings of RTP payload types 0 and 8 (RFC 3551 4.5.14). */
export type Codec = 'PCMU' | 'PCMA';

const muBias = 0x84;
const muClip = 32_635;

/** A 16-bit sample in mu-law. */
export function muLawOf(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), muClip) + muBias;
  const exponent = 24 - Math.clz32(magnitude); // the highest set bit is bit 7 to 14
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** A mu-law code as a 16-bit sample. */
export function fromMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + muBias) << ((bits >> 4) & 7)) - muBias;
  return (bits & 0x80) !== 0 ? 0 - magnitude : magnitude;
}

/** A 16-bit sample in A-law. */
export function aLawOf(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  const magnitude = Math.min(sample < 0 ? ~sample : sample, 32_767) >> 3; // 12 bits
  const exponent = Math.max(0, 27 - Math.clz32(magnitude));
  const mantissa = (magnitude >> Math.max(1, exponent)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

/** An A-law code as a 16-bit sample, in the middle of its interval. */
export function fromALaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const low = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? low : (low + 0x100) << (exponent - 1);
  return (bits & 0x80) !== 0 ? magnitude : -magnitude;
}

/** Samples as the payload of a packet. */
export function encodeSamples(codec: Codec, samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, codec === 'PCMU' ? muLawOf : aLawOf);
}

/** The payload of a packet as samples. */
export function decodeSamples(codec: Codec, payload: Uint8Array): Int16Array {
  return Int16Array.from(payload, codec === 'PCMU' ? fromMuLaw : fromALaw);
}
