/** What counts as heard, as silence and as neither, with made-up audio on a made-up clock. */
import { describe, expect, it } from 'vitest';
import { Hearing } from '../../harness/sip/hearing.ts';

/** Pushes packets of 20 ms with these tones; a clock in milliseconds goes with them. */
class Speaker {
  readonly hearing = new Hearing();
  #now = 1000;
  #sample = 0;

  say(packets: number, tones: readonly number[], amplitude = 4000): void {
    for (let packet = 0; packet < packets; packet += 1) {
      const samples = Int16Array.from({ length: 160 }, () => {
        this.#sample += 1;
        return tones.reduce((sum, hz) => sum + amplitude * Math.sin((2 * Math.PI * hz * this.#sample) / 8000), 0);
      });
      this.#now += 20;
      this.hearing.push(samples, this.#now);
    }
  }

  pause(ms: number): void {
    this.#now += ms;
  }
}

/** Whether a promise has been settled once everything due has run. */
async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

const limit = 60_000;

describe('hearing', () => {
  it('wants three whole windows that began after the question', async () => {
    const speaker = new Speaker();
    speaker.say(2, [440]);
    const heard = speaker.hearing.hears(440, limit);
    speaker.say(17, [440, 620, 880]);
    expect(await settled(heard)).toBe(false);
    speaker.say(1, [440, 620, 880]);
    expect(await settled(heard)).toBe(true);
  });

  it('does not take a faint tone for one that is there, nor for one that is gone', async () => {
    const speaker = new Speaker();
    const heard = speaker.hearing.hears(440, limit);
    const gone = speaker.hearing.silentOf(440, limit);
    speaker.say(50, [440], 200);
    expect([await settled(heard), await settled(gone)]).toEqual([false, false]);
    speaker.say(15, []);
    expect([await settled(heard), await settled(gone)]).toEqual([false, true]);
    speaker.say(15, [440]);
    await heard;
  });

  it('takes other tones for silence of this one, but no packets for nothing', async () => {
    const speaker = new Speaker();
    speaker.say(5, [440, 620]);
    const gone = speaker.hearing.silentOf(440, limit);
    speaker.say(10, [620]);
    speaker.pause(400);
    speaker.say(10, [620]);
    expect(await settled(gone)).toBe(false);
    speaker.say(5, [620]);
    expect(await settled(gone)).toBe(true);
  });

  it('says what it heard instead', async () => {
    const speaker = new Speaker();
    await expect(speaker.hearing.hears(440, 1)).rejects.toThrow(
      '440 Hz was not heard within 1 ms: no audio has come; 0 packets came in that time',
    );
    const waiting = speaker.hearing.hears(440, 1);
    speaker.say(5, [620, 1230]);
    await expect(waiting).rejects.toThrow(/last heard were (620|1230) Hz \(\d+\), (620|1230) Hz \(\d+\); 5 packets/);
    const gone = speaker.hearing.silentOf(620, 1);
    speaker.say(5, []);
    await expect(gone).rejects.toThrow('620 Hz did not fall silent within 1 ms: silence was last heard');
  });
});
