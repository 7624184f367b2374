/** One sorted queue of times for all subscriptions, instead of a timer each: a binary heap whose outdated entries are passed over. */

/** What can be woken; `wakeAt` is the one time that counts, Infinity when it sleeps. Only the queue changes it. */
export interface Sleeper {
  wakeAt: number;
}

interface Entry<S> {
  readonly at: number;
  readonly sleeper: S;
}

/** Earliest first; the order of those of one time is not promised. */
export class WakeQueue<S extends Sleeper> {
  #heap: Entry<S>[] = [];
  #awake = 0;

  /** Sets the time of a sleeper, instead of an earlier setting; Infinity takes it out. */
  set(sleeper: S, at: number): void {
    if (sleeper.wakeAt === at) return;
    this.#awake += Number(at !== Number.POSITIVE_INFINITY) - Number(sleeper.wakeAt !== Number.POSITIVE_INFINITY);
    sleeper.wakeAt = at;
    if (at !== Number.POSITIVE_INFINITY) this.#put({ at, sleeper });
    this.#tidy();
  }

  /** Takes out the next whose time has come, or gives undefined. */
  take(now: number): S | undefined {
    const first = this.#first();
    if (!first || first.at > now) return undefined;
    this.#drop();
    this.#awake -= 1;
    first.sleeper.wakeAt = Number.POSITIVE_INFINITY;
    return first.sleeper;
  }

  /** The earliest time, or null. */
  next(): number | null {
    return this.#first()?.at ?? null;
  }

  #first(): Entry<S> | undefined {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (first.sleeper.wakeAt === first.at) return first;
      this.#drop();
    }
    return undefined;
  }

  #put(entry: Entry<S>): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || above.at <= entry.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #drop(): void {
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) this.#sink(last);
  }

  #sink(entry: Entry<S>): void {
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

  /** Throws outdated entries away when they are the most. */
  #tidy(): void {
    if (this.#heap.length <= 64 + 4 * this.#awake) return;
    const current = this.#heap.filter(({ at, sleeper }) => sleeper.wakeAt === at);
    this.#heap = [];
    for (const entry of current) this.#put(entry);
  }
}
