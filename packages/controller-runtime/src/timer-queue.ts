import type { Cancel } from "./scheduler.ts";

interface Timer {
  readonly at: number;
  readonly sequence: number;
  readonly action: () => void;
  cancelled: boolean;
}

/** Timers in the order of their times, then of their making: a binary heap. */
export class TimerQueue {
  readonly #heap: Timer[] = [];
  #sequence = 0;

  get nextAt(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.at;
  }

  add(at: number, action: () => void): Cancel {
    const timer: Timer = { at, sequence: this.#sequence++, action, cancelled: false };
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Takes the first timer off, if it is due at `time`. */
  takeDue(time: number): { readonly at: number; readonly action: () => void } | undefined {
    this.#dropCancelled();
    const first = this.#heap[0];
    return first !== undefined && first.at <= time ? this.#take() : undefined;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#take();
  }

  #take(): Timer | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) {
      this.#heap[0] = last;
      this.#siftDown();
    }
    return first;
  }

  #siftUp(start: number): void {
    for (let i = start; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfBefore(i, parent)) return;
      i = parent;
    }
  }

  #siftDown(): void {
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      const child = right < this.#heap.length && this.#before(right, left) ? right : left;
      if (child >= this.#heap.length || !this.#swapIfBefore(child, i)) return;
      i = child;
    }
  }

  #before(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    if (a === undefined || b === undefined) return false;
    return a.at !== b.at ? a.at < b.at : a.sequence < b.sequence;
  }

  #swapIfBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    if (a === undefined || b === undefined || !this.#before(i, j)) return false;
    this.#heap[i] = b;
    this.#heap[j] = a;
    return true;
  }
}
