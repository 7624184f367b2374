/** ITU-T G.711 as look-up tables: both laws, 8-bit code to 16-bit linear sample and back. */

/** The two companding laws, by their RTP encoding names (RFC 3551 4.5.14). */
export type Law = 'PCMU' | 'PCMA';

/** How one law turns codes into samples and samples into codes. */
export interface LawTables {
  /** Linear sample (-32768..32767) of each of the 256 codes. */
  readonly decode: Int16Array;
  /** Code of each linear sample, indexed by `sample & 0xffff`. */
  readonly encode: Uint8Array;
  /** The code of digital silence. */
  readonly silence: number;
}

const muLawBias = 0x84;
const muLawClip = 32635;

function decodeMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + muLawBias) << ((bits & 0x70) >> 4)) - muLawBias;
  return bits & 0x80 ? -magnitude : magnitude;
}

function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const biased = Math.min(Math.abs(sample), muLawClip) + muLawBias;
  const segment = 31 - Math.clz32(biased) - 7;
  return ~(sign | (segment << 4) | ((biased >> (segment + 3)) & 0x0f)) & 0xff;
}

function decodeALaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits & 0x70) >> 4;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

/**
 * A negative sample is folded by one's complement, as the ITU-T reference software (G.191) does: a sample that lies exactly on a decision value
 * then goes to the code nearer zero, and the negative half mirrors the positive one about -0.5, so that no sample needs clipping.
 */
function encodeALaw(sample: number): number {
  const magnitude = sample < 0 ? ~sample : sample;
  const segment = magnitude < 0x100 ? 0 : 31 - Math.clz32(magnitude) - 7;
  const step = (magnitude >> (segment === 0 ? 4 : segment + 3)) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ 0x55;
}

function tables(decodeOne: (code: number) => number, encodeOne: (sample: number) => number): LawTables {
  const decode = new Int16Array(256);
  for (let code = 0; code < 256; code += 1) decode[code] = decodeOne(code);
  const encode = new Uint8Array(65_536);
  for (let sample = -32_768; sample < 32_768; sample += 1) encode[sample & 0xffff] = encodeOne(sample);
  return { decode, encode, silence: encodeOne(0) };
}

/** The tables of both laws. */
export const g711: Readonly<Record<Law, LawTables>> = {
  PCMU: tables(decodeMuLaw, encodeMuLaw),
  PCMA: tables(decodeALaw, encodeALaw),
};
