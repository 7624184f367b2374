import { describe, expect, it } from 'vitest';
import { TalkDetector } from '../../../../src/embedded/mixer/talk-detector.ts';

const frames = (detector: TalkDetector, level: number, count: number): boolean[] =>
  Array.from({ length: count }, () => detector.frame(level));

describe('talk detection', () => {
  it('begins with the third loud frame and ends half a second after the last', () => {
    const detector = new TalkDetector();
    expect(frames(detector, 1000, 4)).toEqual([false, false, true, false]);
    expect(detector.talking).toBe(true);
    expect(frames(detector, 0, 25).indexOf(true)).toBe(24);
    expect(detector.talking).toBe(false);
  });

  it('takes no single click for talk, and no pause between words for the end', () => {
    const detector = new TalkDetector();
    for (let click = 0; click < 10; click += 1) {
      expect(frames(detector, 1000, 2).concat(frames(detector, 0, 5))).not.toContain(true);
    }
    frames(detector, 1000, 3);
    for (let word = 0; word < 10; word += 1) {
      expect(frames(detector, 0, 24).concat(frames(detector, 1000, 1))).not.toContain(true);
    }
    expect(detector.talking).toBe(true);
  });
});
