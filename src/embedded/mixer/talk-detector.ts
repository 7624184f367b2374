/** Decides from the level of each 20 ms frame whether a participant is talking: quick to begin, slow to end. */

const loud = 200;
const quiet = 120;
const framesToBegin = 3;
const framesToEnd = 25;

/** Talking begins after 3 loud frames and ends after half a second without one. */
export class TalkDetector {
  #talking = false;
  #loudFrames = 0;
  #quietFrames = 0;

  /** True between a beginning and its end. */
  get talking(): boolean {
    return this.#talking;
  }

  /** Takes the mean absolute sample of a frame; true when `talking` changed by it. */
  frame(level: number): boolean {
    if (level > loud) {
      this.#quietFrames = 0;
      this.#loudFrames += 1;
      return !this.#talking && this.#loudFrames >= framesToBegin && this.#become(true);
    }
    if (level < quiet) this.#loudFrames = 0;
    this.#quietFrames += 1;
    return this.#talking && this.#quietFrames >= framesToEnd && this.#become(false);
  }

  #become(talking: boolean): true {
    this.#talking = talking;
    this.#loudFrames = 0;
    this.#quietFrames = 0;
    return true;
  }
}
