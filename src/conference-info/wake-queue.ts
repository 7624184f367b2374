/** One sorted queue of times for all subscriptions, instead of a timer each: a binary heap whose outdated entries are passed over. */

interface Entry {
  readonly at: number;
  readonly id: string;
}

/** Earliest first; ids of one time in the order in which they were put in is not promised. */
export class WakeQueue {
  readonly #heap: Entry[] = [];

  /** Entries, outdated ones too. */
  get size(): number {
    return this.#heap.length;
  }

  /** The earliest, or undefined. */
  first(): Entry | undefined {
    return this.#heap[0];
  }

  put(at: number, id: string): void {
    const heap = this.#heap;
    const entry = { at, id };
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || above.at <= at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Takes the earliest out. */
  take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first && last && heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const one = heap[left];
      if (!one) break;
      const other = heap[left + 1];
      const [child, place] = other && other.at < one.at ? [other, left + 1] : [one, left];
      if (child.at >= entry.at) break;
      heap[index] = child;
      index = place;
    }
    heap[index] = entry;
  }

  clear(): void {
    this.#heap.length = 0;
  }
}
