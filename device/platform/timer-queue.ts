interface QueuedTimer {
  at: number;
  /** Timers of one instant run in the order in which they were added. */
  order: number;
  task: () => void;
  /** Cancelled, or taken out. */
  over: boolean;
}

export interface TimerQueue {
  add(at: number, task: () => void): { cancel(): void };
  /** The earliest timer that was not cancelled. */
  first(): Readonly<QueuedTimer> | undefined;
  removeFirst(): void;
  /** Timers that are held, with the cancelled ones that are not cleaned up yet. */
  size(): number;
}

/** Fewer cancelled timers than this are not worth a clean-up. */
const cleanUpAbove = 64;

/**
 * Timers in a binary heap: adding and removing take logarithmic time. A cancelled timer stays until it comes first or
 * until more than half of the heap is cancelled, so that memory is bounded by the timers that live.
 */
export function timerQueue(): TimerQueue {
  let heap: QueuedTimer[] = [];
  let order = 0;
  let cancelled = 0;

  function sink(start: number): void {
    for (let index = start; ; ) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && before(heap[child], heap[least])) least = child;
      }
      if (least === index) return;
      swap(heap, index, least);
      index = least;
    }
  }

  function rise(start: number): void {
    for (let index = start; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!before(heap[index], heap[parent])) return;
      swap(heap, index, parent);
      index = parent;
    }
  }

  function removeFirst(): void {
    if (heap[0] !== undefined) heap[0].over = true;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    sink(0);
  }

  function cleanUp(): void {
    heap = heap.filter((timer) => !timer.over);
    cancelled = 0;
    for (let index = heap.length >> 1; index >= 0; index -= 1) sink(index);
  }

  return {
    add(at, task) {
      const timer = { at, order: order++, task, over: false };
      heap.push(timer);
      rise(heap.length - 1);
      return {
        cancel() {
          if (timer.over) return;
          timer.over = true;
          cancelled += 1;
          if (cancelled > cleanUpAbove && cancelled > heap.length / 2) cleanUp();
        },
      };
    },
    first() {
      while (heap[0]?.over === true) {
        removeFirst();
        cancelled -= 1;
      }
      return heap[0];
    },
    removeFirst,
    size: () => heap.length,
  };
}

function before(one: QueuedTimer | undefined, other: QueuedTimer | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function swap(heap: QueuedTimer[], one: number, other: number): void {
  const [first, second] = [heap[one], heap[other]];
  if (first === undefined || second === undefined) return;
  heap[one] = second;
  heap[other] = first;
}
