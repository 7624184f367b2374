/** How strongly a frequency sounds in a piece of audio: Goertzel's algorithm on a Hann window. */

/** Samples a second (RFC 3551: both G.711 laws). */
export const sampleRate = 8000;

/** A tone in a piece of audio. */
export interface Strength {
  /** Amplitude of the tone, in units of 16-bit samples. */
  readonly amplitude: number;
  /** Its share of all energy in the piece, 0 to 1. */
  readonly share: number;
}

const windows = new Map<number, Float64Array>();

function hann(length: number): Float64Array {
  const made =
    windows.get(length) ?? Float64Array.from({ length }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / length) ** 2);
  windows.set(length, made);
  return made;
}

/** Strength of one frequency in Hz. Tones 25 Hz or more apart are told apart in 100 ms. */
export function strengthOf(samples: ArrayLike<number>, hz: number): Strength {
  const window = hann(samples.length);
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / sampleRate);
  let previous = 0;
  let before = 0;
  let energy = 0;
  let weight = 0;
  let weightSquared = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const factor = window[i] ?? 0;
    const sample = (samples[i] ?? 0) * factor;
    const next = sample + coefficient * previous - before;
    before = previous;
    previous = next;
    energy += sample * sample;
    weight += factor;
    weightSquared += factor * factor;
  }
  const power = Math.max(0, previous * previous + before * before - coefficient * previous * before);
  const amplitude = (2 * Math.sqrt(power)) / weight;
  const share = energy === 0 ? 0 : (amplitude * amplitude) / 2 / (energy / weightSquared);
  return { amplitude, share: Math.min(1, share) };
}

/** The frequencies that stand out in a piece of audio, strongest first, for messages about what was heard. */
export function tonesIn(samples: ArrayLike<number>): { readonly hz: number; readonly amplitude: number }[] {
  const step = 10;
  const spectrum = Array.from({ length: 370 }, (_, i) => strengthOf(samples, 100 + i * step).amplitude);
  return spectrum
    .map((amplitude, i) => ({ hz: 100 + i * step, amplitude, i }))
    .filter(({ amplitude, i }) => {
      const around = [spectrum[i - 2], spectrum[i - 1], spectrum[i + 1], spectrum[i + 2]];
      return amplitude > 100 && around.every((other) => (other ?? 0) <= amplitude);
    })
    .map(({ hz, amplitude }) => ({ hz, amplitude: Math.round(amplitude) }))
    .sort((one, other) => other.amplitude - one.amplitude)
    .slice(0, 5);
}
